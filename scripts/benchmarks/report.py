# SPDX-License-Identifier: GPL-2.0
"""What all cases found, as a page and pictures.

    report.py CASES OUT

CASES is a directory with the cases' JSON. In the directory OUT, results.md becomes a table of
all comparisons and one of each workload of the case `peers`, results.svg a picture of these,
growth.svg one of the case `growth`.
"""

import json
import sys
from pathlib import Path

import run

PEER = "RPS"
# Cases that have all figures of each mechanism.
MATRICES = {"peers": "All mechanisms", "threaded": "Beside RPS with threads"}
COLUMNS = {"p50": "p50 us", "p99": "p99 us", "p999": "p99.9 us", "cpu_ns": "CPU ns/packet",
           "ipis": "IPIs per 1,000", "lost": "lost"}


def table(heading, rows):
    """Of cells that are text."""
    return ["| " + " | ".join(cells) + " |" for cells in (heading, ["---"] * len(heading), *rows)] + [""]


def comparisons(result):
    """Rows of a case."""
    for row in (result, *result.get("also", ())):
        yield [row["name"], run.shown(row["ours"]), run.shown(row["peer"]), row["unit"],
               f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})",
               str(row["rounds"]), f"`{result['command']}`"]


def by_workload(result):
    """Of the case `peers`: for each workload its unit, and the figures of each mechanism."""
    found = {}
    for row in (result, *result["also"]):
        name, peer = row["name"].split(" against ")
        unit, mechanisms = found.setdefault(name, (row["unit"], {}))
        mechanisms[peer] = row["figures"]["peer"]
        mechanisms["flowbucket"] = row["figures"]["ours"]
    return found


def cell(name, value):
    """A figure for people."""
    if value is None:
        return ""
    return f"{value:.1%}" if name == "lost" else run.shown(value)


def workload(name, unit, mechanisms):
    """Lines about a workload."""
    columns = [column for column in COLUMNS if any(column in its for its in mechanisms.values())]
    rows = [[mechanism, cell("rate", its["rate"]), *(cell(column, its.get(column)) for column in columns),
             " / ".join(f"{share:.0%}" for share in its["shares"])] for mechanism, its in mechanisms.items()]
    return [f"## {name}", "", *table(["", unit, *map(COLUMNS.get, columns), "packets by CPU"], rows)]


def costs(command, costs):
    """Lines about what a packet costs."""
    total = {name: sum(its["parts"].values()) for name, its in costs.items()}
    parts = list(next(iter(costs.values()))["parts"])
    rows = [[part, *(f"{its['parts'][part]:,.0f}" for its in costs.values())] for part in parts]
    rows.append(["all", *(f"{total[name]:,.0f}" for name in costs)])
    return ["# What a packet costs", "",
            "Small packets from one CPU to the other: nanoseconds of CPU time of both for each packet, from perf's",
            f"samples of user-mode Linux, by the functions they are in. `{command}`", "",
            "![Cost of a packet](cost.svg)", "", *table(["", *costs], rows)]


def page(results):
    """The page's text."""
    lines = ["<!-- SPDX-License-Identifier: GPL-2.0 -->", "<!-- Made by `make bench`. -->", "", "# Results", "",
             "flowbucket beside the kernel's own mechanisms, in the same boot of user-mode Linux with 2 CPUs (`cpus_N`:",
             "of QEMU with N), in alternating rounds: medians, and of ratios the least and the most. A ratio is how",
             f"many times better flowbucket is. On: {results['machine']}.", ""]
    if "peers" in results["cases"]:
        lines += ["![Throughput beside RPS](results.svg)", ""]
    if "growth" in results["cases"]:
        lines += ["![Growth](growth.svg)", ""]
    cases = [case for name, case in results["cases"].items() if name not in MATRICES]
    rows = [row for case in cases for row in comparisons(case)]
    lines += ["## Cases", "", *table(["case", "flowbucket", "peer", "unit", "ratio", "rounds", "command"], rows)]
    if results["cost"]:
        lines += costs(**results["cost"])
    for case, title in MATRICES.items():
        if case in results["cases"]:
            lines += [f"# {title}", "", f"`make bench B={case}`. Packets by CPU are counted where connection tracking",
                      "is met, in a run of its own.", ""]
            for name, (unit, mechanisms) in by_workload(results["cases"][case]).items():
                lines += workload(name, unit, mechanisms)
    return "\n".join(lines).rstrip() + "\n"


