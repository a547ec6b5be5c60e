#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""No packet overtakes another of its connection while buckets move at random.

pktgen sends numbered datagrams of many flows over both protocols, on two CPUs, and
the receiver looks at each flow's numbers. The same checker, pointed at RPS while
its mask is rewritten, has to find packets that were overtaken. TCP's own counters
of what came out of order must not move.

PACKETS=N says how many datagrams (200,000 in an emulated guest, a million in
user-mode Linux), MOVES=N how many moves a second are wanted at least.
"""

import os
import random
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
import pktgen
from harness import Failed, Skipped, expect, expect_equal, main, must_fail, note, test
from mover import Mover
from net import Netns, address, run, veth
from numbered import backlog_drops, snmp
from streams import Streams, check_finished

UML = os.environ.get("FB_FLAVOUR") == "uml"
PACKETS = int(os.environ.get("PACKETS", "1000000" if UML else "200000"))
MOVES = int(os.environ.get("MOVES", "1000"))
# Sent before it is waited for: what fits into the queues of one CPU.
CHUNK = 200000 if UML else 20000
DELAY_NS = 20000 if UML else 200000
SINKS = {4: "198.18.0.1", 6: "2001:db8:1::1"}
SEED = 7
# Of TCP's counters, those that tell that segments came in another order than they
# were sent in, or that the sender thought so.
TCP_ORDER = ("TCPOFOQueue", "TCPSACKReorder", "TCPTSReorder", "TCPRenoReorder")

sender, receiver = Netns("fbsend"), Netns("fbrecv")
veth(sender, "out", receiver, "in")
address(receiver, "in", f"{SINKS[4]}/24", f"{SINKS[6]}/64")
address(sender, "out", "198.18.0.2/24", "2001:db8:1::2/64")
run("sysctl", "-qw", "net.core.netdev_max_backlog=100000")
# Nor does TCP run short of memory in a small guest, and drop what it has received.
run("sysctl", "-qw", "net.ipv4.tcp_mem=100000 100000 100000")


def udp_errors():
    """Datagrams that the receiving sockets had no room for."""
    with receiver.inside():
        v4, v6 = (Path(f"/proc/thread-self/net/{name}").read_text(encoding="ascii") for name in ("snmp", "snmp6"))
    return snmp(v4, ("UdpInErrors",)) + snmp(v6, ("Udp6InErrors",))


def counted():
    """Packets that somebody counted as dropped."""
    return udp_errors() + backlog_drops() + (module.drops() if module.loaded() else 0)


def check_order(reordered):
    """Nothing was overtaken."""
    expect_equal(reordered, 0, "datagrams that others of their flow had overtaken")


def datagrams(count, delay_ns=DELAY_NS, threads=((0, 4), (1, 6))):
    """Sends datagrams; returns (sent, lost, reordered) when all are accounted for."""
    receivers = [pktgen.Receiver(receiver, version) for version in (4, 6)]
    source = pktgen.Sender(sender, "out", receiver.mac("in"), SINKS, threads, delay_ns)
    try:
        before, sent = counted(), 0
        while sent < count:
            for each in receivers:
                each.ask("new")
            sent += source.run(min(CHUNK, count - sent))
            pktgen.wait_received(receivers, sent, lambda: counted() - before)
        answers = [each.ask() for each in receivers]
        expect(min(flows for *_, flows in answers) > pktgen.PORTS // 2, f"few flows: {answers}")
        return sent, counted() - before, sum(reordered for _, reordered, _ in answers)
    finally:
        source.close()
        for each in receivers:
            each.close()


@contextmanager
def moving():
    """The module with its own check on, while buckets move."""
    with module.module():
        module.write("moves/check_order", "1")
        # A guest's CPUs stand still now and then; what comes in meanwhile has room.
        module.write("limit_packets", "4096")
        module.write("limit_bytes", str(1 << 30))
        with Mover() as mover:
            yield
        if mover.error:
            raise Failed(f"the mover: {mover.error}")
        module.check_accounts()
        note(f"{mover.moves} moves, {mover.rate:.0f}/s, packets held {module.read('moves/held')}, "
             f"steered {module.total('steered')}, straight on {module.total('direct')}, dropped "
             + ", ".join(f"{name} {module.total(name)}" for name in module.DROPS))
        note("durations up to ns, moves: " + ", ".join(module.read("moves/histogram").splitlines()))
        expect(mover.rate >= MOVES, f"only {mover.rate:.0f} moves a second")
        expect(module.total("steered") > 0, "nothing was steered")
        expect_equal(module.read("moves/order_violations"), "0", "violations that the module saw")
        by_bucket = [line.split() for line in module.read("moves/buckets").splitlines()]
        expect_equal(sum(int(moves) for _, moves, *_ in by_bucket), int(module.read("moves/total")),
                     "moves summed over buckets")
        expect(all((int(moves) > 0) == (int(ns) > 0) for _, moves, _, ns in by_bucket),
               "a bucket that moved took its time")


@test(f"{PACKETS:,} datagrams over IPv4 and IPv6 while buckets move: none overtaken, none lost unnoticed")
def _():
    with moving():
        sent, lost, reordered = datagrams(PACKETS)
        note(f"{sent} sent, {lost} dropped and counted, {reordered} overtaken")
        check_order(reordered)
        # All are accounted for, or datagrams() had failed. Dropped are those for which
        # there was no room while one of the guest's CPUs stood still.
        expect(lost < sent // 10, f"{lost} of {sent} datagrams dropped")


def tcp_order():
    """TCP's counters about order, in both namespaces."""
    found = {}
    for ns in (sender, receiver):
        with ns.inside():
            lines = Path("/proc/thread-self/net/netstat").read_text(encoding="ascii").splitlines()
        names, values = ([line.split() for line in lines if line.startswith("TcpExt:")])
        table = dict(zip(names[1:], map(int, values[1:])))
        for name in TCP_ORDER:
            found[name] = found.get(name, 0) + table[name]
    return found


