#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""For a long time: TCP and numbered datagrams, while buckets move at random and by policy,
settings change, and CPUs, devices and namespaces come and go. Afterwards nothing has been
lost unnoticed, overtaken, stuck, or left behind.

SOAK_MINUTES=N says for how long (1). `make soak` does two hours of it.
"""

import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import devices
import memory
import module
import numbered
from harness import expect, expect_equal, main, must_fail, note, test
from knobs import GOOD
from scenes import OTHERS, repeat, rewrite, set_online
from streams import Streams

MINUTES = float(os.environ.get("SOAK_MINUTES", "1"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
# Those that change the way of packets at once may have a packet overtaken: not these.
AT_ONCE = ("enabled", "interfaces", "hash", "toeplitz_key", "buckets", "moves/check_order")
KNOBS = sorted(name for name in GOOD if name not in AT_ONCE)
# How often it is said how far it is, in seconds; and how long a connection may be without data.
TELL, PATIENCE = 60, 60

sender, receiver, load = numbered.pair()
before = {}


class Turmoil:
    """All that happens meanwhile, each in a thread of its own."""

    def __init__(self, rng):
        self.rng = rng
        self.over, self.errors, self.counts = threading.Event(), [], {}
        self.threads = [threading.Thread(target=repeat, args=(self.over, self.errors, self.counted(action)))
                        for action in (self.hotplug, self.moves, self.settings, self.going)]

    def counted(self, action):
        """The same, and counts how often."""
        def do():
            action()
            self.counts[action.__name__] = self.counts.get(action.__name__, 0) + 1
        do.__name__ = action.__name__
        return do

    def hotplug(self):
        cpu = self.rng.choice(OTHERS)
        set_online(cpu, False)
        try:
            self.over.wait(0.5)
        finally:
            set_online(cpu, True)
        self.over.wait(1)

    def moves(self):
        rewrite("map", self.rng)
        self.over.wait(0.05)

    def settings(self):
        name = self.rng.choice(KNOBS)
        try:
            module.write(name, self.rng.choice(GOOD[name])[0])
        except OSError:
            # Of a CPU that is away, or more CPUs than are left.
            expect(name in ("cpus", "min_cpus"), f"{name} cannot be written")
        self.over.wait(0.1)

    def going(self):
        devices.come_and_go(self.rng.choice(devices.KINDS))
        self.over.wait(0.5)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def check_still_in_order():
    """The module has seen nothing overtaken."""
    expect_equal(module.read("moves/order_violations"), "0", "packets that were overtaken")


def soak(seconds, rng):
    """One run of all that."""
    with module.module(policy="load"):
        module.write("moves/check_order", "1")
        streams = Streams(sender, receiver, numbered.ADDRESSES, 2 * seconds + 600, each=2)
        try:
            with load:
                with Turmoil(rng) as turmoil:
                    end = time.monotonic() + seconds
                    while (left := end - time.monotonic()) > 0 and not turmoil.over.is_set():
                        received = streams.received()
                        turmoil.over.wait(min(left, TELL))
                        note(f"{(end - time.monotonic()) / 60:.1f} minutes left, {turmoil.counts}, "
                             f"{module.read('moves/total')} moves, {module.drops()} drops")
                        streams.check_flow(received, timeout=PATIENCE)
                        check_still_in_order()
                expect_equal(turmoil.errors, [], "what went wrong")
            streams.check_flow(streams.received(), timeout=PATIENCE)
        finally:
            streams.stop()
        sent, drops = load.check()
        module.check_accounts()
        check_still_in_order()
        note(f"{sent} datagrams, drops {drops or 'none'}; {turmoil.counts}, {module.read('moves/total')} moves")


def used():
    """Packet buffers in use, if the kernel counts them."""
    return memory.skbs() if memory.has_slabinfo() else {}


@test("before: a little of all, to fill the caches")
def _():
    soak(15, random.Random(SEED))
    before["kilobytes"] = memory.at_rest(memory.kilobytes)
    before["skbs"] = memory.at_rest(used)


@test(f"{MINUTES:g} minutes of traffic, moves, settings and comings and goings, with SEED={SEED}")
def _():
    soak(60 * MINUTES, random.Random(SEED + 1))


@test("nothing is left behind")
def _():
    memory.check_back(before["kilobytes"], memory.kilobytes, memory.KB_SLACK, "kB in use")
    memory.check_back(before["skbs"], used, memory.SKB_SLACK * module.CPUS, "packet buffers in use")
    if memory.KMEMLEAK.exists():
        memory.check_kmemleak()


@test("control: datagrams that are lost unnoticed are noticed")
def _():
    sender.run("tc qdisc add dev out root netem loss 5%")
    try:
        with load:
            time.sleep(1)
        must_fail(load.check, timeout=2)
    finally:
        sender.run("tc qdisc del dev out root")


if __name__ == "__main__":
    main()
