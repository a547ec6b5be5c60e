# SPDX-License-Identifier: GPL-2.0
"""A steady stream of numbered datagrams, every one of which is accounted for:
received once, or in a counter of something that dropped it."""

import multiprocessing
import os
import socket
import struct
import time
from pathlib import Path

import module
from harness import Failed, expect
from net import SO_RCVBUFFORCE, Netns, address, run, veth, wait_for

PORT = 7100
FLOWS = 16
# A burst and then a pause: an emulated CPU manages no more for long.
BURST, PAUSE = 32, 0.02
FORK = multiprocessing.get_context("fork")


def snmp(text, names):
    """A sum of counters from /proc/net/snmp ("Udp" + "InErrors") or snmp6 ("Udp6InErrors")."""
    found = {}
    heads = {}
    for line in text.splitlines():
        name, *words = line.split()
        if not name.endswith(":"):
            found[name] = int(words[0])
        elif name in heads:
            found.update(zip((name[:-1] + head for head in heads[name]), map(int, words)))
        else:
            heads[name] = words
    return sum(found[name] for name in names)


def backlog_drops():
    """Packets dropped on the way into the stack, on the CPUs that are online."""
    lines = Path("/proc/net/softnet_stat").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1], 16) for line in lines)


ADDRESSES = ("192.0.2.1", "2001:db8::1")


def pair():
    """Two namespaces, joined, and the stream between them: (sender, receiver, stream)."""
    sender, receiver = Netns("fbsend"), Netns("fbrecv")
    veth(sender, "out", receiver, "in")
    address(receiver, "in", "192.0.2.1/24", "2001:db8::1/64")
    address(sender, "out", "192.0.2.2/24", "2001:db8::2/64")
    # Nothing but what is tested may lose a datagram: no neighbour to be found again,
    # no short backlog.
    for to in ADDRESSES:
        sender.ip(f"neigh replace {to} lladdr {receiver.mac('in').hex(':')} dev out nud permanent")
    run("sysctl", "-qw", "net.core.netdev_max_backlog=100000")
    return sender, receiver, Numbered(sender, receiver, ADDRESSES)


class Numbered:
    """Sends from one namespace to another until told to stop, over both protocols.

    Used as a context: it sends while the block runs."""

    def __init__(self, sender, receiver, addresses):
        self.receiver = receiver
        self.sinks, self.sources = [], []
        for to in addresses:
            family = socket.AF_INET6 if ":" in to else socket.AF_INET
            sink = receiver.socket(family, socket.SOCK_DGRAM)
            sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
            sink.bind((to, PORT))
            self.sinks.append(sink)
            for _ in range(FLOWS):
                source = sender.socket(family, socket.SOCK_DGRAM)
                source.connect((to, PORT))
                self.sources.append(source)

    def __enter__(self):
        self.over, self.sent = FORK.Event(), FORK.Value("Q", 0)
        self.got, self.twice = FORK.Value("Q", 0), FORK.Value("Q", 0)
        self.before = self.counted()
        self.processes = [FORK.Process(target=self._send, daemon=True)]
        self.processes += [FORK.Process(target=self._receive, args=(sink,), daemon=True) for sink in self.sinks]
        for process in self.processes:
            process.start()
        wait_for(lambda: self.got.value, "the first datagrams arrive")
        return self

    def _send(self):
        os.nice(10)  # the test itself has its turns first
        number = 0
        while not self.over.is_set():
            for _ in range(BURST):
                try:
                    self.sources[number % len(self.sources)].send(struct.pack("!Q", number))
                except OSError:
                    continue  # the sender was told: not lost unnoticed
                number += 1
            self.sent.value = number
            time.sleep(PAUSE)

    def _receive(self, sink):
        """Until it is killed; counts numbers that come again."""
        os.nice(10)
        seen = set()
        while True:
            number = struct.unpack("!Q", sink.recv(64))[0]
            with self.got.get_lock():
                self.got.value += 1
            if number in seen:
                with self.twice.get_lock():
                    self.twice.value += 1
            seen.add(number)

    def counted(self):
        """Drops that somebody has counted, in the order of a packet's way."""
        with self.receiver.inside():
            v4, v6 = (Path(f"/proc/thread-self/net/{name}").read_text(encoding="ascii") for name in ("snmp", "snmp6"))
        return {
            "backlog": backlog_drops(),
            "module": module.drops() if module.loaded() else 0,
            "ip": snmp(v4, ("IpInHdrErrors", "IpInAddrErrors", "IpInDiscards"))
                  + snmp(v6, ("Ip6InHdrErrors", "Ip6InAddrErrors", "Ip6InDiscards", "Ip6InNoRoutes")),
            "udp": snmp(v4, ("UdpInErrors", "UdpNoPorts")) + snmp(v6, ("Udp6InErrors", "Udp6NoPorts")),
        }

    def __exit__(self, kind, *_):
        self.over.set()
        self.processes[0].join()
        if kind:
            self._end()

    def _end(self):
        for process in self.processes[1:]:
            process.kill()
            process.join()

    def lost(self):
        """Sent, but neither received nor counted as dropped, until now; and the drops."""
        now = self.counted()
        drops = {name: now[name] - self.before[name] for name in now if now[name] != self.before[name]}
        return self.sent.value - self.got.value - sum(drops.values()), drops

    def check(self, timeout=20):
        """After the block: nothing is lost unnoticed or came twice; returns (sent, drops)."""
        try:
            wait_for(lambda: self.lost()[0] <= 0, "all is received or counted", timeout)
        except Failed:
            pass  # said below, with numbers
        self._end()
        lost, drops = self.lost()
        text = f"of {self.sent.value} datagrams {self.got.value} were received, drops {drops}"
        expect(lost <= 0, f"{lost} lost unnoticed: {text}")
        # Backlog and inboxes are everybody's: what they dropped may be others' packets.
        expect(-lost <= drops.get("backlog", 0) + drops.get("module", 0), f"{-lost} too many: {text}")
        expect(not self.twice.value, f"{self.twice.value} came twice: {text}")
        return self.sent.value, drops
