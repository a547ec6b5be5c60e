#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Steady load: once policy `load` knows it, nothing moves any more, and the balancer takes
next to nothing of a CPU.

SECONDS=N says how long it is looked at (20); KNOWN=N how long it may be learnt before (20).
"""

import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
import pktgen
from harness import expect, main, must_fail, note, test
from net import Netns, address, veth

SECONDS = int(os.environ.get("SECONDS", "20"))
KNOWN = int(os.environ.get("KNOWN", "20"))
SINK = "198.18.0.1"
DELAY_NS = 50000
TICK = os.sysconf("SC_CLK_TCK")

sender, receiver = Netns("fbout"), Netns("fbin")
veth(sender, "out", receiver, "in")
# So that packets are load.
pktgen.make_dear(receiver)
address(receiver, "in", f"{SINK}/24")
address(sender, "out", "198.18.0.2/24")


def balancer_ticks():
    """Clock ticks that the balancer's thread has had."""
    stat = Path(f"/proc/{module.pid('flowbucket')}/stat").read_text(encoding="ascii")
    return sum(map(int, stat.split(") ", 1)[1].split()[11:13]))


def moved():
    """Buckets that policies have moved."""
    return int(module.read("balance/moved"))


def watch(seconds):
    """Tells when buckets move: how many, and what the plan was."""
    before, start = moved(), time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        time.sleep(1)
        if moved() > before:
            note(f"at {now:.0f} s {moved() - before}: {' '.join(module.read('balance/plan').split())}")
            before = moved()


def check_still(before):
    """Nothing has moved since."""
    expect(moved() == before, f"{moved() - before} buckets moved")


@test(f"{SECONDS} s of steady load cause no moves")
def _():
    # Where the sender is not. A reader that the scheduler sends to and fro is no steady load.
    sink = pktgen.Receiver(receiver, 4, cpu=1)
    source = pktgen.Sender(sender, "out", receiver.mac("in"), {4: SINK}, ((0, 4),), DELAY_NS)
    with module.module(policy="load"):
        thread = threading.Thread(target=source.run, args=(1 << 40,))
        thread.start()
        try:
            first = moved()
            time.sleep(KNOWN)
            before, ticks, start = moved(), balancer_ticks(), time.monotonic()
            watch(SECONDS)
            share = (balancer_ticks() - ticks) / TICK / (time.monotonic() - start)
            note(f"{before - first} moves in the first {KNOWN} s, {moved() - before} in {SECONDS} s then; "
                 f"imbalance {module.read('balance/imbalance')}, the balancer takes {share:.3%} of a CPU, "
                 f"a run {int(module.read('balance/run_ns')) / 1e3:.0f} us")
            check_still(before)
            # The control: other load drives some away.
            module.write("cpus", "0")
            module.write("cpus", "0-1")
            time.sleep(5)
            must_fail(check_still, before)
        finally:
            source.stop()
            thread.join()
            source.close()
            sink.close()


main()
