#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What loads are measured, and what each policy does about them.

pktgen sends datagrams of many flows from CPU 0, which is busy with that alone; so a
policy that minds such load gives it no buckets.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import frames
import hashes
import module
import pktgen
import watch
from harness import expect, expect_equal, main, note, test
from net import Netns, address, pin, veth, wait_for

SINK = "198.18.0.1"
DELAY_NS = 100000
SWITCHES = int(os.environ.get("SWITCHES", "1000"))
# An emulated CPU stands still now and then, for tens of milliseconds, and what is
# measured then is no load. `make sim` counts periods without that: five are enough.
INTERVAL_MS = 500
PERIODS = 15
FLOWS = frames.random_flows(4, 300, 11)
PACKETS = [frames.datagram(flow, bytes(20)) for flow in FLOWS]

bench = watch.Bench()
sender, receiver = Netns("fbout"), Netns("fbin")
veth(sender, "out", receiver, "in")
for ns, device in ((sender, "out"), (receiver, "in")):
    # Nothing comes in but what a test sends.
    ns.sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 1)
# So that few packets are much load.
pktgen.make_dear(receiver)
address(receiver, "in", f"{SINK}/24")
address(sender, "out", "198.18.0.2/24")


@contextmanager
def traffic(delay_ns):
    """Datagrams, all received on CPU 0."""
    sink = pktgen.Receiver(receiver, 4)
    source = pktgen.Sender(sender, "out", receiver.mac("in"), {4: SINK}, ((0, 4),), delay_ns)
    thread = threading.Thread(target=source.run, args=(1 << 30,))
    thread.start()
    try:
        yield
    finally:
        source.stop()
        thread.join()
        source.close()
        sink.close()


@contextmanager
def hog(cpu):
    """An application that spins on a CPU."""
    process = subprocess.Popen(["taskset", "-c", str(cpu), sys.executable, "-c", "while True: pass"])

    def spins():
        # Of an emulated CPU that has to wait for the machine's, it gets only a part.
        return int(module.read(f"cpu{cpu}/utilization").split()[1]) > 100
    try:
        wait_for(spins, "the application spins")
        yield
    finally:
        process.kill()
        process.wait()


def loads():
    """[(packets, bytes, nanoseconds, load)] by bucket."""
    return [tuple(map(int, line.split()[1:])) for line in module.read("balance/loads").splitlines()]


def shares():
    """What part of the load of all buckets each CPU has."""
    found = [0] * module.CPUS
    for cpu, (*_, load) in zip(module.bucket_map(), loads()):
        found[cpu] += load
    return [each / max(sum(found), 1) for each in found]


def counts():
    """Buckets by CPU."""
    return [int(module.read(f"cpu{cpu}/buckets")) for cpu in range(module.CPUS)]


def number(name):
    """A file of the directory balance."""
    return int(module.read(f"balance/{name}"))


def within_periods(check, periods=PERIODS):
    """The check holds after so many periods at the latest; CPUs here may stand still, so
    periods are counted and not timed."""
    first, told, held = number("runs"), [], []

    def over():
        runs = number("runs") - first
        if check():
            held.append(True)
        if runs >= len(told):
            told.append(f"{runs}: {[round(share, 2) for share in shares()]}, other {module.counter('load_other')}, "
                        f"imbalance {number('imbalance')}, moved {number('moved')}")
        return held or runs > periods
    wait_for(over, "periods", timeout=60)
    for line in told if not held else ():
        note(line)
    return bool(held)


@contextmanager
def balanced(policy, delay_ns=DELAY_NS, **knobs):
    """The module with a policy, all buckets on the last CPU at first, and its own check on."""
    # What the test itself does is load, too: on the CPU that is busy anyway.
    pin(0)
    with module.module():
        module.write("moves/check_order", "1")
        module.write("interval_ms", INTERVAL_MS)
        for name, value in knobs.items():
            module.write(name, value)
        module.all_to(module.CPUS - 1)
        with traffic(delay_ns):
            # Until what is there is known.
            wait_for(lambda: shares()[-1] > 0.9, "the load is measured")
            first = number("runs")
            wait_for(lambda: number("runs") > first + 2, "it is smoothed")
            module.write("policy", policy)
            yield
        module.write("policy", "static")
        module.check_accounts()
        expect_equal(module.read("moves/order_violations"), "0", "violations that the module saw")


def spread():
    """Whether the load is on several CPUs."""
    found = shares()
    return sum(share > 0.15 for share in found) >= 2 and max(found) < 0.75


@test("packets, bytes and time are counted for the bucket that they are of")
def _():
    with module.module("hash=crc32c"):
        module.all_to(module.CPUS - 1)
        for _ in range(3):
            bench.send(PACKETS)
        module.check_accounts()
        wanted = [0] * 4096
        for flow in FLOWS:
            wanted[hashes.flow_crc32c(flow) % 4096] += 3
        found = loads()
        wrong = [(at, packets, size) for at, (packets, size, *_) in enumerate(found)
                 if (packets, size) != (wanted[at], 48 * wanted[at])]
        expect(not wrong, f"bucket, packets, bytes: {wrong[:5]}, expected {[wanted[at] for at, *_ in wrong[:5]]} packets")
        expect(all(ns for packets, _, ns, _ in found[1:] if packets > 3), "no time")
        expect_equal(sum(ns for _, _, ns, _ in found) > 0, module.total("busy_ns") > 0, "time by bucket and by CPU")


