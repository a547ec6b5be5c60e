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


    def test_only_the_emulators_fault_is_told_apart(self):
        text = (FIXTURES / "console-emulator.txt").read_text()
        before = console.before_emulator_fault(f"boot\n{text}")
        self.assertEqual(before, "boot\n")
        for old, new in (("18 00 00 00 00 eb <57>", "18 00 00 00 00 cc <57>"),
                         ("ttwu_do_activate+0x93/0x1b0", "steer+0x93/0x1b0 [flowbucket]"),
                         ("Oops: int3", "Oops: invalid opcode"), ("[#1]", "[#2]")):
            self.assertIn(old, text)
            self.assertIsNone(console.before_emulator_fault(text.replace(old, new)), new)


if __name__ == "__main__":
    unittest.main()
