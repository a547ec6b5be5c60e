#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The machine goes to sleep under load and wakes up: all of user space is frozen in the middle
of whatever it does, and in the second half all CPUs but the first are taken away meanwhile, as
on the way into suspend. Nothing is lost unnoticed or overtaken, and connections go on.

The guest's root is a virtio-9p device, which does not survive that devices are suspended; so
the kernel goes as far as pm_test's `freezer`, and the CPUs go by hand. ROUNDS=N (2) of each.
"""

import errno
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import module
import numbered
from harness import Skipped, expect, expect_equal, main, must_fail, note, test
from mover import Mover
from scenes import OTHERS, set_online
from streams import Streams

ROUNDS = int(os.environ.get("ROUNDS", "2"))
POWER = Path("/sys/power")
# What pm_test waits, in seconds.
DELAY = Path("/sys/module/suspend/parameters/pm_test_delay")
FROZEN = 2

sender, receiver, load = numbered.pair()


@contextmanager
def kept(file, text):
    """A file has another content while the block runs."""
    was = file.read_text(encoding="ascii")
    # pm_test shows all its levels, the one that is set in brackets.
    was = was.split("[")[-1].split("]")[0]
    file.write_text(text, encoding="ascii")
    try:
        yield
    finally:
        file.write_text(was, encoding="ascii")


def sleep_and_wake(state):
    """Suspends as far as tasks are concerned."""
    with kept(POWER / "pm_test", "freezer"), kept(DELAY, str(FROZEN)):
        (POWER / "state").write_text(state, encoding="ascii")


class Heartbeat(threading.Thread):
    """Notices when it does not run."""

    def __init__(self):
        super().__init__()
        self.over, self.longest = threading.Event(), 0

    def __enter__(self):
        self.start()
        return self

    def run(self):
        last = time.monotonic()
        while not self.over.wait(0.05):
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def check_frozen(self):
        """It did not run while the machine slept."""
        expect(self.longest >= FROZEN, f"it ran at least every {self.longest:.2f} s")


def rounds(state, asleep):
    """Sleeps some times under load; `asleep` is what does it."""
    if not (POWER / "pm_test").exists():
        raise Skipped("this kernel has no pm_test")
    if state not in (POWER / "state").read_text(encoding="ascii").split():
        raise Skipped(f"this machine has no {state}")
    with module.module():
        module.write("moves/check_order", "1")
        module.write("timer_interval_ms", "100")
        streams = Streams(sender, receiver, numbered.ADDRESSES, 600, each=2)
        try:
            with load, Mover(gone=(errno.ENODEV,)) as mover:
                for _ in range(ROUNDS):
                    before = conns.timers("rounds")
                    with Heartbeat() as heartbeat:
                        asleep(state)
                    heartbeat.check_frozen()
                    # CPUs that were away did not walk, but do again.
                    time.sleep(0.5)
                    walks = [now - then for now, then in zip(conns.timers("rounds"), before)]
                    expect(min(walks) > 0, f"a timer thread walks no more: {walks}")
                    streams.check_flow(streams.received())
            expect_equal(mover.error, None, "what went wrong when buckets were moved")
            expect(mover.moves > 0, "nothing moved")
        finally:
            streams.stop()
        sent, drops = load.check()
        module.check_accounts()
        expect_equal(module.read("moves/order_violations"), "0", "packets that were overtaken")
        note(f"{sent} datagrams, drops {drops or 'none'}, {mover.moves} moves")


def without_others(state):
    """Sleeps with one CPU only, as in suspend."""
    for cpu in OTHERS:
        set_online(cpu, False)
    try:
        sleep_and_wake(state)
        expect_equal(module.counter("buckets")[0], int(module.read("buckets")), "buckets of the last CPU")
    finally:
        for cpu in OTHERS:
            set_online(cpu, True)


for each in ("freeze", "mem"):
    @test(f"`{each}` under load, {ROUNDS} times: frozen, and awake again")
    def _(state=each):
        rounds(state, sleep_and_wake)


@test(f"`mem` under load, {ROUNDS} times, with all CPUs but one away")
def _():
    rounds("mem", without_others)


@test("control: a machine that does not sleep is noticed")
def _():
    with Heartbeat() as heartbeat:
        time.sleep(1)
    must_fail(heartbeat.check_frozen)


if __name__ == "__main__":
    main()
