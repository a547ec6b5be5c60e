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
from badframes import PAUSE, Maker
from badframes_upper import GROUPS
from harness import expect, expect_equal, main, must_fail, note, test
from net import Netns, address, pin, veth, wait_for
from traffic import check_both

NEAR, FAR = ("198.19.0.1", "2001:db8:9::1"), ("198.19.0.2", "2001:db8:9::2")
SEED = 8

RULES = """
table inet watch {
	counter arrived { }
	chain first { type filter hook prerouting priority -450; iifname "%s" counter name arrived; }
	chain tracked { type filter hook prerouting priority 0; ct state invalid counter; }
}
"""

# What arrives is what the test sends; when things are sent in answer, or given
# up, is a matter of time.
INCOMING = ("In", "Reasm")
TIMELY = ("ReasmTimeout", "InNeighbor", "InCsumErrors")


class Victim:
    """Two namespaces of their own for one run."""

    def __init__(self):
        self.sender, self.receiver = Netns("fbbad"), Netns("fbvictim")
        # A name of its own: the one before may still send its farewells.
        self.device = f"in{Netns.made}"
        veth(self.sender, "out", self.receiver, self.device)
        self.sender.sysctl("net.ipv6.conf.out.disable_ipv6", 1)
        address(self.sender, "out", f"{NEAR[0]}/24")
        address(self.receiver, self.device, f"{FAR[0]}/24", f"{FAR[1]}/64")
        # Answers to whatever source have a way out.
        mac = ":".join(f"{byte:02x}" for byte in self.sender.mac("out"))
        self.receiver.ip(f"neigh add 198.19.0.9 lladdr {mac} dev {self.device}\n"
                         f"neigh add 2001:db8:9::9 lladdr {mac} dev {self.device}\n"
                         "route add default via 198.19.0.9\nroute add default via 2001:db8:9::9")
        for name, value in (("ipv4.icmp_ratelimit", 0), ("ipv4.icmp_msgs_per_sec", 1000000), ("ipv6.icmp.ratelimit", 0),
                            ("ipv4.ipfrag_time", 3600), ("ipv6.ip6frag_time", 3600), ("ipv4.tcp_syncookies", 0)):
            self.receiver.sysctl("net." + name, value)
        self.receiver.nft(RULES % self.device)
        self.head = (self.receiver.mac(self.device), self.sender.mac("out"))
        self.socket = self.sender.raw("out")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.sender.close()
        self.receiver.close()

    def send(self, packets):
        """Injects them; returns how many."""
        count = 0
        pin(0)
        for each in packets:
            if each is not PAUSE:
                self.socket.send(frames.ether(*self.head, *each))
                count += 1
            if module.loaded() and (each is PAUSE or count % 1024 == 0):
                module.settle()
        pin()
        if module.loaded():
            module.settle()
        return count

    def counters(self):
        """What the stack counts of what comes in, by protocol."""
        found = {"nft": self.receiver.nft_counter("arrived")}
        with self.receiver.inside(), open("/proc/thread-self/net/snmp", encoding="ascii") as snmp, \
                open("/proc/thread-self/net/snmp6", encoding="ascii") as snmp6:
            lines = [line.split() for line in snmp]
            for names, values in zip(lines[::2], lines[1::2]):
                found.update(zip((names[0] + name for name in names[1:]), map(int, values[1:])))
            found.update((name, int(value)) for name, value in map(str.split, snmp6))
        return {name: value for name, value in found.items() if name == "nft" or
                any(word in name for word in INCOMING) and not any(word in name for word in TIMELY)}


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
        victim.sender.sysctl("net.ipv6.conf.out.disable_ipv6", 0)
        address(victim.sender, "out", f"{NEAR[1]}/64")
        check_alive(victim)
    return found


def check_accounted(victim):
    """Every packet that came to the hook went on to the next one, and none is left."""
    module.check_accounts()
    expect_equal(module.drops(), 0, "packets the module dropped")
    expect_equal(module.total("packets"), victim.receiver.nft_counter("arrived"), "packets by module and by nftables")


def check_alive(victim):
    """Ordinary traffic works."""
    check_both(victim.sender, victim.receiver, *FAR, count=64, size=1 << 18)


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
