# SPDX-License-Identifier: GPL-2.0
"""The checker of consoles must catch what it is for, and nothing else."""

import unittest
from pathlib import Path

import console

FIXTURES = Path(__file__).parent / "fixtures"


class ConsoleTest(unittest.TestCase):
    def test_each_bad_line_is_caught(self):
        """Negative control: every line of the fixture alone must be caught."""
        lines = (FIXTURES / "console-bad.txt").read_text().splitlines()
        self.assertGreater(len(lines), 10)
        for line in lines:
            with self.subTest(line=line):
                self.assertEqual(len(console.complaints(f"boot\n{line}\nrest")), 1)

    def test_an_ordinary_boot_is_clean(self):
        text = (FIXTURES / "console-good.txt").read_text()
        self.assertEqual(console.complaints(text), [])

    def test_the_running_test_is_named(self):
        text = "x\n[ 1.0] flowbucket-test: spread.sh\n[ 2.0] WARNING: CPU: 1 PID: 7\n"
        self.assertEqual(console.complaints(text)[0][0], "spread.sh")


if __name__ == "__main__":
    unittest.main()
