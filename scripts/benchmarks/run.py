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
}
OUT = Path(__file__).resolve().parents[2] / "build" / "bench"


def compare(name, unit, sides, rounds, lower_is_better=False):
    """Measures `sides` = (peer, ours), two callables, in alternating rounds."""
    peers, ours, ratios = [], [], []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        value = [0, 0]
        for side in order:
            value[side] = sides[side]()
        peers.append(value[0])
        ours.append(value[1])
        ratio = value[0] / value[1] if lower_is_better else value[1] / value[0]
        ratios.append(ratio)
        print(f"  {name} round {number + 1}/{rounds}: peer {value[0]:,.0f} ours {value[1]:,.0f} {unit}"
              f" ratio {ratio:.2f}", file=sys.stderr, flush=True)
    return {
        "name": name,
        "ours": round(statistics.median(ours), 1),
        "peer": round(statistics.median(peers), 1),
        "unit": unit,
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "rounds": rounds,
    }


def main(names):
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.exit(f"bench: no case {', '.join(unknown)}; there are: {', '.join(CASES)}")
    rounds = int(os.environ.get("ROUNDS", "7"))
    print(f"{'case':34} {'peer':>12} {'ours':>12} {'unit':10} {'ratio':>6}  {'min':>5} {'max':>5}")
    for name in names or CASES:
        module = importlib.import_module(CASES[name])
        head, *also = getattr(module, name)(compare, rounds)
        result = {**head, "command": f"make bench B={name}"}
        if also:
            result["also"] = also
        (OUT / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        for row in (head, *also):
            print(f"{row['name']:34} {row['peer']:12,.0f} {row['ours']:12,.0f} {row['unit']:10}"
                  f" {row['ratio_median']:6.2f}  {row['ratio_min']:5.2f} {row['ratio_max']:5.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
