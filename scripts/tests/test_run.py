# SPDX-License-Identifier: GPL-2.0
"""A guest that the emulator has ended must be booted once more, any other must not."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import run

FAULT = (Path(__file__).parent / "fixtures/console-emulator.txt").read_text()
GOOD = ["1..1\n", "ok 1 - x\n"]


class GuestTest(unittest.TestCase):
    def guest(self, *boots):
        """Passed and failed points of two programs. Of each boot: its console, and the statuses of
        what it runs, in order; None ends the guest."""
        boots = list(boots)

        def boot(_, names, keep):
            text, statuses = boots.pop(0)
            keep.mkdir(parents=True)
            (keep / "console").write_text(text)
            for name, status in zip(list(names), statuses):
                yield name, GOOD if status == 0 else [], status, 1

        with tempfile.TemporaryDirectory() as logs, mock.patch.object(run, "LOGS", Path(logs)), \
                mock.patch.object(run, "boot", boot), contextlib.redirect_stdout(io.StringIO()), \
                mock.patch.object(subprocess, "run", return_value=mock.Mock(returncode=0)):
            result = run.run_guest("x86", ["map.py", "spread.py"])
        self.assertEqual(boots, [])
        return result.passed, result.failed

    def test_a_good_guest_is_booted_once(self):
        self.assertEqual(self.guest(("boot\n", [0, 0])), (3, 0))

    def test_the_emulators_fault_is_forgiven_once(self):
        self.assertEqual(self.guest((f"boot\n{FAULT}", [0, None]), ("boot\n", [0])), (4, 0))
        self.assertEqual(self.guest((f"boot\n{FAULT}", []), ("boot\n", [0, 0])), (3, 0))

    def test_a_second_time_is_a_failure(self):
        passed, failed = self.guest((f"boot\n{FAULT}", [0, None]), (f"boot\n{FAULT}", [None]))
        self.assertTrue(passed == 2 and failed >= 2, (passed, failed))
        passed, failed = self.guest((f"boot\n{FAULT}", []), (f"boot\n{FAULT}", []))
        self.assertTrue(passed == 0 and failed >= 2, (passed, failed))

    def test_another_end_is_a_failure(self):
        passed, failed = self.guest(("BUG: x\n", [None]), ("boot\n", [0]))
        self.assertTrue(passed == 2 and failed >= 2, (passed, failed))


if __name__ == "__main__":
    unittest.main()
