#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Allocations fail, one after the other and at random: whoever asked is told so, nothing
changes, nothing is left behind, and packets go on.

The kernel's fault injection, by the stack, has only allocations of the module fail. Of those of
loading it is every STEP-th, from a random one on: STEP=1 takes each.
"""

import ctypes
import errno
import os
import random
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import faults
import memory
import module
import numbered
from harness import Failed, expect, expect_equal, main, must_fail, note, test
from knobs import OTHER
from mover import Mover
from net import CLONE_NEWNET, LIBC, Netns, wait_for
from scenes import set_online

STEP = int(os.environ.get("STEP", "64" if os.environ.get("FB_FLAVOUR") == "debug" else "4"))
FIRST = random.randrange(1, STEP + 1)
SECONDS = 10
# What a CPU's thread does next, or the balancer, comes within so many seconds.
SOON = 20
# Files whose change takes memory: in turn to the one value and the other.
CHANGES = {
    "buckets": ("64", "8192"),
    "cpus": ("0-1", f"0-{module.CPUS - 1}"),
    "hash": ("crc32c", "siphash"),
    "toeplitz_key": (OTHER, OTHER[::-1]),
    "interfaces": ("eth0", "eth1"),
    "map": ("0-63 0", "0-63 1"),
    "moves/check_order": ("1", "0"),
    "policy": ("step", "static"),
}

sender, receiver, load = numbered.pair()


def counted(function):
    """Calls what has allocations fail and returns how many; says at how many places, too."""
    with faults.sites() as sites:
        count = function()
    note(f"{count} allocations failed, those that say so at {len(sites)} places")
    return count


def check_failed(count, at_least):
    """So many allocations have failed at least."""
    expect(count >= at_least, f"{count} allocations have failed, expected {at_least}")


@test("loading: any allocation may fail, the error is ENOMEM, and nothing is left")
def _():
    faults.prepare()
    results = {}

    def insert():
        result = module.insmod()
        results[result] = results.get(result, 0) + 1
        if result:
            module.check_gone()
        else:
            module.read("cpu0/packets")
            module.unload()

    with module.module():
        pass
    before = memory.kilobytes()
    count = counted(lambda: faults.each(insert, STEP, FIRST))
    note(f"results: { {errno.errorcode.get(number, 'loaded'): times for number, times in results.items()} }")
    check_failed(count, 100 // STEP)
    expect(set(results) <= {0, errno.ENOMEM}, "another error")
    memory.check_back(before, memory.kilobytes, memory.KB_SLACK, "memory after that")


@test("files: what cannot be done for lack of memory is refused with ENOMEM and changes nothing")
def _():
    faults.prepare()
    with module.module():
        count = 0
        for name, values in CHANGES.items():
            refused = 0

            def change(name=name, values=values):
                nonlocal refused
                before = module.settings()
                text = values[module.read(name) == values[0]] if name != "map" else random.choice(values)
                try:
                    module.write_once(name, text)
                except OSError as error:
                    expect_equal(errno.errorcode[error.errno], "ENOMEM", name)
                    expect_equal(module.settings(), before, f"settings after {name} was refused")
                    refused += 1

            count += counted(lambda change=change: faults.each(change))
            note(f"{name}: refused {refused} times")
        check_failed(count, 20)


@test("files: what cannot be shown for lack of memory says so")
def _():
    faults.prepare()
    with module.module():
        # None is to be forgotten meanwhile.
        module.write("connections/timeout_udp", "86400")
        with load:
            wait_for(lambda: len(conns.dump()) >= 2 * numbered.FLOWS, "connections are there")
        load.check()

        def show():
            try:
                conns.dump()
            except OSError as error:
                expect_equal(errno.errorcode[error.errno], "ENOMEM", "reading /proc/flowbucket")

        check_failed(counted(lambda: faults.each(show)), 1)
        expect(len(conns.dump()) >= 2 * numbered.FLOWS, "connections are gone")


@test("network namespaces: one that cannot be made is not there, and the others go on")
def _():
    faults.prepare()
    faults.aim_at("nf_register_net_hooks")
    results = []

    def make():
        results.append(LIBC.unshare(CLONE_NEWNET) and errno.errorcode[ctypes.get_errno()])

    def each_time():
        """In a thread that has no further use afterwards: it is in another namespace."""
        counts = []
        thread = threading.Thread(target=lambda: counts.append(faults.each(make)))
        thread.start()
        thread.join()
        return counts[0]

    with module.module():
        with load:
            count = counted(each_time)
        load.check()
        note(f"results of unshare(): {results}")
        # A debug kernel's checkers ask for memory, too, and can do without.
        expect(set(results) <= {"ENOMEM", 0} and results[-1] == 0, "another error, or one without a fault")
        check_failed(min(count, results.count("ENOMEM")), 2)


@contextmanager
def at_work():
    """Traffic, moves, and connections that are looked for among the sockets."""
    with module.module(policy="load"):
        module.write("interval_ms", "10")
        module.write("timer_interval_ms", "10")
        module.write("keepalive_time", "1")
        module.write("moves/check_order", "1")
        with load:
            yield
        sent, drops = load.check()
        module.check_accounts()
        expect_equal(module.read("moves/order_violations"), "0", "packets that were overtaken")
        note(f"{sent} datagrams, drops {drops or 'none'}, {module.read('moves/total')} moves")


@test("threads: the balancer and the timers go on without the memory they wanted")
def _():
    faults.prepare()
    hit = {}
    names = ["flowbucket", *(f"flowbucket/{cpu}" for cpu in range(module.CPUS))]
    with faults.sites() as sites, at_work():
        for name in names:
            thread = module.pid(name)
            for nth in range(1, 20):
                with faults.Nth(nth, thread) as fault:
                    if name == "flowbucket":
                        # What it has it keeps: it wants more for more buckets.
                        module.write("buckets", ("64", "16384")[nth % 2])
                        module.write_once("rebalance", "1")
                    try:
                        wait_for(lambda fault=fault: fault.left() == 0, "its allocation fails", timeout=1)
                    except Failed:
                        break
                hit[name] = nth
        runs = int(module.read("balance/runs"))
        wait_for(lambda: int(module.read("balance/runs")) > runs + 2, "the balancer looks again", SOON)
        rounds = conns.timers("rounds")
        wait_for(lambda: all(now > then for now, then in zip(conns.timers("rounds"), rounds)),
                 "all threads walk again", SOON)
    note(f"allocations that failed: {hit}, those that say so at {len(sites)} places")
    expect_equal(list(hit), names, "threads that were hit")


@test("packets: they go on, tracked or not, while one of three allocations fails, buckets move and CPUs come and go")
def _():
    faults.prepare()
    with at_work(), Mover(gone=(errno.ENODEV, errno.ERANGE)) as mover:
        before = conns.number("untracked")
        with faults.often(33):
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                # New buckets' tables are empty.
                module.write("buckets", random.choice(("64", "4096")))
                set_online(1, False)
                set_online(1, True)
                with Netns("fbmore"):
                    pass
        expect(conns.number("untracked") > before, "all packets were tracked: nothing has failed")
        wait_for(lambda: len(conns.dump()) >= 2 * numbered.FLOWS, "connections are tracked again")
    expect(mover.moves > 0 and not mover.error, f"{mover.moves} moves, {mover.error}")


@test("no memory leaked")
def _():
    if memory.KMEMLEAK.exists():
        memory.check_kmemleak()


@test("control: without a fault, and when the injection is aimed elsewhere, the checks complain")
def _():
    faults.prepare()
    must_fail(check_failed, faults.each(lambda: None), 1)
    with module.module():
        must_fail(module.check_gone)
    # Aimed at nothing, none of its allocations fails.
    faults.aim(1, 2)
    must_fail(check_failed, faults.each(lambda: (module.load(), module.unload())), 1)


if __name__ == "__main__":
    main()
