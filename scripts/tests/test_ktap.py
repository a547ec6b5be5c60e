# SPDX-License-Identifier: GPL-2.0
"""Counting must not lose a failure."""

import unittest

import ktap


def counts(text, status=0):
    result = ktap.parse(text.splitlines(), status)
    return result.passed, result.failed, result.skipped


class KtapTest(unittest.TestCase):
    def test_points_are_counted(self):
        text = "TAP version 13\n1..4\nok 1 a\nnot ok 2 b\nok 3 c # SKIP no IPv6\nnot ok 4 d # XFAIL known\n"
        self.assertEqual(counts(text, 1), (2, 1, 1))

    def test_subtests_belong_to_their_point(self):
        self.assertEqual(counts("1..1\n    not ok 1 inner\n    ok 2 inner\nok 1 outer\n"), (1, 0, 0))

    def test_skip_of_all(self):
        self.assertEqual(counts("1..0 # SKIP no module\n", 4), (0, 0, 1))
        self.assertEqual(counts("# need root\n", 4), (0, 0, 1))

    def test_a_broken_plan_fails(self):
        self.assertEqual(counts("1..3\nok 1 a\n"), (1, 1, 0))

    def test_silence_fails(self):
        self.assertEqual(counts(""), (0, 1, 0))

    def test_an_unexplained_exit_status_fails(self):
        self.assertEqual(counts("1..1\nok 1 a\n", 2), (1, 1, 0))

    def test_a_dead_guest_fails(self):
        self.assertEqual(counts("1..2\nok 1 a\n", None), (1, 1, 0))

    def test_diagnostics_come_with_the_failure(self):
        result = ktap.parse("1..1\n# got 3, wanted 4\nnot ok 1 sum\n".splitlines(), 1)
        self.assertIn("got 3, wanted 4", result.notes[0])

    def test_summary(self):
        self.assertEqual(ktap.Result(3, 0).summary(), "3 passed, 0 failed")
        self.assertEqual(ktap.Result(3, 1, 2).summary(), "3 passed, 1 failed, 2 skipped")


if __name__ == "__main__":
    unittest.main()
