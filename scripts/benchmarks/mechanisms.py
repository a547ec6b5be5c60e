# SPDX-License-Identifier: GPL-2.0
"""The kernel's own ways to process packets on another CPU, and flowbucket: each can be
switched on for some devices, and off."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent


@contextmanager
def plain(devices, cpus):
    """Where it came in."""
    del devices, cpus
    yield


def _rps(flow_limit="0", flows=0):
    @contextmanager
    def mechanism(devices, cpus):
        mask = f"{sum(1 << cpu for cpu in cpus):x}"
        try:
            machine.kernel_steering(devices, mask, flow_limit, flows)
            yield
        finally:
            machine.kernel_steering(devices)
    return mechanism


@cache
def _cpumap():
    """The program that switches it on, and its code."""
    # In the guest's own files, which go with it.
    program = f"{tempfile.mkdtemp()}/cpumap"
    machine.sh(f"gcc -O2 -o {program} {HERE}/cpumap.c -lbpf;"
               f"{os.environ['CLANG']} -O2 -g -target bpf -I/usr/include/$(gcc -print-multiarch)"
               f" -c {HERE}/cpumap.bpf.c -o {program}.bpf.o")
    return program, f"{program}.bpf.o"


@contextmanager
def cpumap(devices, cpus):
    """XDP in generic mode, with a cpumap and as many buckets as flowbucket has."""
    started = []
    try:
        for netns, device in devices:
            command = [*machine.inside(netns).split(), *_cpumap(), device, *map(str, cpus)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            started.append(process)
            if not process.stdout.readline():
                raise RuntimeError(f"no cpumap on {device}")
        yield
    finally:
        for process in started:
            process.communicate()


def _flowbucket(track):
    @contextmanager
    def mechanism(devices, cpus):
        machine.knob("track", track)
        machine.knob("interfaces", " ".join(device for _, device in devices))
        machine.knob("policy", "load" if len(cpus) > 1 else "static")
        machine.flowbucket_on(",".join(map(str, cpus)))
        try:
            yield
        finally:
            machine.flowbucket_off()
            machine.knob("policy", "static")
            machine.knob("interfaces", "")
    return mechanism


# By name: a context manager that is given devices, each (namespace or None, name), and a list
# of CPUs.
MECHANISMS = {
    "plain": plain,
    "RPS": _rps(),
    "RPS, flow_limit": _rps(flow_limit="3"),
    "RFS": _rps(flows=4096),
    "XDP cpumap": cpumap,
    "flowbucket": _flowbucket(1),
    "flowbucket, track=0": _flowbucket(0),
}
# In a kernel booted with thread_backlog_napi RPS's packets are processed by threads.
THREADED = {"RPS, threaded": _rps(), "flowbucket": _flowbucket(1)}
