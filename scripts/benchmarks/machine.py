# SPDX-License-Identifier: GPL-2.0
"""What benchmarks do to the guest: the module, RPS, devices, counters."""

import os
import subprocess
import time
from pathlib import Path

KNOBS = Path("/sys/kernel/flowbucket")
MODULE = Path(__file__).resolve().parents[2] / "build" / os.environ["FB_FLAVOUR"] / "flowbucket.ko"
SECONDS = float(os.environ.get("SECONDS_PER_ROUND", "2"))


def sh(command):
    """Runs a shell command; fails loudly; returns its output."""
    return subprocess.run(["bash", "-e", "-c", command], check=True, text=True, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout


def load(**params):
    """Loads the module, switched off; does nothing if it is loaded."""
    if not KNOBS.exists():
        words = " ".join(f"{key}={value}" for key, value in {"enabled": 0, **params}.items())
        sh(f"insmod {MODULE} {words}")


def knob(name, value):
    (KNOBS / name).write_text(f"{value}\n")


def flowbucket_off():
    if KNOBS.exists():
        knob("enabled", 0)


def flowbucket_on(cpus):
    """Steers, with all buckets dealt to `cpus` (list syntax)."""
    load()
    knob("cpus", cpus)
    knob("enabled", 1)


def rps(device, mask, netns=None):
    """Sets the RPS mask of a device's queues; "0" is off."""
    prefix = f"ip netns exec {netns} " if netns else ""
    sh(f"{prefix}bash -c 'for q in /sys/class/net/{device}/queues/rx-*/rps_cpus; do echo {mask} >$q; done'")


def udp_received():
    """UDP datagrams that reached a socket: taken, or refused by its full buffer.

    InErrors counts full buffers already; RcvbufErrors is a part of it.
    """
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
    names, values = lines[0][1:], [int(value) for value in lines[1][1:]]
    udp = dict(zip(names, values))
    return udp["InDatagrams"] + udp["InErrors"]


def rate(counter, seconds=SECONDS, settle=0.3):
    """Events per second of a counter, after a moment to settle."""
    time.sleep(settle)
    first, start = counter(), time.monotonic()
    time.sleep(seconds)
    last, end = counter(), time.monotonic()
    return (last - first) / (end - start)