def check_tcp(before):
    """TCP noticed nothing."""
    expect_equal(tcp_order(), before, "TCP's counters of what came out of order")


def one_queue(cpu=0):
    """Both ends receive on one CPU, like a NIC with one queue. On veth it is else the
    sender's CPU, which changes: then segments are out of order on arrival already."""
    for ns, device in ((sender, "out"), (receiver, "in")):
        ns.run_shell(f"echo {1 << cpu:x} >/sys/class/net/{device}/queues/rx-0/rps_cpus")


@test("TCP connections over IPv4 and IPv6 while buckets move: nothing out of order")
def _():
    one_queue()
    with moving():
        before, lost = tcp_order(), backlog_drops()
        streams = Streams(sender, receiver, tuple(SINKS.values()), 10)
        try:
            moved, again = check_finished(streams.finish())
        finally:
            streams.stop()
        note(f"{moved >> 20} MiB, {again} segments sent again; dropped: {backlog_drops() - lost} before the "
             f"module, {module.drops()} in it")
        check_tcp(before)
    sender.run("tc qdisc add dev out root netem delay 1ms reorder 50% 50%")
    try:
        streams = Streams(sender, receiver, tuple(SINKS.values()), 2)
        check_finished(streams.finish())
    finally:
        streams.stop()
        sender.run("tc qdisc del dev out root")
    # The control: packets that do come out of order are noticed.
    must_fail(check_tcp, before)


@test("control: RPS reorders while its mask is rewritten, and the checker says so")
def _():
    if not Path("/sys/class/net/lo/queues/rx-0/rps_cpus").exists():
        raise Skipped("the kernel has no RPS")
    over = threading.Event()

    def rewrite():
        rng = random.Random(SEED)
        while not over.is_set():
            masks = " ".join(f"{rng.randrange(1, 1 << module.CPUS):x}" for _ in range(400))
            receiver.run_shell(f"for m in {masks}; do echo $m >/sys/class/net/in/queues/rx-0/rps_cpus; done")

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        sent = reordered = 0
        while not reordered and sent < 2 * PACKETS:
            # Faster, so that packets wait for RPS to be overtaken.
            now, _, late = datagrams(min(PACKETS, 10 * CHUNK), DELAY_NS // 10 if UML else DELAY_NS)
            sent, reordered = sent + now, reordered + late
        note(f"of {sent} datagrams {reordered} were overtaken")
        must_fail(check_order, reordered)
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
