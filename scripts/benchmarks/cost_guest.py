# SPDX-License-Identifier: GPL-2.0
"""The guest's side of cost.py: small packets to the other CPU, one mechanism after the other.

Says on its output `BEGIN name` when packets flow, `END packets` per second when that has been
measured, which takes longer than perf is at it, and before all that where the module's
sections are.
"""

import os
import time
from pathlib import Path

import machine
import steer

SECONDS = float(os.environ["COST_SECONDS"])
MECHANISMS = {
    "RPS": steer.with_rps("2"),
    "flowbucket": steer.with_flowbucket("1"),
    "flowbucket, tracking": steer.with_flowbucket("1", track=1),
}


def main():
    steer.device()
    machine.load()
    for section in Path("/sys/module/flowbucket/sections").glob(".*text*"):
        print("SECTION", section.name, section.read_text().strip(), flush=True)
    for name, setup in MECHANISMS.items():
        setup()
        with steer.Load():
            # Until connections are known.
            time.sleep(3)
            print("BEGIN", name, flush=True)
            print("END", machine.rate(machine.udp_received, seconds=SECONDS + 2), flush=True)


if __name__ == "__main__":
    main()
