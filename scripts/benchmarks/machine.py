# SPDX-License-Identifier: GPL-2.0
"""What benchmarks do to the guest: the module, RPS, devices, counters."""

import math
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
        # What is measured is not to move unless a case says so.
        knob("policy", "static")


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


def inside(netns):
    """What a command begins with that is to run in a namespace, or in the first."""
    return f"ip netns exec {netns}" if netns else ""


def _queues(device, file, text, netns):
    sh(f"{inside(netns)} bash -c 'for f in /sys/class/net/{device}/queues/rx-*/{file}; do echo {text} >$f; done'")


def rps(device, mask, netns=None):
    """Sets the RPS mask of a device's queues; "0" is off."""
    _queues(device, "rps_cpus", mask, netns)


def kernel_steering(devices, mask="0", flow_limit="0", flows=0):
    """RPS for devices, each (namespace or None, name); with a limit for large flows on the
    CPUs of a mask; with RFS and tables of so many `flows`."""
    # An entry for each flow, nearly.
    Path("/proc/sys/net/core/flow_limit_table_len").write_text("65536")
    Path("/proc/sys/net/core/flow_limit_cpu_bitmap").write_text(flow_limit)
    Path("/proc/sys/net/core/rps_sock_flow_entries").write_text(str(flows))
    for netns, device in devices:
        _queues(device, "rps_flow_cnt", flows, netns)
        rps(device, mask, netns)


def snmp(protocol, netns=None):
    """The kernel's counters of a protocol, by name; TcpExt for what is particular to Linux."""
    path = "/proc/net/netstat" if protocol.endswith("Ext") else "/proc/net/snmp"
    text = sh(f"ip netns exec {netns} cat {path}") if netns else Path(path).read_text()
    names, values = (line.split()[1:] for line in text.splitlines() if line.startswith(f"{protocol}:"))
    return dict(zip(names, map(int, values)))


def udp_received():
    """UDP datagrams that reached a socket: taken, or refused by its full buffer.

    InErrors counts full buffers already; RcvbufErrors is a part of it.
    """
    udp = snmp("Udp")
    return udp["InDatagrams"] + udp["InErrors"]


def rates(counters, seconds=SECONDS, settle=0.3):
    """Events per second of several counters at once, after a moment to settle."""
    time.sleep(settle)
    first, start = [counter() for counter in counters], time.monotonic()
    time.sleep(seconds)
    last, end = [counter() for counter in counters], time.monotonic()
    return [(after - before) / (end - start) for before, after in zip(first, last)]


def rate(counter, seconds=SECONDS, settle=0.3):
    """Events per second of a counter, after a moment to settle."""
    return rates([counter], seconds, settle)[0]


def rank(values, share):
    """The smallest value that `share` of all do not exceed: 0.99 for the 99th percentile."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
