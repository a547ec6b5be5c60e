# SPDX-License-Identifier: GPL-2.0
"""A skew that a static hash cannot mend: flows that RPS puts on the CPU that also
receives, nine in ten of them.

20 flows of UDP datagrams, as many of each, sent at a fixed rate on CPU 0 of one namespace
and received over veth on CPU 0 of another; there a chain of nftables rules makes each
cost what a gateway's would. Nobody reads them: a full socket counts them. 20 more flows,
with the same skew, are a thousandth of that each second and measure latency, from the
sending program to a receiving one that has CPU 1 in real time. Which flows RPS puts where
is found by trying.

The same flows then go through RPS, RPS with flow_limit, RFS, and flowbucket, whose
buckets are dealt evenly at the beginning and balanced by policy `load` from then on.
Throughput is what arrives when more is offered than two CPUs can take; latency is measured
at 80 % of what arrives with flowbucket then.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import machine
import tcp

PORT, PROBES = 5300, 5301
RULES = 1600
FLOWS, ON_CPU_0 = 20, 18
OFFERED, PROBING = 90000, 1000
# Before anything counts: for what adapts, to do so.
WARM = 1.5
SOURCE = Path(__file__).with_name("udpload.c")


def build(into):
    """The load generator."""
    program = Path(into) / "udpload"
    machine.sh(f"gcc -O2 -o {program} {SOURCE}")
    return str(program)


def inside(netns, *command):
    return ["ip", "netns", "exec", netns, *command]


class Load:
    """Sends and receives."""

    def __init__(self, program):
        self.program, self.ports, self.probes, self.reordered = program, [], [], []
        # There is always somebody at the port, if only to be refused.
        self.holder = subprocess.Popen(inside(tcp.SERVER, program, "hold", str(PORT)), stdout=subprocess.PIPE)
        self.holder.stdout.readline()

    def close(self):
        self.holder.kill()
        self.holder.wait()

    def send(self, port, rate, seconds, sources):
        """Starts to send."""
        command = [self.program, "send", tcp.ADDRESS, str(port), str(rate), str(seconds), *map(str, sources)]
        return subprocess.Popen(inside(tcp.CLIENT, "taskset", "-c", "0", *command), stdout=subprocess.DEVNULL)

    def choose(self, to, first):
        """Flows of which RPS puts as many as wanted on CPU 0: their ports, from `first` on."""
        found = {0: [], 1: []}
        for port in range(first, first + 1000):
            before = processed()
            self.send(to, 20000, 0.01, [port]).wait()
            time.sleep(0.01)
            counts = [after - count for count, after in zip(before, processed())]
            cpu = counts.index(max(counts))
            # Nothing but these, nearly.
            if max(counts) > 50 and min(counts) < max(counts) / 10:
                found[cpu].append(port)
            if len(found[0]) >= ON_CPU_0 and len(found[1]) >= FLOWS - ON_CPU_0:
                return found[0][:ON_CPU_0] + found[1][:FLOWS - ON_CPU_0]
        sys.exit(f"bench: RPS puts {len(found[0])} flows on CPU 0 and {len(found[1])} on CPU 1")

    def run(self, rate, seconds=None):
        """(packets per second, p50, p99 in microseconds)."""
        seconds = seconds or machine.SECONDS
        receiver = subprocess.Popen(
            inside(tcp.SERVER, "chrt", "-f", "10", "taskset", "-c", "1", self.program, "recv", str(PROBES), str(WARM),
                   str(seconds)), stdout=subprocess.PIPE, text=True)
        time.sleep(0.1)
        senders = [self.send(PORT, rate, WARM + seconds + 0.5, self.ports),
                   self.send(PROBES, PROBING, WARM + seconds + 0.5, self.probes)]
        arrived = machine.rate(lambda: machine.udp_received(tcp.SERVER), seconds, settle=WARM)
        _, p50, p99, reordered = map(int, receiver.communicate()[0].split())
        for sender in senders:
            sender.wait()
        self.reordered.append(reordered)
        return arrived, p50 / 1e3, p99 / 1e3


def processed():
    """Packets that each CPU's backlog has processed."""
    return [int(line.split()[0], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines()]


@contextmanager
def gateway():
    """Rules that all packets are held against, and none matches."""
    rules = "\n".join(f"udp dport {port} drop" for port in range(20000, 20000 + RULES))
    machine.sh(f"""ip netns exec {tcp.SERVER} nft -f - <<EOF
table inet fbgateway {{
	chain dear {{
		type filter hook input priority 0; policy accept;
{rules}
	}}
}}
EOF""")
    try:
        yield
    finally:
        machine.sh(f"ip netns exec {tcp.SERVER} nft delete table inet fbgateway")


def rps(flow_limit="0", flows=0):
    """RPS over both CPUs; `flows`: the size of RFS's tables."""
    machine.flowbucket_off()
    Path("/proc/sys/net/core/flow_limit_cpu_bitmap").write_text(flow_limit)
    Path("/proc/sys/net/core/rps_sock_flow_entries").write_text(str(flows))
    machine.sh(f"ip netns exec {tcp.SERVER} bash -c "
               f"'for q in /sys/class/net/s0/queues/rx-*/rps_flow_cnt; do echo {flows} >$q; done'")
    machine.rps("s0", "3", tcp.SERVER)


def balanced():
    """flowbucket, from an even deal on."""
    rps()
    machine.rps("s0", "0", tcp.SERVER)
    machine.knob("policy", "load")
    machine.flowbucket_on("0-1")


def rebalance(compare, rounds):
    """Throughput and latency of skewed flows, against RPS, RPS with flow_limit and RFS."""
    machine.load()
    tcp.network()
    peers = {"": rps, "/flow_limit": lambda: rps("3"), "/rfs": lambda: rps(flows=4096)}
    with tempfile.TemporaryDirectory() as directory, gateway():
        load = Load(build(directory))
        rps()
        load.ports, load.probes = load.choose(PORT, 20000), load.choose(PROBES, 21000)
        balanced()
        rate = 0.8 * max(load.run(OFFERED, 1)[0] for _ in range(3))
        load.reordered.clear()

        def side(setup, ours):
            def measure():
                setup()
                figures = load.run(OFFERED)[0], *load.run(rate)[1:]
                if not ours:
                    load.reordered[-2:] = []
                return figures
            return measure
        for name, setup in peers.items():
            name = f"rebalance{name}"
            rows = compare(name, "packets/s", (side(setup, False), side(balanced, True)), rounds,
                           also=[(f"{name}/p50", "us", True), (f"{name}/p99", "us", True)])
            rows[0]["offered"] = [OFFERED, round(rate)]
            rows[0]["reordered"] = sum(load.reordered)
            yield from rows
        load.close()
    machine.flowbucket_off()
    machine.knob("policy", "static")
    machine.rps("s0", "0", tcp.SERVER)
