#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Namespaces, devices, CPUs and settings come and go under load, and nothing is
lost unnoticed: of a stream of numbered datagrams each is received or counted as
dropped, and the module's own accounts balance.

DEVICES=N, CPU_ROUNDS=N, REWRITES=N, CYCLES=N and MIX=SECONDS say how much of it.
"""

import errno
import itertools
import os
import random
import sys
import threading
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import devices
import module
import numbered
from harness import Failed, expect, expect_equal, main, must_fail, note, test
from mover import Mover
from scenes import OTHERS, REWRITE, random_map, repeat, rewrite, set_online

DEVICES = int(os.environ.get("DEVICES", "5"))
CPU_ROUNDS = int(os.environ.get("CPU_ROUNDS", "2"))
REWRITES = int(os.environ.get("REWRITES", "20"))
CYCLES = int(os.environ.get("CYCLES", "6"))
MIX = int(os.environ.get("MIX", "15"))
# VLANs that go with their device.
TOGETHER = 50
SEED = 5

sender, receiver, load = numbered.pair()


@contextmanager
def checked():
    """The module under the stream of datagrams, and afterwards the accounts."""
    with module.module():
        with load:
            yield
        sent, drops = load.check()
        module.check_accounts()
        expect(module.total("steered") > 0, "nothing was steered")
        note(f"{sent} datagrams, drops {drops or 'none'}, steered {module.total('steered')}, "
             f"of them dropped with their device {module.total('drop_device')}")


def refused(name, text, wanted):
    """A write that must be refused."""
    try:
        module.write(name, text)
    except OSError as error:
        expect_equal(error.errno, wanted, f"errno of '{text}' written to {name}")
    else:
        raise Failed(f"'{text}' was written to {name}")


@test("the stream alone arrives, steered and not")
def _():
    with checked():
        time.sleep(2)
    with load:
        time.sleep(1)
    load.check()


@test(f"{DEVICES} namespaces, veth pairs, VLANs, macvlans and bridges come and go under load")
def _():
    with checked():
        for turn in range(DEVICES):
            devices.come_and_go(devices.KINDS[turn % len(devices.KINDS)])


@test("CPUs go offline and come back: their buckets go and come back with them")
def _():
    with checked():
        module.write("map", random_map(random.Random(SEED)).encode())
        owners = module.bucket_map()
        for turn in range(CPU_ROUNDS):
            for cpu in OTHERS:
                had = module.counter("buckets")[cpu]
                set_online(cpu, False)
                try:
                    lent = module.bucket_map()
                    owned = (module.counter("buckets")[cpu], lent.count(cpu))
                    expect_equal(owned, (0, 0), f"buckets of offline CPU {cpu}")
                    moved = [n for n, owner in enumerate(owners) if owner not in (cpu, lent[n])]
                    expect_equal(moved, [], "buckets of other CPUs that moved")
                    refused("map", f"0 {cpu}", errno.ENODEV)
                    refused("cpus", str(cpu), errno.ENODEV)
                finally:
                    set_online(cpu, True)
                expect_equal(module.counter("buckets")[cpu], had, f"buckets of CPU {cpu} after it came back")
                expect_equal(module.bucket_map() == owners, True, f"the map is as before CPU {cpu} went")
        # All but one at a time.
        for cpu in OTHERS:
            set_online(cpu, False)
        expect_equal(module.counter("buckets")[0], len(owners), "buckets of the last CPU")
        for cpu in OTHERS:
            set_online(cpu, True)
        expect_equal(module.bucket_map() == owners, True, "the map is as before all went")


def declare(name):
    """A test point that rewrites one file again and again."""
    @test(f"`{name}` is rewritten {REWRITES} times under load")
    def _():
        rng = random.Random(f"{SEED} {name}")
        with checked():
            for _ in range(REWRITES):
                rewrite(name, rng)
                time.sleep(0.05)


for each_file in REWRITE:
    declare(each_file)


@test(f"{CYCLES} times a CPU goes and comes back, and {CYCLES} devices are deleted, while buckets move")
def _():
    over, errors = threading.Event(), []
    cpus = itertools.cycle(OTHERS)
    # Each kind once; what is left goes many at a time, or it would take hours.
    kinds, left = iter(devices.KINDS), CYCLES

    def hotplug():
        cpu = next(cpus)
        set_online(cpu, False)
        set_online(cpu, True)

    def going():
        nonlocal left
        kind = next(kinds, None)
        if kind:
            devices.come_and_go(kind)
            left -= 1
        elif left > 0:
            count = min(left, TOGETHER)
            devices.many_at_once(count)
            left -= count

    with checked():
        module.write("moves/check_order", "1")
        # A CPU that a bucket is to go to may be offline.
        with Mover(gone=(errno.ENODEV,)) as mover:
            threads = [threading.Thread(target=repeat, args=(over, errors, action, CYCLES))
                       for action in (hotplug, going)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        expect_equal((errors, mover.error), ([], None), "what went wrong")
        expect_equal(module.read("moves/order_violations"), "0", "violations that the module saw")
        note(f"{mover.moves} moves, {mover.rate:.0f}/s")
        expect(mover.moves > 0, "nothing moved")


@test(f"all of this at once, for {MIX} s")
def _():
    rng = random.Random(SEED)
    over, errors = threading.Event(), []

    def hotplug():
        cpu = rng.choice(OTHERS)
        set_online(cpu, False)
        try:
            time.sleep(0.2)
        finally:
            set_online(cpu, True)

    def files():
        rewrite(rng.choice(list(REWRITE)), rng)
        time.sleep(0.05)

    def going():
        devices.come_and_go(rng.choice(devices.KINDS))

    with checked():
        threads = [threading.Thread(target=repeat, args=(over, errors, action)) for action in (hotplug, files, going)]
        for thread in threads:
            thread.start()
        over.wait(MIX)
        over.set()
        for thread in threads:
            thread.join()
        expect_equal(errors, [], "what went wrong")
        # Steering is on again and on all CPUs, whatever was written last.
        for name, text in (("enabled", "1"), ("interfaces", ""), ("cpus", f"0-{module.CPUS - 1}")):
            module.write(name, text)
        expect(min(module.counter("buckets")) > 0, "a CPU has no buckets")
        before = module.total("packets")
        time.sleep(0.5)
        expect(module.total("packets") > before, "nothing is steered any more")


@test("control: datagrams that are lost or doubled unnoticed are noticed")
def _():
    def with_netem(what):
        sender.run(f"tc qdisc add dev out root netem {what}")
        try:
            with load:
                time.sleep(1)
            load.check(timeout=2)
        finally:
            sender.run("tc qdisc del dev out root")
    must_fail(with_netem, "loss 5%")
    must_fail(with_netem, "duplicate 5%")


if __name__ == "__main__":
    main()
