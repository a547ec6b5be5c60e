# SPDX-License-Identifier: GPL-2.0
"""The workloads of the case `peers`: what is received, and what is measured of it.

A workload has devices on which packets are steered, CPUs they may be steered to, namespaces
that receive, and a figure that counts most, more being better. run() gives all figures of one
run; what switches the mechanism on is not its business.
"""

import json
import time
from contextlib import ExitStack, contextmanager

import fair
import machine
import meter
import rebalance
import steer
import tcp


def flooded(kind, arrived):
    """Figures of what pktgen sends as fast as it can; `arrived` counts what comes through."""
    with steer.Load(kinds=(kind,)) as load:
        time.sleep(0.3)
        with meter.Meter(arrived) as measured:
            sent, received = machine.rates([load.sent, arrived], settle=0)
    return {"rate": received, "lost": max(0, 1 - received / sent), **measured.figures}


class Small:
    """60-byte UDP packets of 800,000 flows, as fast as CPU 0 can hand them to the stack."""

    unit = "packets/s"
    devices, namespaces = [(None, steer.DEVICE)], [None]

    def __init__(self, cpus):
        self.cpus = cpus

    @contextmanager
    def ready(self):
        """The devices are there."""
        steer.device()
        yield

    def run(self):
        """Packets that reach the socket."""
        return flooded(steer.SMALL, machine.udp_received)


class Veth:
    """Traffic between two namespaces, both ends of which steer."""

    cpus = [0, 1]
    devices, namespaces = [(tcp.SERVER, "s0"), (tcp.CLIENT, "c0")], [tcp.SERVER, tcp.CLIENT]

    @contextmanager
    def ready(self):
        """The namespaces are there, and nginx."""
        tcp.network()
        with tcp.Nginx():
            yield

    @staticmethod
    def segments():
        """TCP segments that both ends received."""
        return sum(machine.snmp("Tcp", netns)["InSegs"] for netns in (tcp.SERVER, tcp.CLIENT))

    @staticmethod
    def again():
        """Segments that both ends sent again."""
        return sum(machine.snmp("Tcp", netns)["RetransSegs"] for netns in (tcp.SERVER, tcp.CLIENT))

    def measured(self, work):
        """What is measured of any; `work` gives its own figures."""
        before, segments = self.again(), self.segments()
        with meter.Meter(self.segments) as measured:
            figures = work()
        lost = (self.again() - before) / max(1, self.segments() - segments)
        return {**figures, "lost": lost, **measured.figures}


class Stream(Veth):
    """iperf3 with some connections."""

    unit = "bit/s"

    def __init__(self, connections):
        self.connections = connections

    def run(self):
        """Bits that iperf3's server received."""
        return self.measured(lambda: {"rate": tcp.iperf3(self.connections)})


class Requests(Veth):
    """wrk with 32 connections and nginx, a small page; `close`: a connection for each request."""

    unit = "requests/s"

    def __init__(self, close):
        self.header = "-H 'Connection: close'" if close else ""

    def run(self):
        """Requests, and their latency."""
        return self.measured(self._wrk)

    def _wrk(self):
        rate, latencies = tcp.wrk(self.header)
        return {"rate": rate, **latencies}


