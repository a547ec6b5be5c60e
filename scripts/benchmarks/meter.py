# SPDX-License-Identifier: GPL-2.0
"""What the machine did while a block ran: CPU time, packets by CPU, interrupts between CPUs.

The same for each mechanism, whatever counts it has itself: a rule of nftables sees packets on
their way in, on the CPU that processes them.
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path

import machine

TABLE = "inet fbmeter"
CPUS = range(os.cpu_count())
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def shares(*namespaces):
    """Counts packets by CPU in these namespaces (None: the first); yields a list that has
    each CPU's part after the block."""
    for netns in namespaces:
        machine.sh(f"""{machine.inside(netns)} nft -f - <<EOF
table {TABLE} {{
	set cpus {{ typeof meta cpu; size 1024; flags dynamic; counter; }}
	chain in {{ type filter hook prerouting priority -250; policy accept; update @cpus {{ meta cpu }}; }}
}}
EOF""")
    found = []
    try:
        yield found
        counts = _packets(namespaces)
        found += [count / max(sum(counts), 1) for count in counts]
    finally:
        for netns in namespaces:
            machine.sh(f"{machine.inside(netns)} nft delete table {TABLE}")


def _packets(namespaces):
    counts = dict.fromkeys(CPUS, 0)
    for netns in namespaces:
        items = json.loads(machine.sh(f"{machine.inside(netns)} nft -j list set {TABLE} cpus"))["nftables"]
        for element in next(item["set"].get("elem", []) for item in items if "set" in item):
            counts[element["elem"]["val"]] += element["elem"]["counter"]["packets"]
    return [counts[cpu] for cpu in CPUS]


def _busy():
    """Seconds of all CPUs that were not idle."""
    # user, nice, system, idle, iowait, irq, softirq, steal
    times = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(times) - times[3] - times[4]) / TICK


def _interrupts():
    """Interrupts between CPUs for packets: RPS's, and flowbucket's."""
    lines = Path("/proc/net/softnet_stat").read_text().splitlines()
    rps = sum(int(line.split()[9], 16) for line in lines)
    return rps + sum(int((machine.KNOBS / f"cpu{cpu}/ipis").read_text()) for cpu in CPUS)


class Meter:
    """As above, in `figures` after the block: CPU time per packet that `count` counts, in
    nanoseconds, and interrupts between CPUs per thousand packets."""

    def __init__(self, count):
        self.count = count
        self.figures = {}

    def _now(self):
        return self.count(), _busy(), _interrupts()

    def __enter__(self):
        self.before = self._now()
        return self

    def __exit__(self, *_):
        packets, busy, interrupts = (now - then for now, then in zip(self._now(), self.before))
        packets = max(packets, 1)
        self.figures = {"cpu_ns": busy / packets * 1e9, "ipis": interrupts / packets * 1e3}
