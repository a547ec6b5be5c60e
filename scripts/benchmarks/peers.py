# SPDX-License-Identifier: GPL-2.0
"""All mechanisms on all workloads, in rounds: in each all mechanisms in turn, another one first."""

import statistics
import sys
from pathlib import Path

import machine
import mechanisms
import meter
import workloads

OURS = "flowbucket"


def _switched(workload, mechanism, work):
    with mechanism(workload.devices, workload.cpus):
        return work()


def _shares(workload):
    """What finds, as _switched's work, which part of all packets each CPU has."""
    def work():
        with meter.shares(*workload.namespaces) as found:
            workload.run()
        return found
    return work


def _measure(name, workload, sides, rounds):
    """By mechanism: each figure's list of all rounds, and the parts of CPUs."""
    names = list(sides)
    found = {mechanism: {} for mechanism in names}
    for turn in range(rounds):
        at = turn % len(names)
        for mechanism in names[at:] + names[:at]:
            figures = _switched(workload, sides[mechanism], workload.run)
            for figure, value in figures.items():
                found[mechanism].setdefault(figure, []).append(value)
            print(f"  {name} round {turn + 1}/{rounds}: {mechanism} {figures['rate']:,.0f} {workload.unit}",
                  file=sys.stderr, flush=True)
    return found, {name: _switched(workload, side, _shares(workload)) for name, side in sides.items()}


def _row(name, unit, ours, peer):
    ratios = [our / its for our, its in zip(ours["rate"], peer["rate"])]
    return {
        "name": name, "ours": round(statistics.median(ours["rate"]), 1),
        "peer": round(statistics.median(peer["rate"]), 1), "unit": unit,
        "ratio_median": round(statistics.median(ratios), 3), "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3), "rounds": len(ratios),
    }


def _figures(found, shares):
    """Medians of all figures, as far as they matter, and the parts of CPUs."""
    figures = {name: round(statistics.median(values), 4) for name, values in found.items()}
    return {**figures, "shares": [round(share, 3) for share in shares]}


def _all(sides, rounds):
    machine.load()
    for name, workload in workloads.WORKLOADS.items():
        with workload.ready():
            found, shares = _measure(name, workload, sides, rounds)
        ours = _figures(found[OURS], shares[OURS])
        for mechanism, its in found.items():
            if mechanism != OURS:
                figures = {"ours": ours, "peer": _figures(its, shares[mechanism])}
                yield {**_row(f"{name} against {mechanism}", workload.unit, found[OURS], its), "figures": figures}


def peers(_, rounds):
    """flowbucket against each of them; with medians of all other figures."""
    yield from _all(mechanisms.MECHANISMS, rounds)


def threaded(_, rounds):
    """The same against RPS whose packets are processed by threads."""
    if not Path("/proc/cmdline").read_text().count("thread_backlog_napi"):
        sys.exit("bench: the case threaded needs a kernel booted with thread_backlog_napi, as scripts/bench does")
    yield from _all(mechanisms.THREADED, rounds)