class Forward:
    """60-byte UDP packets of 1,024 flows, as fast as CPU 0 can hand them to the stack, forwarded
    to another namespace past connection tracking and a few rules of nftables."""

    unit = "packets/s"
    cpus = [0, 1]
    devices, namespaces = [(None, steer.DEVICE)], [None]
    SINK, TO = "fbto", "10.20.0.2"
    # As steer.SMALL, but of fewer flows.
    KIND = ("pkt_size 60", "src_min 10.0.0.1", "src_max 10.0.0.32", "flag IPSRC_RND", "udp_src_min 1024",
            "udp_src_max 1055", "flag UDPSRC_RND", "flag !SHARED", f"dst {TO}")

    @contextmanager
    def ready(self):
        """The second namespace is there, and the rules."""
        steer.device()
        machine.sh(f"""
ip netns add {self.SINK}; ip link add fbout type veth peer name in0 netns {self.SINK}
ip addr add 10.20.0.1/24 dev fbout; ip link set fbout up
ip -n {self.SINK} addr add {self.TO}/24 dev in0; ip -n {self.SINK} link set in0 up
ip neigh replace {self.TO} lladdr $(ip netns exec {self.SINK} cat /sys/class/net/in0/address) dev fbout nud permanent
sysctl -qw net.ipv4.ip_forward=1
nft -f - <<EOF
table inet fbforward {{
	chain forward {{ type filter hook forward priority 0; policy drop;
		ct state invalid drop
		ct state established,related accept
		udp dport {{ 53, 123 }} drop
		udp dport {steer.PORT} ct state new accept
	}}
}}
EOF""")
        try:
            yield
        finally:
            machine.sh(f"nft delete table inet fbforward; sysctl -qw net.ipv4.ip_forward=0; ip link del fbout;"
                       f"ip netns del {self.SINK}")

    def _arrived(self):
        text = machine.sh(f"ip -n {self.SINK} -j -s link show in0")
        return json.loads(text)[0]["stats64"]["rx"]["packets"]

    def run(self):
        """Packets that arrive in the other namespace."""
        return flooded(self.KIND, self._arrived)


class Mice:
    """100 mice beside an elephant, of which comes twice what CPU 1 can take: see fair.py."""

    unit = "requests/s"
    cpus = [1]
    devices, namespaces = [(None, steer.DEVICE), (tcp.SERVER, "s0")], [None, tcp.SERVER]

    @contextmanager
    def ready(self):
        """All of fair.py's scene, except that each mouse has a bucket of its own."""
        steer.device()
        tcp.network()
        with ExitStack() as stack:
            for each in (fair.real_time(), fair.dear_processing(), tcp.Nginx()):
                stack.enter_context(each)
            self.delay = fair.twice_too_much(fair.elephant(0))
            machine.kernel_steering(self.devices)
            yield

    def run(self):
        """Requests that were answered, and their latency."""
        with fair.Mice() as mice, steer.Load([fair.elephant(self.delay)]):
            time.sleep(0.5)
            with meter.Meter(machine.udp_received) as measured:
                mice.begin(machine.SECONDS)
                latencies = mice.latencies()
        ranks = {f"p{share:g}".replace(".", ""): machine.rank(latencies, share / 100) for share in (50, 99, 99.9)}
        return {"rate": len(latencies) / machine.SECONDS, **ranks, **measured.figures}


class Skew:
    """20 dear flows of which RPS puts 18 on the CPU that receives: see rebalance.py."""

    unit = "packets/s"
    cpus = [0, 1]
    devices, namespaces = [(None, steer.DEVICE)], [None]

    @contextmanager
    def ready(self):
        """All of rebalance.py's scene."""
        with rebalance.scene() as side:
            self.side = side(lambda: None)
            yield

    def run(self):
        """What arrives of too much, and latency at 80 % of what flowbucket takes."""
        with meter.Meter(machine.udp_received) as measured:
            rate = self.side.received(rebalance.OFFERED)
        p50, p99 = self.side.latencies()
        return {"rate": rate, "p50": p50, "p99": p99, **measured.figures}


WORKLOADS = {
    "UDP, 64 bytes, to both CPUs": Small([0, 1]),
    "UDP, 64 bytes, all to one": Small([1]),
    "TCP stream, 1 connection": Stream(1),
    "TCP stream, 16 connections": Stream(16),
    "TCP stream, 256 connections": Stream(256),
    "TCP request/response": Requests(close=False),
    "short TCP connections": Requests(close=True),
    "forwarding": Forward(),
    "elephant and mice": Mice(),
    "skew": Skew(),
}
