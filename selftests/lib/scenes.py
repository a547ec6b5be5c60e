# SPDX-License-Identifier: GPL-2.0
"""What comes and goes: CPUs and settings, again and again, in threads."""

import errno
import itertools
from pathlib import Path

import module
from harness import Skipped, expect

# CPUs that can be taken away.
OTHERS = range(1, module.CPUS)


def set_online(cpu, online):
    """Takes a CPU offline or brings it back; without hotplug, skips the test."""
    file = Path(f"/sys/devices/system/cpu/cpu{cpu}/online")
    if not file.exists():
        raise Skipped(f"CPU {cpu} cannot be taken offline")
    file.write_text(f"{int(online)}\n", encoding="ascii")


def random_map(rng):
    """All buckets to CPUs that are online, at random, in runs."""
    online = [0] + [cpu for cpu in OTHERS
                    if Path(f"/sys/devices/system/cpu/cpu{cpu}/online").read_text(encoding="ascii").strip() == "1"]
    count = int(module.read("buckets"))
    edges = sorted(rng.sample(range(1, count), 20))
    return "".join(f"{first}-{end - 1} {rng.choice(online)}\n" for first, end in zip([0] + edges, edges + [count]))


REWRITE = {
    "cpus": lambda rng: rng.choice(("0", "0-1", f"0-{module.CPUS - 1}", "0,2", "1-3")),
    "interfaces": lambda rng: rng.choice(("", "in", "in to", "other")),
    "map": random_map,
    "enabled": lambda rng: rng.choice(("0", "1", "1")),
    "hash": lambda rng: rng.choice(module.HASHES),
    "buckets": lambda rng: rng.choice(("64", "1024", "4096", "65536")),
}


def rewrite(name, rng):
    """Writes something valid; what names a CPU may be refused when that just went."""
    try:
        text = REWRITE[name](rng)
        module.write(name, text.encode() if name == "map" else text)
    except OSError as error:
        expect(name in ("cpus", "map") and error.errno in (errno.ENODEV, errno.ERANGE), f"{name}: {error}")


def repeat(over, errors, action, times=None):
    """For a thread: does something so often, or until it is over; keeps what went wrong."""
    try:
        for _ in itertools.count() if times is None else range(times):
            if over.is_set():
                return
            action()
    except Exception as error:  # shown by the test, which it fails
        errors.append(f"{action.__name__}: {error!r}")
        over.set()
