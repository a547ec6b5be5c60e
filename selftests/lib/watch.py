# SPDX-License-Identifier: GPL-2.0
"""Sends flows through a veth pair and sees on which CPU each is processed.

In the receiving namespace nftables, behind the module's hook, counts packets by
flow and CPU; then it drops them, since nobody waits for them.
"""

import socket
from collections import Counter, defaultdict
from contextlib import contextmanager

import frames
import module
from harness import Failed, expect, expect_equal
from net import Netns, pin, veth, wait_for

RULES = """
table inet watch {
	counter arrived { }
	counter noted { }
	set flows4 { typeof ip saddr . udp sport . meta cpu; size 262144; flags dynamic; counter; }
	set flows6 { typeof ip6 saddr . udp sport . meta cpu; size 262144; flags dynamic; counter; }
	chain prerouting {
		type filter hook prerouting priority -350; policy accept;
		iifname != "in" accept
		meta l4proto != udp accept
		counter name arrived
		meta nfproto ipv4 update @flows4 { ip saddr . udp sport . meta cpu } counter name noted drop
		meta nfproto ipv6 update @flows6 { ip6 saddr . udp sport . meta cpu } counter name noted drop
		drop
	}
}
"""


class Bench:
    """A sending and a receiving namespace."""

    def __init__(self):
        self.sender, self.receiver = Netns("fbsend"), Netns("fbrecv")
        veth(self.sender, "out", self.receiver, "in")
        # Nothing comes in but what a test sends: counters can be compared exactly.
        self.sender.sysctl("net.ipv6.conf.out.disable_ipv6", 1)
        self.head = (self.receiver.mac("in"), self.sender.mac("out"))
        self.socket = self.sender.raw("out")
        self.receiver.nft(RULES)
        self.sent = 0

    def send(self, packets, cpu=0, chunk=1024):
        """Sends IP packets, which arrive on `cpu`, and waits until they are through."""
        packets = list(packets)
        pin(cpu)
        for at in range(0, len(packets), chunk):
            for packet in packets[at:at + chunk]:
                self.socket.send(frames.ether(*self.head, frames.kind_of(packet), packet))
            # The inboxes are bounded, and slow emulated CPUs are given no rest otherwise.
            if module.loaded():
                module.settle()
        pin()
        self.sent += len(packets)

    def send_until(self, packets, condition, at_most):
        """Sends without a pause until condition() is true; returns how many."""
        sent = 0
        pin(0)
        while sent < at_most and not condition():
            for packet in packets:
                self.socket.send(frames.ether(*self.head, frames.kind_of(packet), packet))
            sent += len(packets)
        pin()
        return sent

    @contextmanager
    def slow_owner(self, rules=""):
        """Has packets take long at their owner while the block runs, longer than to send them:
        by rules that match nothing, then `rules`, in place of those that note the packets."""
        slow = "add rule inet watch prerouting ip saddr 203.0.113.1 accept\n" * 3000
        self.receiver.nft("flush chain inet watch prerouting\n" + slow + rules)
        try:
            yield
        finally:
            self.receiver.nft("delete table inet watch\n" + RULES)

    def clear(self):
        """Forgets what was seen."""
        self.sent = 0
        self.receiver.nft("reset counters table inet watch\n"
                          "flush set inet watch flows4\nflush set inet watch flows6\n")

    def seen(self):
        """{(source, port): {cpu: packets}} of all that was sent."""
        try:
            wait_for(lambda: self.receiver.nft_counter("arrived") >= self.sent, "all packets arrive", 5)
        except Failed:
            pass  # how many did not is for the checks to say
        expect_equal(self.receiver.nft_counter("noted"), self.receiver.nft_counter("arrived"),
                     "packets that nftables could note by flow")
        found = defaultdict(dict)
        for name, family in (("flows4", socket.AF_INET), ("flows6", socket.AF_INET6)):
            for item in self.receiver.nft_list(f"set inet watch {name}"):
                for element in item.get("set", {}).get("elem", []):
                    source, port, cpu = element["elem"]["val"]["concat"]
                    key = (socket.inet_pton(family, source), port)
                    found[key][cpu] = element["elem"]["counter"]["packets"]
        return found


def check_each_once(sent, seen):
    """What was sent, a flow for each of its packets, was seen once, and nothing else."""
    wanted = Counter((flow.src, flow.sport) for flow in sent)
    expect_equal(len(seen), len(wanted), "number of flows seen")
    wrong = [flow for flow, count in wanted.items() if sum(seen[flow].values()) != count]
    expect(not wrong, f"{len(wrong)} flows were not seen as often as sent, such as {wrong[:1]}")


def check_one_cpu(flows, seen):
    """All packets of a flow were seen on the same CPU."""
    split = [flow for flow in flows if len(seen[flow.src, flow.sport]) != 1]
    expect(not split, f"{len(split)} of {len(flows)} flows were not seen on exactly one CPU")


def check_spread(flows, seen, tolerance=0.1, cpus=module.CPUS):
    """Each CPU has its share of the flows, within the tolerance."""
    count = [0] * cpus
    for flow in flows:
        for cpu in seen[flow.src, flow.sport]:
            count[cpu] += 1
    share = len(flows) / cpus
    expect(all(abs(n - share) <= tolerance * share for n in count), f"flows per CPU {count}, the share is {share:.0f}")
    return count
