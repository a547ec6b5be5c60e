#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the benchmark cases in the guest and writes build/bench/NAME.json.

Each case is measured in rounds; a round measures the peer and flowbucket one
after the other, in an order that alternates, so that a drift of the machine's
speed hits both. A ratio is how many times better than the peer flowbucket is.
"""

import importlib
import json
import os
import statistics
import sys
from pathlib import Path

CASES = {
    "steer_one": "steer",
    "steer_spread": "steer",
    "direct": "steer",
    "hashes": "steer",
    "tcp_stream": "tcp",
    "tcp_rr": "tcp",
    "fair": "fair",
    "handoff": "handoff",
    "flood": "flood",
    "rebalance": "rebalance",
    "table": "table",
    "timers": "table",
    "ticks": "ticks",
    "growth": "growth",
    "peers": "peers",
    "threaded": "peers",
    **{f"cpus_{count}": "cpus" for count in (1, 2, 4, 8, 16)},
}
# Measured from outside the guest, by scripts/bench.
OUTSIDE = ("cost",)
OUT = Path(__file__).resolve().parents[2] / "build" / "bench"


def shown(value):
    """A figure for people."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.4g}"


def row(name, unit, lower_is_better, peers, ours):
    """A comparison, of what each round measured."""
    ratios = [peer / our if lower_is_better else our / peer for peer, our in zip(peers, ours)]
    figures = [statistics.median(ours), statistics.median(peers)]
    figures = [round(figure, 1 if figure >= 100 else 4) for figure in figures]
    return {
        "name": name,
        "ours": figures[0],
        "peer": figures[1],
        "unit": unit,
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "rounds": len(ratios),
    }


def compare(name, unit, sides, rounds, lower_is_better=False, also=()):
    """Measures in rounds `sides` = (peer, ours), two callables, in an order that
    alternates, or one callable that measures both at once.

    `also`: more (name, unit, lower_is_better) that a measurement tells. It then
    gives one figure for each, that for `name` first, and there is a list of rows.
    """
    rows = [(name, unit, lower_is_better), *also]
    peers, ours = [[] for _ in rows], [[] for _ in rows]
    for number in range(rounds):
        if callable(sides):
            value = sides()
        else:
            value = [None, None]
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                value[side] = sides[side]()
        if not also:
            value = [[figure] for figure in value]
        for at, (label, what, lower) in enumerate(rows):
            peer, our = value[0][at], value[1][at]
            peers[at].append(peer)
            ours[at].append(our)
            print(f"  {label} round {number + 1}/{rounds}: peer {shown(peer)} ours {shown(our)} {what}"
                  f" ratio {peer / our if lower else our / peer:.2f}", file=sys.stderr, flush=True)
    made = [row(*each, *figures) for each, *figures in zip(rows, peers, ours)]
    return made if also else made[0]


def main(names):
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.exit(f"bench: no case {', '.join(unknown)}; there are: {', '.join(CASES)}")
    rounds = int(os.environ.get("ROUNDS", "7"))
    print(f"{'case':34} {'peer':>12} {'ours':>12} {'unit':10} {'ratio':>6}  {'min':>5} {'max':>5}")
    for name in names or CASES:
        module = importlib.import_module(CASES[name])
        head, *also = getattr(module, name)(compare, rounds)
        how = f"ROUNDS={rounds} SECONDS_PER_ROUND={os.environ.get('SECONDS_PER_ROUND', '2')}"
        result = {**head, "command": f"{how} make bench B={name}"}
        if also:
            result["also"] = also
        (OUT / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        for each in (head, *also):
            print(f"{each['name']:34} {shown(each['peer']):>12} {shown(each['ours']):>12} {each['unit']:10}"
                  f" {each['ratio_median']:6.2f}  {each['ratio_min']:5.2f} {each['ratio_max']:5.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--names"]:
        print(*CASES, *OUTSIDE, sep="\n")
    else:
        main(sys.argv[1:])
