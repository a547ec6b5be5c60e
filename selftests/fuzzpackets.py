#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Frames with random damage come in by a tap, while buckets move and connections are
tracked: none crashes the kernel, none is lost, and ordinary traffic goes on.

FUZZ_SECONDS=N says how long for each hash; SEED=N repeats a run.
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import frames
import module
from badframes import LONGEST, PAUSE, Maker
from badframes_upper import GROUPS
from harness import expect, expect_equal, main, must_fail, note, test
from mover import Mover
from net import Tap, pin
from victim import FAR, Victim, check_accounted, check_alive

SECONDS = float(os.environ.get("FUZZ_SECONDS", "5"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
BATCH = 256
# Tags, and protocols that are neither IPv4 nor IPv6.
VLAN, OTHERS = (0x8100, 0x88A8), (0x0806, 0x8847, 0x88CC, 0x8864)


def endless(group, rng):
    """Packets of a group without end, each time round with another seed."""
    while True:
        make = Maker(frames.packed(FAR[0]), frames.packed(FAR[1]), rng.getrandbits(32))
        yield from (each for each in group(make) if each is not PAUSE)


def packets(rng):
    """Packets of all groups, mixed, without end."""
    groups = [endless(group, rng) for group in GROUPS]
    while True:
        yield next(rng.choice(groups))


def damage(data, rng):
    """Some bytes changed, taken out, doubled, or put in; or none."""
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 1, 2, 4, 8, 40))
        kind = rng.randrange(4)
        if kind == 0:
            data[at:at + size] = rng.randbytes(len(data[at:at + size]))
        elif kind == 1:
            del data[at:at + size]
        elif kind == 2:
            data[at:at] = data[at:at + size]
        else:
            data[at:at] = rng.randbytes(size)
    return bytes(data[:LONGEST])


def frame(head, kind, packet, rng):
    """The frame of a damaged packet, sometimes tagged, or of another protocol than it says."""
    if rng.random() < 0.02:
        kind = rng.choice((frames.IPV4, frames.IPV6) + OTHERS)
    tags = b"".join(rng.choice(VLAN).to_bytes(2, "big") + rng.randbytes(2)
                    for _ in range(rng.choice((0,) * 30 + (1, 2, 9))))
    return head + tags + kind.to_bytes(2, "big") + damage(packet, rng)


class Fuzzed(Victim):
    """With a tap, of which alone packets are counted and steered."""

    def __init__(self):
        super().__init__()
        self.receiver.nft("flush chain inet watch first\n"
                          "add rule inet watch first iifname fuzz counter name arrived")
        self.tap = Tap(self.receiver, "fuzz")
        self.begin = self.receiver.mac("fuzz") + self.sender.mac("out")

    def __exit__(self, *what):
        self.tap.close()
        super().__exit__(*what)


def fuzz(victim, rng):
    """Sends for the time; returns how many frames."""
    sent, source = 0, packets(rng)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pin(rng.randrange(module.CPUS))
        for _ in range(BATCH):
            victim.tap.send(frame(victim.begin, *next(source), rng))
        sent += BATCH
        module.settle()
    pin()
    return sent


def declare(name):
    """One test point per hash."""
    @test(f"{name}: {SECONDS:.0f} s of frames with random damage")
    def _():
        note(f"SEED={SEED}")
        rng = random.Random(f"{name} {SEED}")
        with Fuzzed() as victim, module.module(f"hash={name}"):
            module.write("interfaces", "fuzz")
            before = victim.counters()
            with Mover() as mover:
                sent = fuzz(victim, rng)
            after = victim.counters()
            check_accounted(victim)
            arrived = after["nft"]
            errors = {name: after[name] - before[name] for name in after
                      if ("Err" in name or "Unknown" in name) and after[name] > before[name]}
            note(f"{sent} frames, {arrived} to PRE_ROUTING; {mover.moves} moves; {len(conns.dump())} connections; {errors}")
            expect(mover.moves > 0 and not mover.error, f"{mover.moves} moves, {mover.error}")
            # Not all nonsense, and not all well.
            expect(arrived > sent // 10 and len(errors) >= 4, "a poor mixture")
            module.write("interfaces", "")
            check_alive(victim)


for each_name in module.HASHES:
    declare(each_name)


@test("control: a packet that the module has not seen is missed")
def _():
    rng = random.Random(SEED)
    with Fuzzed() as victim, module.module("enabled=0"):
        source = packets(rng)
        for _ in range(BATCH):
            victim.tap.send(frame(victim.begin, *next(source), rng))
        expect(victim.counters()["nft"] > 0, "no packet has arrived")
        must_fail(check_accounted, victim)
        expect_equal(module.total("packets"), 0, "packets by a module that is off")


if __name__ == "__main__":
    main()
