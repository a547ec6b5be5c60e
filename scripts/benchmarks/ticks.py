# SPDX-License-Identifier: GPL-2.0
"""The timer threads under full receive load: how late their rounds begin, and for how long
they keep packets waiting.

Packets of 800,000 connections come as fast as CPU 0 can receive them, and both CPUs
process them; the kernel's own threads have what is left. The peers are bounds and not
mechanisms: a tenth of the period, and a millisecond.
"""

import time

import machine
import steer
import table

# Seconds of a round: one of some 130 rounds of each thread may be later.
SECONDS = 30
# The default.
PERIOD_MS = 224
# Threads may be this late at the 99th percentile, as a share of the period.
SHARE = 0.1
SLICE_MS = 1


def late():
    """{nanoseconds: rounds that began less late than that, and not in another line}."""
    lines = (machine.KNOBS / "connections/late").read_text().split()
    return dict(zip(map(int, lines[::2]), map(int, lines[1::2])))


def percentile(before, after, share):
    """Milliseconds, rounded up to the histogram's next step."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    wanted, seen = share * sum(counts.values()), 0
    for bound, count in counts.items():
        seen += count
        if seen >= wanted:
            return bound / 1e6
    raise RuntimeError("no rounds")


def measure():
    """Bounds and figures, in milliseconds: lateness at the 99th percentile, the longest time
    that bottom halves were off."""
    table.forget()
    machine.knob("timer_interval_ms", PERIOD_MS)
    steer.with_flowbucket("0-1", track=1)()
    with steer.Load():
        time.sleep(2)
        before = late()
        time.sleep(SECONDS)
        found = percentile(before, late(), 0.99)
    slices = max(table.of_timers(cpu, "slice_ns") for cpu in (0, 1)) / 1e6
    return [PERIOD_MS * SHARE, SLICE_MS], [found, slices]


def ticks(compare, rounds):
    """Rounds of the timer threads under load, against what they may take."""
    steer.device()
    machine.load()
    yield from compare("ticks", "ms", measure, min(rounds, 3), True, also=[("ticks/slice", "ms", True)])
    table.forget()
