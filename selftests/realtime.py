#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A kernel with PREEMPT_RT, where softirqs are preempted: the module is refused, and says why."""

import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from harness import expect, expect_equal, main, must_fail, test


def check_refused(parameters=()):
    """Loading fails as it should here, and leaves nothing."""
    with module.log_lines() as lines:
        result = module.insmod(*parameters)
    expect_equal(result, errno.EOPNOTSUPP, "error of loading the module")
    expect(any("PREEMPT_RT" in line for line in lines), f"the log does not say why: {lines}")
    module.check_gone()


@test("this is a kernel with PREEMPT_RT")
def _():
    expect("PREEMPT_RT" in os.uname().version.split(), f"this is {os.uname().version}")


@test("the module is refused with EOPNOTSUPP and a line in the log, again and again")
def _():
    for _ in range(3):
        check_refused()


@test("control: that it cannot be loaded for another reason is told apart")
def _():
    must_fail(check_refused, ("buckets=nonsense",))


if __name__ == "__main__":
    main()