def plots(**how):
    """A figure, and what it is saved by."""
    # Only here: the page must come out even if drawing fails.
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    # So that the same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "flowbucket"
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    figure, axes = pyplot.subplots(layout="constrained", **how)

    def save(file):
        figure.savefig(file, metadata={"Date": None})
        print(f"a picture: {file}")
    return axes, save


def picture(workloads, file):
    """Throughput of each mechanism, as a multiple of RPS's."""
    names = list(next(iter(workloads.values()))[1])
    axes, save = plots(figsize=(10, 1 + 0.9 * len(workloads)))
    height = 0.8 / len(names)
    for place, mechanism in enumerate(names):
        at = [row + (place - (len(names) - 1) / 2) * height for row in range(len(workloads))]
        ratios = [its[mechanism]["rate"] / its[PEER]["rate"] for _, its in workloads.values()]
        bars = axes.barh(at, ratios, height * 0.94, label=mechanism)
        axes.bar_label(bars, [f"{ratio:.2f}" for ratio in ratios], fontsize=7, padding=1)
    axes.set_yticks(range(len(workloads)), list(workloads))
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(f"throughput, as a multiple of that with {PEER}")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    save(file)


def by_buckets_and_connections(result, two):
    """Throughput beside RPS by the number of buckets, and by that of connections."""
    for axes, what in zip(two, ("buckets", "connections")):
        rows = [row for row in (result, *result["also"]) if row["name"].endswith(what)]
        counts = [int(row["name"].split()[1]) for row in rows]
        middle = [row["ratio_median"] for row in rows]
        spread = [[row["ratio_median"] - row["ratio_min"] for row in rows],
                  [row["ratio_max"] - row["ratio_median"] for row in rows]]
        axes.errorbar(counts, middle, spread, marker="o", capsize=3)
        axes.set_xscale("log")
        axes.set_xlabel(what)
        axes.set_ylabel(f"throughput / {PEER}'s")


def by_cpus(results, two):
    """How even it is, and interrupts, by the number of CPUs."""
    rows = [row for result in results for row in (result, *result.get("also", ()))]
    for axes, what, label in zip(two, ("busiest", "interrupts"),
                                 ("packets of the busiest CPU / mean", "interrupts between CPUs per 1,000 packets")):
        mine = [row for row in rows if row["name"].endswith(what)]
        counts = [int(row["name"].split()[0]) for row in mine]
        for side, name in (("ours", "flowbucket"), ("peer", PEER)):
            axes.plot(counts, [row[side] for row in mine], marker="o", label=name)
        axes.set_xticks(counts)
        axes.set_xlabel("CPUs")
        axes.set_ylabel(label)
        axes.legend(frameon=False)


def growth(cases, file):
    """What becomes of it as things grow."""
    axes, save = plots(figsize=(10, 7), nrows=2, ncols=2)
    by_buckets_and_connections(cases["growth"], axes[0])
    by_cpus([case for name, case in cases.items() if name.startswith("cpus_")], axes[1])
    for each in axes.flat:
        each.set_ylim(bottom=0)
        each.spines[["top", "right"]].set_visible(False)
    save(file)


def cost_picture(costs, file):
    """The parts of a packet's cost, one upon the other."""
    axes, save = plots(figsize=(10, 3))
    left = dict.fromkeys(costs, 0)
    for number, part in enumerate(next(iter(costs.values()))["parts"]):
        widths = [its["parts"][part] for its in costs.values()]
        # More colours than there are in one round.
        axes.barh(list(costs), widths, left=list(left.values()), label=part, hatch="//" * (number // 10))
        left = {name: left[name] + width for name, width in zip(costs, widths)}
    axes.invert_yaxis()
    axes.set_xlabel("ns of CPU time per packet")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    save(file)


def main(directory, out):
    cases = {}
    for name in run.CASES:
        file = Path(directory) / f"{name}.json"
        if file.exists():
            cases[name] = json.loads(file.read_text(encoding="utf-8"))
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown CPU")
    cost = Path(directory) / "cost.json"
    cost = json.loads(cost.read_text(encoding="utf-8")) if cost.exists() else None
    target = Path(out) / "results.md"
    target.write_text(page({"cases": cases, "cost": cost, "machine": model}), encoding="utf-8")
    print(f"results: {target}")
    if "peers" in cases:
        picture(by_workload(cases["peers"]), Path(out) / "results.svg")
    if "growth" in cases:
        growth(cases, Path(out) / "growth.svg")
    if cost:
        cost_picture(cost["costs"], Path(out) / "cost.svg")


if __name__ == "__main__":
    main(*sys.argv[1:])
