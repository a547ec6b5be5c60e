# SPDX-License-Identifier: GPL-2.0
"""The table of connections, against the kernel's connection tracking.

table: steering with connections tracked, against RPS with nf_conntrack; and the memory
of a million connections. timers: how long a million of them take to be forgotten.
"""

import time
from pathlib import Path

import machine
import steer

# Two primes: each packet is of another connection until there are as many as their product.
PORTS, ADDRESSES = 1009, 997
MANY = (
    "pkt_size 60", "src_min 10.0.0.1", "src_max 10.0.3.229", "udp_src_min 1024", f"udp_src_max {1024 + PORTS}",
    "flag !SHARED", "delay 1000",
)
ALL = 1_000_000
# The same number of packets, as fast as they are taken.
EACH_ONCE = (*MANY[:-1], f"count {ALL}")
CONNTRACK = Path("/proc/sys/net/netfilter")
# So many as make no difference: what the kernel says to its neighbours is tracked, too.
FEW = ALL // 1000
# Seconds after which they are forgotten.
TIMEOUT = 20


def conntrack(on):
    """Connection tracking, by a rule that asks for it, with room for all flows."""
    machine.sh("nft delete table inet fbtrack 2>/dev/null || true")
    if on:
        (CONNTRACK / "nf_conntrack_max").write_text("2000000\n")
        Path("/sys/module/nf_conntrack/parameters/hashsize").write_text("524288\n")
        machine.sh("""nft 'table inet fbtrack {
            chain in { type filter hook input priority 0; policy accept; ct state invalid drop; }
        }'""")


def tracked():
    """Connections that nf_conntrack has."""
    return int((CONNTRACK / "nf_conntrack_count").read_text())


def known():
    """Connections that flowbucket has, as of the last rounds."""
    lines = (machine.KNOBS / "connections/states").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines)


def _theirs(mask):
    def measure():
        steer.with_rps(mask)()
        conntrack(True)
        with steer.Load():
            return machine.rate(machine.udp_received)
    return measure


def _ours(cpus):
    def measure():
        conntrack(False)
        steer.with_flowbucket(cpus, track=1)()
        with steer.Load():
            return machine.rate(machine.udp_received)
    return measure


def free():
    """Bytes that nobody uses."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("no MemFree")


def fill(count):
    """Packets until `count()` says that there are so many connections."""
    with steer.Load(kinds=(MANY,)) as load:
        while count() < ALL:
            time.sleep(0.05)
        return load.sent()


def forget():
    """No connection on either side."""
    machine.flowbucket_off()
    conntrack(False)
    if machine.KNOBS.exists():
        # Another number of buckets begins with none.
        machine.knob("buckets", 64)
        machine.knob("buckets", 4096)
        machine.knob("connections/timeout_half_open", 600)
        machine.knob("connections/timeout_udp", 600)
        machine.knob("timer_interval_ms", 100)
    machine.sh("conntrack -F 2>/dev/null")
    while tracked():
        time.sleep(0.5)


def their_million():
    """nf_conntrack with all of them; bytes that each takes."""
    forget()
    for name in ("udp_timeout", "udp_timeout_stream"):
        (CONNTRACK / f"nf_conntrack_{name}").write_text(f"{TIMEOUT}\n")
    conntrack(True)
    steer.with_rps("2")()
    before = free()
    fill(tracked)
    return (before - free()) / tracked()


def our_million(cpus="0-1"):
    """flowbucket with all of them; bytes that each takes."""
    forget()
    steer.with_flowbucket(cpus, track=1)()
    before = free()
    fill(known)
    return (before - free()) / known()


def each_once():
    """Nanoseconds per packet when a packet of each comes, on the CPU that takes them in."""
    with steer.Load(kinds=(EACH_ONCE,)) as load:
        began = time.monotonic()
        while load.sent() < ALL:
            time.sleep(0.005)
        return (time.monotonic() - began) / ALL * 1e9


def costs(without, tracking):
    """[insert, look-up], in nanoseconds per packet more than without tracking."""
    def measure():
        forget()
        without()
        least = each_once()
        tracking()
        # The first packet of each makes a record, the second finds it.
        return [each_once() - least, each_once() - least]
    return measure


def their_costs():
    """Of nf_conntrack, without any steering."""
    def tracking():
        for name in ("udp_timeout", "udp_timeout_stream"):
            (CONNTRACK / f"nf_conntrack_{name}").write_text("600\n")
        conntrack(True)
    return costs(steer.plain, tracking)()


our_costs = costs(steer.with_flowbucket("0"), steer.with_flowbucket("0", track=1))


def table(compare, rounds):
    """Steering with a table of connections; what a connection takes."""
    steer.device()
    machine.load()
    yield compare("table", "packets/s", (_theirs("2"), _ours("1")), rounds)
    yield compare("table/spread", "packets/s", (_theirs("3"), _ours("0-1")), rounds)
    for name, cpus in (("direct", "0"), ("one", "1")):
        sides = [lambda on=on, cpus=cpus: steer.measure(steer.with_flowbucket(cpus, track=on)) for on in (0, 1)]
        yield compare(f"table/{name}, not tracked", "packets/s", sides, rounds)
    yield from compare("table/insert", "ns", (their_costs, our_costs), rounds, True, (("table/look-up", "ns", True),))
    yield compare("table/memory", "bytes", (their_million, our_million), min(rounds, 2), True)
    forget()


def of_timers(cpu, name):
    """A line of a CPU's file timers."""
    for line in (machine.KNOBS / f"cpu{cpu}/timers").read_text().splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    raise RuntimeError(f"no {name}")


def walk(cpus):
    """Milliseconds that the threads of `cpus` take to walk through a million connections and
    to forget all of them, in one round each."""
    our_million(cpus)
    time.sleep(1.5)
    machine.knob("timer_interval_ms", 3000)
    for state in ("half_open", "udp"):
        machine.knob(f"connections/timeout_{state}", 1)
    while known() > FEW:
        time.sleep(0.05)
    return max(of_timers(cpu, "last_ns") for cpu in (0, 1)) / 1e6


def ours_gone():
    """Seconds from when all of a million are due until they are forgotten, as it comes."""
    our_million()
    machine.knob("timer_interval_ms", 224)
    for state in ("half_open", "udp"):
        machine.knob(f"connections/timeout_{state}", TIMEOUT)
    return _until(known)


def theirs_gone():
    """The same of nf_conntrack."""
    their_million()
    return _until(tracked)


def _until(count):
    time.sleep(TIMEOUT)
    due = time.monotonic()
    while count() > FEW:
        time.sleep(0.02)
    return time.monotonic() - due


def timers(compare, rounds):
    """A million connections are forgotten: by one thread and by two, and by nf_conntrack."""
    steer.device()
    machine.load()
    yield compare("timers", "ms", (lambda: walk("0"), lambda: walk("0-1")), rounds, True)
    yield compare("timers/nf_conntrack", "s", (theirs_gone, ours_gone), min(rounds, 3), True)
    forget()
