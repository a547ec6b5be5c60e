# SPDX-License-Identifier: GPL-2.0
"""/proc/flowbucket and the directory connections, read."""

from collections import namedtuple
from pathlib import Path

import module

DUMP = Path("/proc/flowbucket")

Conn = namedtuple("Conn", "bucket proto first first_port other other_port state packets bytes idle_ms netns ifindex")


def parse(line):
    """One line of the file."""
    words = line.split()
    numbers = [int(words[at]) for at in (0, 3, 5, 7, 8, 9, 10, 11)]
    bucket, first_port, other_port, packets, size, idle, netns, ifindex = numbers
    return Conn(bucket, words[1], words[2], first_port, words[4], other_port, words[6], packets, size, idle, netns,
                ifindex)


def dump():
    """All connections."""
    with open(DUMP, encoding="ascii") as file:
        return [parse(line) for line in file]


def named(name):
    """A file of lines "name value" as {name: value}."""
    return {key: int(value) for key, value in map(str.split, module.read(name).splitlines())}


def states():
    """Connections by state, as the timer threads counted them last."""
    return named("connections/states")


def number(name):
    """A file of the directory connections."""
    return int(module.read(f"connections/{name}"))


def timers(name):
    """A line of the file timers of all CPUs."""
    return [named(f"cpu{cpu}/timers")[name] for cpu in range(module.CPUS)]
