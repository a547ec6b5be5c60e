#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Crafted bad packets crash nothing and change nothing: the stack's own counters
say the same of them with the module as without, for each hash."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import frames
import module
from badframes import Maker
from badframes_upper import GROUPS
from harness import expect, main, must_fail, note, test
from net import wait_for
from victim import FAR, NEAR, Victim, check_accounted, check_alive

SEED = 8


def run(prepare=lambda device: None):
    """Sends all groups to a new victim; returns what the stack counted for each, and
    has ordinary traffic work afterwards."""
    found = {}
    with Victim() as victim:
        prepare(victim.device)
        for group in GROUPS:
            make = Maker(frames.packed(FAR[0]), frames.packed(FAR[1]), SEED)
            before = victim.counters()
            sent = victim.send(group(make))
            after = victim.counters()
            found[group.__name__] = {name: after[name] - before.get(name, 0) for name in after
                                     if after[name] != before.get(name, 0)}
            found[group.__name__]["sent"] = sent
        if module.loaded():
            check_accounted(victim)
        check_alive(victim)
    return found


def check_same(found, wanted):
    """The stack counted the same in all groups."""
    different = [f"{group} {name}: {found[group].get(name, 0)}, without the module {wanted[group].get(name, 0)}"
                 for group in wanted for name in sorted(found[group].keys() | wanted[group].keys())
                 if found[group].get(name, 0) != wanted[group].get(name, 0)]
    expect(not different, "\n".join(different))


REFERENCE = {}


@test("without the module the stack survives them all")
def _():
    REFERENCE.update(run())
    for group, counted in REFERENCE.items():
        note(f"{group}: {counted['sent']} packets, {counted.get('nft', 0)} of them to PRE_ROUTING, "
             f"{len(counted) - 2} counters moved")
        expect(counted["sent"] > 100 and counted.get("nft", 0) > 50, f"too few packets in {group}")


def declare(name):
    """One test point per hash."""
    @test(f"{name}: they change nothing and crash nothing, and none is lost")
    def _():
        def steer(device):
            module.load(f"hash={name}")
            module.write("interfaces", device)
            module.write("map", "".join(f"{n} {n % module.CPUS}\n" for n in range(4096)).encode())
        try:
            check_same(run(steer), REFERENCE)
        finally:
            module.unload()


for each_name in module.HASHES:
    declare(each_name)


@test("control: the checks complain of a packet more, of a dead link and of packets not steered")
def _():
    more = {group: dict(counted) for group, counted in REFERENCE.items()}
    more["fuzz"]["nft"] += 1
    must_fail(check_same, more, REFERENCE)
    with Victim() as victim, module.module("enabled=0"):
        victim.send([(frames.IPV4, frames.ipv4(frames.packed(NEAR[0]), frames.packed(FAR[0]), 255, b""))])
        wait_for(lambda: victim.receiver.nft_counter("arrived"), "the packet arrives")
        must_fail(check_accounted, victim)
        victim.receiver.ip(f"link set {victim.device} down")
        must_fail(check_alive, victim)


if __name__ == "__main__":
    main()
