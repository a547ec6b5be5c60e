# SPDX-License-Identifier: GPL-2.0
"""All mechanisms on all workloads, in rounds: in each all mechanisms in turn, another one first."""

import statistics
import sys
from pathlib import Path

import machine
import mechanisms
import meter
import run
import workloads

OURS = "flowbucket"


def _measure(name, workload, sides, rounds):
    """By mechanism: each figure's list of all rounds, and the parts of CPUs."""
    names = list(sides)
    found, shares = {mechanism: {} for mechanism in names}, {}
    for turn in range(rounds):
        at = turn % len(names)
        for mechanism in names[at:] + names[:at]:
            with sides[mechanism](workload.devices, workload.cpus):
                figures = workload.run()
            for figure, value in figures.items():
                found[mechanism].setdefault(figure, []).append(value)
            print(f"  {name} round {turn + 1}/{rounds}: {mechanism} {figures['rate']:,.0f} {workload.unit}",
                  file=sys.stderr, flush=True)
    for mechanism, side in sides.items():
        with side(workload.devices, workload.cpus), meter.shares(*workload.namespaces) as shares[mechanism]:
            workload.run()
    return found, shares


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
                row = run.row(f"{name} against {mechanism}", workload.unit, False, its["rate"], found[OURS]["rate"])
                yield {**row, "figures": figures}


def peers(_, rounds):
    """flowbucket against each of them; with medians of all other figures."""
    yield from _all(mechanisms.MECHANISMS, rounds)


def threaded(_, rounds):
    """The same against RPS whose packets are processed by threads."""
    if not Path("/proc/cmdline").read_text().count("thread_backlog_napi"):
        sys.exit("bench: the case threaded needs a kernel booted with thread_backlog_napi, as scripts/bench does")
    yield from _all(mechanisms.THREADED, rounds)
