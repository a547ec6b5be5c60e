# SPDX-License-Identifier: GPL-2.0
"""Somebody to send crafted packets to, and what must hold then."""

import frames
import module
from badframes import PAUSE
from harness import expect_equal
from net import Netns, address, pin, veth
from traffic import check_both

NEAR, FAR = ("198.19.0.1", "2001:db8:9::1"), ("198.19.0.2", "2001:db8:9::2")

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


def check_accounted(victim):
    """Every packet that came to the hook went on to the next one, and none is left."""
    module.check_accounts()
    expect_equal(module.drops(), 0, "packets the module dropped")
    expect_equal(module.total("packets"), victim.receiver.nft_counter("arrived"), "packets by module and by nftables")


def check_alive(victim):
    """Ordinary traffic works. Once: the sender has IPv6 from now on."""
    victim.sender.sysctl("net.ipv6.conf.out.disable_ipv6", 0)
    address(victim.sender, "out", f"{NEAR[1]}/64")
    check_both(victim.sender, victim.receiver, *FAR, count=64, size=1 << 18)
