# SPDX-License-Identifier: GPL-2.0
"""The demonstration must fail when the spread did not happen."""

import copy
import json
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "demo.d"))

import report  # pylint: disable=wrong-import-position
import spread  # pylint: disable=wrong-import-position


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.result = json.loads((HERE / "fixtures" / "demo-spread.json").read_text())

    def check(self, change, words):
        """A result changed like this is complained about, in these words."""
        result = copy.deepcopy(self.result)
        change(result, result["phases"])
        found = spread.complaints(result)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_real_run_passes(self):
        self.assertEqual(spread.complaints(self.result), [])

    def test_all_packets_on_one_cpu_fail(self):
        def one_cpu(_, phases):
            phases["on"]["tcp_packets"] = phases["off"]["tcp_packets"]
        self.check(one_cpu, "did not spread")

    def test_a_cpu_left_out_fails(self):
        def left_out(_, phases):
            phases["on"]["module_packets"] = [3000, 3000, 3000, 1200]
        self.check(left_out, "did not spread")

    def test_a_module_that_counts_nothing_fails(self):
        def nothing(_, phases):
            phases["on"]["module_packets"] = [0, 0, 0, 0]
        self.check(nothing, "did not spread")

    def test_a_spread_without_the_module_fails(self):
        def spread_anyway(_, phases):
            phases["off"]["tcp_packets"] = phases["on"]["tcp_packets"]
        self.check(spread_anyway, "with the module off")

    def test_too_little_traffic_fails(self):
        def little(_, phases):
            phases["rps"]["tcp_packets"] = [10, 10, 10, 10]
        self.check(little, "only 40 packets")

    def test_failed_connections_fail(self):
        def errors(_, phases):
            phases["on"]["errors"] = 3
        self.check(errors, "3 connections fail")

    def test_more_queues_fail(self):
        def queues(result, _):
            result["queues"] = 4
        self.check(queues, "4 receive queues")

    def test_the_table_names_all_phases_and_cpus(self):
        text = report.table(self.result)
        for words in ("module off", "RPS", "flowbucket", "CPU 0", "CPU 3", "requests/s"):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
