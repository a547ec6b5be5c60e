# SPDX-License-Identifier: GPL-2.0
"""Shows what the demonstration found, and fails if it is not the spread.

    report.py RESULT.json PICTURE
"""

import json
import sys

from phases import PHASES, TITLES
from spread import complaints

COLOURS = {"off": "#9a9a9a", "rps": "#e69f00", "on": "#0072b2"}


def table(result):
    """The per-CPU table as text."""
    phases, seconds = result["phases"], result["seconds"]
    width = 26
    lines = ["", f"{result['connections']} connections to a web server behind a NIC with {result['queues']} receive"
             f" queue, {seconds} s each:", "",
             " " * 8 + "".join(f"{TITLES[phase]:>{width}}" for phase in PHASES),
             " " * 8 + f"{'packets  share  softirq':>{width}}" * len(PHASES)]
    for cpu in range(result["cpus"]):
        line = f"CPU {cpu:<4}"
        for phase in PHASES:
            packets, softirq = phases[phase]["tcp_packets"], phases[phase]["softirq_percent"][cpu]
            cell = f"{packets[cpu]:,}  {packets[cpu] / max(sum(packets), 1):5.0%}  {softirq:5.0f} %"
            line += f"{cell:>{width}}"
        lines.append(line)
    for title, form in (("all", lambda v: f"{sum(v['tcp_packets']):,} packets"),
                        ("", lambda v: f"{v['requests_per_s']:,.0f} requests/s"),
                        ("", lambda v: f"{v['median_ms']:,.0f} ms median")):
        lines.append(f"{title:8}" + "".join(f"{form(phases[phase]):>{width}}" for phase in PHASES))
    on = phases["on"]
    lines += ["", "packets: by the CPU on which TCP got them. softirq: the CPU's time in softirqs.",
              "When QEMU emulates the CPUs, look at the shares: its clock runs while others have the machine's CPUs.",
              f"flowbucket's own count by CPU: {on['module_packets']}, dropped: {on['drops']}"]
    return "\n".join(lines)


def picture(result, file):
    """The same as grouped bars."""
    # Only here: the table must come out even if drawing fails.
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    cpus, bar = range(result["cpus"]), 0.8 / len(PHASES)
    for place, phase in enumerate(PHASES):
        values = result["phases"][phase]
        at = [cpu + (place - (len(PHASES) - 1) / 2) * bar for cpu in cpus]
        rate = [packets / result["seconds"] for packets in values["tcp_packets"]]
        label = f"{TITLES[phase]}: {values['requests_per_s']:,.0f} requests/s"
        for axes, heights, text in ((left, rate, label), (right, values["softirq_percent"], TITLES[phase])):
            bars = axes.bar(at, heights, bar * 0.94, color=COLOURS[phase], label=text)
            axes.bar_label(bars, [f"{height:,.0f}" for height in heights], fontsize=8, padding=1)
    left.set_ylabel("packets that TCP received (packets/s)")
    right.set_ylabel("time in softirqs (% of the CPU)")
    for axes in (left, right):
        axes.set_xticks(list(cpus), [f"CPU {cpu}" for cpu in cpus])
        axes.margins(y=0.1)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.suptitle(f"One receive queue, {result['cpus']} CPUs, nginx and {result['connections']} connections of wrk")
    figure.savefig(file, dpi=120)


def main(source, target):
    with open(source, encoding="utf-8") as file:
        result = json.load(file)
    print(table(result))
    picture(result, target)
    print(f"\nThe same as a picture: {target}")
    if found := complaints(result):
        sys.exit("\n".join(f"demo: FAILED: {text}" for text in found))
    print("flowbucket spread the work of one queue over all CPUs.")


if __name__ == "__main__":
    main(*sys.argv[1:])
