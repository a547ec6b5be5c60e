# SPDX-License-Identifier: GPL-2.0
"""The outside of the demonstration: runs wrk against the guest when it is told to."""

import os
import re
import subprocess
import sys

from phases import PHASES, TITLES, hear, tell

SECONDS = int(os.environ["DEMO_SECONDS"])
CONNECTIONS = int(os.environ["DEMO_CONNECTIONS"])
URL = f"http://{os.environ['GUEST']}:{os.environ['PORT_80']}/"
BOOT = 240
BETWEEN = 60
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3}


def load():
    """Runs wrk once; what it found."""
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "10s", "--latency", URL],
                          capture_output=True, text=True, check=False)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode or not rate:
        return {"failed": f"{done.stdout}{done.stderr}"}
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s|m)", done.stdout).groups()
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", done.stdout)
    return {
        "requests_per_s": float(rate.group(1)),
        "median_ms": float(value) * UNITS[unit],
        "errors": sum(map(int, errors.groups())) if errors else 0,
    }


def main():
    wait = BOOT
    for phase in PHASES:
        # An error in the guest is an answer, too: the guest reports it.
        if hear(f"{phase}-ready", wait) != "go":
            return
        wait = BETWEEN
        print(f"demo: {TITLES[phase]}: wrk with {CONNECTIONS} connections for {SECONDS} s ...", file=sys.stderr)
        found = load()
        tell(f"{phase}-done", found)
        if "failed" in found:
            sys.exit(f"demo: wrk failed: {found['failed']}")


if __name__ == "__main__":
    main()
