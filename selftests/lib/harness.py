# SPDX-License-Identifier: GPL-2.0
"""A test program: functions marked @test, each one KTAP test point.

Reporting is the kernel's own ksft.py. A checker is a function that raises
Failed; must_fail() is its negative control, the proof that it can.
"""

import os
import sys
import time
import traceback

SOURCE = os.environ.get("FLOWBUCKET_KSRC", "")
sys.path.append(os.path.join(SOURCE, "tools/testing/selftests/kselftest"))
sys.dont_write_bytecode = True

try:
    import ksft
except ImportError:
    print("1..0 # SKIP set FLOWBUCKET_KSRC to the kernel's source tree")
    sys.exit(4)


class Failed(Exception):
    """What a checker raises; its text says what was found."""


class Skipped(Exception):
    """What a test raises that cannot be made on this machine; its text says why."""


class Broken(Exception):
    """The test itself could not do its work: no complaint that must_fail() takes."""


TESTS = []


def test(description):
    """Marks a function as a test point."""
    def mark(function):
        TESTS.append((description, function))
        return function
    return mark


def note(text):
    """A diagnostic line; of a very long one, a bucket map for example, the beginning."""
    for line in str(text).splitlines():
        ksft.print_msg(line if len(line) <= 1000 else f"{line[:1000]} ...")
    sys.stdout.flush()


def expect(condition, text):
    """The simplest checker."""
    if not condition:
        raise Failed(text)


def expect_equal(found, wanted, what):
    """Compares two values."""
    expect(found == wanted, f"{what}: {found!r}, expected {wanted!r}")


def must_fail(check, *args, **kwargs):
    """Runs a checker where it has to complain; shows what it says."""
    try:
        check(*args, **kwargs)
    except Failed as complaint:
        note(f"as it should, the check complains: {str(complaint)[:160]}")
        return
    raise Failed(f"{check.__name__} does not complain where it must")


def main():
    """Runs all test points of the program and exits."""
    ksft.print_header()
    ksft.set_plan(len(TESTS))
    for description, function in TESTS:
        start = time.monotonic()
        try:
            function()
        except Skipped as reason:
            note(reason)
            ksft.test_result_skip(description)
        except Failed as complaint:
            note(complaint)
            ksft.test_result_fail(description)
        except Exception:  # whatever it is, the next points still run
            note(traceback.format_exc())
            ksft.test_result_fail(description)
        else:
            ksft.test_result_pass(description)
        note(f"{time.monotonic() - start:.1f} s")
    ksft.finished()