@test("static moves nothing, and that is noticed")
def _():
    with balanced("static"):
        module.write("rebalance", "1")
        time.sleep(2 * INTERVAL_MS / 1000)
        expect_equal(module.read("moves/total"), str(4096 * (module.CPUS - 1) // module.CPUS), "moves, but for ours")
        expect(number("imbalance") > 1500, f"imbalance {number('imbalance')}")
        # Put by hand on a CPU that is not among those of `cpus`, a bucket stays there too.
        module.write("cpus", "0-1")
        module.all_to(module.CPUS - 1)
        moves = module.read("moves/total")
        module.write("rebalance", "1")
        time.sleep(2 * INTERVAL_MS / 1000)
        expect_equal(module.read("moves/total"), moves, "moves, but for ours")
        # Another policy takes it home.
        module.write("policy", "load")
        module.write("rebalance", "1")
        expect_equal(counts()[2:], [0] * (module.CPUS - 2), "buckets of CPUs that are not in `cpus`")
        module.write("policy", "static")
        module.write("cpus", f"0-{module.CPUS - 1}")
        module.all_to(module.CPUS - 1)
        # Control of the tests below.
        expect(not spread(), f"shares {shares()}")


@test("step moves one bucket per look, from the most to the least loaded CPU")
def _():
    with balanced("step"):
        before, runs = number("moved"), number("runs")
        time.sleep(PERIODS * INTERVAL_MS / 1000)
        plan = module.read("balance/plan").splitlines()
        # Read last: it may look once more meanwhile.
        moved, runs = number("moved") - before, number("runs") - runs
        expect(1 <= moved <= runs, f"{moved} buckets moved in {runs} runs")
        expect_equal(len(plan), 1, f"moves of the last plan: {plan}")
        bucket, source, target, load = map(int, plan[0].split())
        note(f"bucket {bucket} from {source} to {target}, load {load}")
        expect(source == module.CPUS - 1 != target and load > 0, f"plan {plan}")


@test("proportional gives a busy CPU fewer buckets, and all of them")
def _():
    with balanced("proportional"):
        expect(within_periods(lambda: counts()[0] > 0), "nothing moved")
        # That nothing moves between a CPU's count and the next one's.
        module.write("policy", "static")
        found = counts()
        note(f"buckets {found}")
        expect_equal(sum(found), 4096, "buckets")


@test(f"load spreads what is on one CPU within {PERIODS} periods, but not to one that is busy")
def _():
    with balanced("load"):
        expect(within_periods(spread), f"shares {shares()}")
        note(f"shares {[round(share, 2) for share in shares()]}, {number('moved')} moves, predicted "
             f"{number('predicted')}, achieved {number('achieved')}, a run took {number('run_ns') // 1000} us")
        expect(shares()[0] < 0.2, f"CPU 0, which is busy with sending, has {shares()[0]}")


@test("an application that takes a CPU drives the load away from it, and gets it back when it ends")
def _():
    # Little, so that the machine's CPUs do for the application, too. On a fast machine it is
    # so little that CPUs differ by less than the hysteresis, which is a part of the highest
    # load, that of CPU 0.
    with balanced("load", delay_ns=2 * DELAY_NS, hysteresis=3):
        cpu = module.CPUS - 2
        expect(within_periods(lambda: spread() and shares()[cpu] > 0.15, 4 * PERIODS), f"CPU {cpu} of {shares()}")
        with hog(cpu):
            expect(within_periods(lambda: shares()[cpu] < 0.1), f"with the hog, CPU {cpu} of {shares()}, "
                   f"other {module.counter('load_other')}, imbalance {number('imbalance')}, runs {number('runs')}, "
                   f"moved {number('moved')}")
            note(f"with the hog on CPU {cpu}: {[round(share, 2) for share in shares()]}, "
                 f"other load {module.counter('load_other')}")
        expect(within_periods(lambda: shares()[cpu] > 0.15, 2 * PERIODS), f"afterwards, CPU {cpu} of {shares()}")


@test("min_cpus keeps little load together")
def _():
    with balanced("load", delay_ns=4 * DELAY_NS, min_cpus=1):
        time.sleep(PERIODS * INTERVAL_MS / 1000)
        used = [share for share in shares() if share > 0.01]
        note(f"shares {shares()}")
        expect(1 <= len(used) < module.CPUS, f"shares {shares()}")


@test("max_moves bounds a plan")
def _():
    with balanced("proportional", max_moves=10):
        before, runs = number("moved"), number("runs")
        time.sleep(2 * INTERVAL_MS / 1000)
        moved, runs = number("moved") - before, number("runs") - runs
        expect(10 <= moved <= 10 * runs, f"{moved} buckets moved in {runs} runs")


@test(f"policies switched {SWITCHES} times under load")
def _():
    with balanced("load", interval_ms=10):
        policies = ("load", "step", "proportional", "static")
        for turn in range(SWITCHES):
            module.write("policy", policies[turn % len(policies)])
            if turn % 50 == 0:
                module.write("rebalance", "1")
        note(f"{number('runs')} runs, {number('moved')} moves")
        expect_equal(sum(counts()), 4096, "buckets")


if __name__ == "__main__":
    main()
