# SPDX-License-Identifier: GPL-2.0
"""A skew that a static hash cannot mend: flows that RPS puts on the CPU that also
receives, nine in ten of them.

20 flows of UDP datagrams, as many of each, come in at a fixed rate; a chain of nftables
rules makes each cost what a gateway's would. Which flows RPS puts where is found by trying.

Throughput is what arrives when more is offered than two CPUs can take, received by pktgen
on CPU 0 as in the case steer_one.

Latency is measured at 80 % of what arrives with flowbucket. Then pktgen sends on CPU 1, and
the packets are received over veth, whose NAPI has a ring of 256 packets and a thread on
CPU 0, as a NIC with one queue: else nothing would wait before the CPU that receives, how
ever much that has to do. 20 more flows with the same skew, 200 datagrams a second all
together, go the same way, from a program on CPU 1 to another, both in real time. One
that is lost counts as 200 ms.

The same flows then go through RPS, RPS with flow_limit, RFS, and flowbucket, whose
buckets are dealt evenly at the beginning and balanced by policy `load` from then on.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fair
import machine
import steer

PROBES = 5301
ON_CPU_1 = "chrt", "-f", "10", "taskset", "-c", "1"
# Dear enough for pktgen to sleep between packets: else it would take a CPU.
RULES = 1600
FLOWS, ON_CPU_0 = 20, 18
OFFERED, PROBING = 80000, 200
# Before anything counts: for what adapts, to do so.
WARM = 4
# How what is to wait in a ring is sent.
WIRE = {"cpu": 1, "wire": True}
SOURCE = Path(__file__).with_name("probe.c")


def flow(port, delay):
    """What pktgen sends from a port, a packet every `delay` ns."""
    return ("pkt_size 60", f"delay {delay}", f"src_min {fair.SOURCE}", f"src_max {fair.SOURCE}",
            f"udp_src_min {port}", f"udp_src_max {port}", "flag !SHARED")


def processed():
    """Packets that each CPU's backlog has processed."""
    return [int(line.split()[0], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines()]


class Probe:
    """Measures latency."""

    def __init__(self, directory):
        self.program, self.ports, self.reordered = f"{directory}/probe", [], 0
        machine.sh(f"gcc -O2 -o {self.program} {SOURCE}")

    def send(self, to, rate, seconds, ports):
        """Starts to send to a port."""
        mac = Path(f"/sys/class/net/{steer.DEVICE}/address").read_text().strip()
        command = (self.program, "send", steer.PEER, mac, fair.SOURCE, steer.ADDRESS, to, rate, seconds, *ports)
        return subprocess.Popen([str(word) for word in (*ON_CPU_1, *command)])

    def choose(self, to, first):
        """Flows to a port of which RPS puts as many as wanted on CPU 0: their source ports,
        from `first` on."""
        found = {0: [], 1: []}
        for port in range(first, first + 1000):
            before = processed()
            self.send(to, 1e6, 1e-4, [port]).wait()
            time.sleep(0.01)
            counts = [after - count for count, after in zip(before, processed())]
            cpu = counts.index(max(counts))
            # Nothing but these, nearly.
            if max(counts) > 50 and min(counts) < max(counts) / 10:
                found[cpu].append(port)
            if len(found[0]) >= ON_CPU_0 and len(found[1]) >= FLOWS - ON_CPU_0:
                return found[0][:ON_CPU_0] + found[1][:FLOWS - ON_CPU_0]
        return sys.exit(f"bench: RPS puts {len(found[0])} flows on CPU 0 and {len(found[1])} on CPU 1")

    def start(self, seconds):
        """Runs from now until some seconds after what has to settle."""
        words = (self.program, "recv", PROBES, PROBING, WARM, seconds)
        self.receiver = subprocess.Popen([str(word) for word in (*ON_CPU_1, *words)], stdout=subprocess.PIPE, text=True)
        self.sender = self.send(PROBES, PROBING, WARM + seconds + 0.2, self.ports)

    def latencies(self):
        """The median and the 99th percentile in microseconds."""
        self.received, self.lost, p50, p99, self.reordered = map(int, self.receiver.communicate()[0].split())
        self.sender.wait()
        return p50 / 1e3, p99 / 1e3


def rps(flow_limit="0", flows=0, mask="3"):
    """RPS over both CPUs, or those of a mask; `flows`: the size of RFS's tables."""
    machine.flowbucket_off()
    machine.kernel_steering([(None, steer.DEVICE)], mask, flow_limit, flows)


def balanced():
    """flowbucket, from an even deal on."""
    rps(mask="0")
    machine.knob("policy", "load")
    machine.flowbucket_on("0-1")


class Side:
    """Measures throughput and latency under `setup`."""

    def __init__(self, setup, ports, probe):
        self.setup, self.ports, self.probe = setup, ports, probe
        self.rate, self.probes = 0, {"received": 0, "lost": 0, "reordered": 0}

    def _flows(self, rate):
        return [flow(port, round(len(self.ports) * 1e9 / rate)) for port in self.ports]

    def received(self, rate, **how):
        """Packets per second that arrive."""
        self.setup()
        with steer.Load(self._flows(rate), **how):
            return machine.rate(machine.udp_received, settle=WARM)

    def latencies(self):
        """The median and the 99th percentile, in microseconds."""
        self.setup()
        with steer.Load(self._flows(self.rate), **WIRE):
            self.probe.start(machine.SECONDS)
            found = self.probe.latencies()
        for name in self.probes:
            self.probes[name] += getattr(self.probe, name)
        return found

    def __call__(self):
        """Packets per second when too much is offered, and latencies at `rate`."""
        return self.received(OFFERED), *self.latencies()


@contextmanager
def one_queue():
    """The device receives by NAPI in a thread on CPU 0."""
    machine.sh(f"ethtool -K {steer.DEVICE} gro on; echo 1 >/sys/class/net/{steer.DEVICE}/threaded;"
               f"taskset -pc 0 $(pgrep napi/{steer.DEVICE})")
    try:
        yield
    finally:
        machine.sh(f"echo 0 >/sys/class/net/{steer.DEVICE}/threaded; ethtool -K {steer.DEVICE} gro off")


@contextmanager
def scene():
    """Skewed flows, found by trying, and the way they take; yields what makes a Side of a setup."""
    steer.device()
    machine.load()
    machine.knob("interfaces", steer.DEVICE)
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(fair.dear_processing(RULES))
        stack.enter_context(one_queue())
        probe = Probe(directory)
        rps()
        ports, probe.ports = probe.choose(steer.PORT, 20000), probe.choose(PROBES, 21000)
        rate = round(0.8 * Side(balanced, ports, probe).received(OFFERED, **WIRE))
        machine.flowbucket_off()

        def side(setup):
            made = Side(setup, ports, probe)
            made.rate = rate
            return made
        yield side
    rps(mask="0")
    machine.knob("policy", "static")
    machine.knob("interfaces", "")


def rebalance(compare, rounds):
    """Throughput and latency of skewed flows, against RPS, RPS with flow_limit and RFS."""
    with scene() as side:
        ours = side(balanced)
        for name, setup in (("", rps), ("/flow_limit", lambda: rps("3")), ("/rfs", lambda: rps(flows=4096))):
            name = f"rebalance{name}"
            peer = side(setup)
            rows = compare(name, "packets/s", (peer, ours), rounds,
                           also=[(f"{name}/p50", "us", True), (f"{name}/p99", "us", True)])
            rows[0].update(offered=[OFFERED, ours.rate], probes={"peer": peer.probes, "ours": ours.probes})
            yield from rows
