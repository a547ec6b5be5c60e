# SPDX-License-Identifier: GPL-2.0
"""Judges the demonstration: did the packets spread, and only when they should?"""

# There are few connections, 64 for each of 4 CPUs, and busy ones send more than
# others: even with a perfect hash the shares differ. Half of a fair share is more
# than four standard deviations away from it.
FAIR = 0.5
# With one queue and nobody to move them, packets are processed where they arrive.
# A few more may follow the interrupt when the kernel moves that.
ALONE = 0.9
# Fewer say nothing.
PACKETS = 1000


def smallest(counts):
    """The smallest CPU's packets, as a part of its fair share."""
    return min(counts) * len(counts) / max(sum(counts), 1)


def complaints(result):
    """What is wrong with a result of guest.py; empty if it shows the spread."""
    found = []
    cpus, phases = result["cpus"], result["phases"]
    if cpus < 2:
        found.append(f"the guest has {cpus} CPU: nothing can be spread")
    if result["queues"] != 1:
        found.append(f"the NIC has {result['queues']} receive queues, not one")
    for phase, values in phases.items():
        if sum(values["tcp_packets"]) < PACKETS:
            found.append(f"phase '{phase}': only {sum(values['tcp_packets'])} packets were counted")
        if values["errors"]:
            found.append(f"phase '{phase}': wrk had {values['errors']} connections fail")
    off, on = phases["off"]["tcp_packets"], phases["on"]["tcp_packets"]
    if max(off) < ALONE * sum(off):
        found.append(f"with the module off one CPU should do all the work, but they did {off}")
    for counts, who in ((on, "as TCP saw them"), (phases["on"]["module_packets"], "as the module counted them")):
        if smallest(counts) < FAIR:
            found.append(f"the module did not spread the packets: by CPU {counts} {who};"
                         f" each should have at least {FAIR:.0%} of the fair share, {sum(counts) // cpus}")
    return found
