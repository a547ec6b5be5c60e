# SPDX-License-Identifier: GPL-2.0
"""What kernel memory is in use, to find what is left behind."""

import time
from pathlib import Path

from harness import Failed, expect

SLABS = ("skbuff_head_cache", "skbuff_fclone_cache")
KMEMLEAK = Path("/sys/kernel/debug/kmemleak")
# Each CPU keeps some buffers at hand; a leak of one a cycle is still far more.
SKB_SLACK = 64
KB_SLACK = 512


def has_slabinfo():
    """Whether the kernel counts the objects of each cache."""
    return Path("/proc/slabinfo").exists()


def skbs():
    """Packet buffers in use: {cache: objects}."""
    found = {}
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        name, *numbers = line.split()
        if name in SLABS:
            # Without this, free objects that a CPU keeps count as used.
            Path(f"/sys/kernel/slab/{name}/shrink").write_text("1\n", encoding="ascii")
            found[name] = int(numbers[0])
    return found


def kilobytes():
    """Memory that a module takes when it is loaded: per-CPU and vmalloc."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    return {line[0].rstrip(":"): int(line[1]) for line in lines if line[0] in ("Percpu:", "VmallocUsed:")}


def kernel():
    """What the kernel has for itself, packet buffers included, in kB: neither files nor
    memory of processes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    kb = {line[0].rstrip(":"): int(line[1]) for line in lines}
    return kb["MemTotal"] - sum(kb[name] for name in ("MemFree", "Buffers", "Cached", "AnonPages"))


def at_rest(read, timeout=120):
    """What read() says when it no longer falls: what went before has been cleaned up."""
    now, end = read(), time.monotonic() + timeout
    while time.monotonic() < end:
        before = now
        time.sleep(3)
        now = read()
        if all(now[name] >= before[name] for name in before):
            break
    return now


def check_back(before, read, slack, what, timeout=20):
    """What read() says is back to `before`, within slack, once the deferred work is done."""
    end = time.monotonic() + timeout
    while True:
        now = read()
        more = {name: now[name] - before[name] for name in before if now[name] > before[name] + slack}
        if not more:
            return
        if time.monotonic() > end:
            raise Failed(f"{what}: {before} before, {now} now")
        time.sleep(0.5)


def check_kmemleak():
    """The kernel's leak detector finds nothing."""
    # It reports nothing younger than five seconds, and may take what is just being
    # moved for a leak at the first look.
    for _ in range(2):
        time.sleep(6)
        KMEMLEAK.write_text("scan\n", encoding="ascii")
    found = KMEMLEAK.read_text(encoding="ascii", errors="replace")
    expect(not found.strip(), found[:4000])
