#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What is steered and what is not, and that the counters tell exactly that."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import frames
import module
import watch
from harness import expect, expect_equal, main, must_fail, test
from net import Netns, veth

FLOWS = frames.random_flows(4, 400, 5)
PACKETS = [frames.datagram(flow, bytes(20)) for flow in FLOWS]
LENGTH = 20 + 8 + 20
LAST = module.CPUS - 1

bench = watch.Bench()


def send(cpu=0, times=1):
    """Sends all packets."""
    for _ in range(times):
        bench.send(PACKETS, cpu=cpu)


def cpus_seen():
    """{cpu: packets} of what was sent since the last clear()."""
    count = {}
    for by_cpu in bench.seen().values():
        for cpu, packets in by_cpu.items():
            count[cpu] = count.get(cpu, 0) + packets
    return count


def check_counters(**wanted):
    """Counters, summed over CPUs or given per CPU as a list."""
    module.check_accounts()
    for name, value in wanted.items():
        found = module.counter(name)
        expect_equal(found if isinstance(value, list) else sum(found), value, name)


@test("counters start at 0")
def _():
    with module.module():
        others = {"buckets", "load_other", "utilization", "connections", "timers"}
        names = {each.name for each in (module.FILES / "cpu0").iterdir()} - others
        expect_equal(len(names), 12, "number of counters")
        for name in names:
            expect_equal(module.total(name), 0, name)


@test("packets for another CPU are steered, queued and counted exactly")
def _():
    with module.module():
        bench.clear()
        module.all_to(LAST)
        moving = module.counter("ipis")
        send(cpu=0)
        count = len(PACKETS)
        there = [0] * LAST + [count]
        check_counters(steered=[count] + [0] * LAST, queued=there, packets=there, direct=0,
                       bytes=[n * LENGTH for n in there], drop_backlog=0, drop_device=0, drop_route=0, rps=0)
        ipis = [now - before for now, before in zip(module.counter("ipis"), moving)]
        expect(0 < sum(ipis) <= count, f"{sum(ipis)} interrupts for {count} packets")
        expect_equal(ipis[1:], [0] * LAST, "interrupts sent by the other CPUs")
        expect_equal(cpus_seen(), {LAST: count}, "packets by CPU")
        must_fail(check_counters, steered=count + 1)


@test("packets of the receiving CPU's own buckets go straight on")
def _():
    with module.module():
        bench.clear()
        module.all_to(1)
        moving = module.counter("ipis")
        send(cpu=1)
        count = len(PACKETS)
        there = [0, count] + [0] * (module.CPUS - 2)
        check_counters(direct=there, packets=there, bytes=count * LENGTH, steered=0, queued=0, ipis=moving)
        expect_equal(cpus_seen(), {1: count}, "packets by CPU")


@test("the sums agree with packets arriving on every CPU for every CPU")
def _():
    with module.module():
        bench.clear()
        for cpu in range(module.CPUS):
            send(cpu=cpu)
        count = len(PACKETS) * module.CPUS
        check_counters(packets=count, bytes=count * LENGTH, drop_backlog=0)
        expect_equal(module.total("direct", "steered"), count, "direct + steered")
        expect(all(module.counter("steered")) and all(module.counter("direct")), "a CPU steered nothing")
        expect_equal(cpus_seen(), dict(enumerate(module.counter("packets"))), "packets by CPU")


@test("what is too much is dropped from the longest queues and counted, the rest arrives")
def _():
    with module.module():
        bench.clear()
        module.all_to(LAST)
        module.write("limit_packets", 64)
        with bench.slow_owner("add rule inet watch prerouting counter name arrived drop\n"):
            sent = bench.send_until(PACKETS, lambda: module.total("drop_overlimit") >= 50, at_most=40000)
            module.settle(timeout=120)
            arrived = bench.receiver.nft_counter("arrived")
        there, here = module.total("drop_overlimit"), module.total("drop_backlog")
        dropped = there + here
        expect(50 <= there and dropped < sent, f"{there} + {here} of {sent} packets dropped")
        check_counters(steered=sent - here, queued=sent - dropped, packets=sent - dropped)
        expect_equal(module.counter("drop_overlimit")[:LAST], [0] * LAST, "drops by the other CPUs")
        expect_equal(arrived, sent - dropped, "packets that arrived")


@test("enabled=0 stops steering, from the start or later; 1 resumes it")
def _():
    with module.module("enabled=0"):
        module.all_to(LAST)
        bench.clear()
        send()
        check_counters(packets=0, steered=0)
        expect_equal(cpus_seen(), {0: len(PACKETS)}, "packets by CPU while off")
        module.write("enabled", 1)
        bench.clear()
        send()
        check_counters(packets=len(PACKETS), steered=len(PACKETS))
        expect_equal(cpus_seen(), {LAST: len(PACKETS)}, "packets by CPU while on")
        module.write("enabled", 0)
        bench.clear()
        send()
        check_counters(packets=len(PACKETS))
        expect_equal(cpus_seen(), {0: len(PACKETS)}, "packets by CPU while off again")


@test("only the named interfaces are steered")
def _():
    for names, steered in (("in", True), ("other", False), ("other in", True), ("i", False), ("in2", False), ("", True)):
        with module.module():
            module.all_to(LAST)
            module.write("interfaces", names)
            bench.clear()
            send()
            check_counters(packets=len(PACKETS) if steered else 0)
            expect_equal(cpus_seen(), {LAST if steered else 0: len(PACKETS)}, f"packets by CPU with {names!r}")


@test("an interface is known by the name it has now")
def _():
    with Netns("fbname") as far:
        veth(bench.sender, "out3", far, "old")
        bench.sender.sysctl("net.ipv6.conf.out3.disable_ipv6", 1)
        sock = bench.sender.raw("out3")
        head = (far.mac("old"), bench.sender.mac("out3"))

        def steered():
            before = module.total("packets")
            sock.send(frames.ether(*head, frames.IPV4, PACKETS[0]))
            module.settle()
            return module.total("packets") - before

        with module.module():
            module.write("interfaces", "new")
            expect_equal(steered(), 0, "packets before the renaming")
            far.ip("link set old down\nlink set old name new\nlink set new up")
            expect_equal(steered(), 1, "packets after the renaming")


def check_lo_uncounted(ns, to):
    """Datagrams within a namespace arrive, and the module has nothing to do with them."""
    before = module.total("packets")
    with ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        sink.bind((to, 7000))
        sink.settimeout(5)
        for n in range(50):
            source.sendto(bytes([n]), (to, 7000))
            expect_equal(sink.recv(9), bytes([n]), "datagram")
    expect_equal(module.total("packets"), before, "packets counted")


@test("loopback is never steered nor counted, even if it is named")
def _():
    with module.module():
        module.all_to(LAST)
        check_lo_uncounted(bench.receiver, "127.0.0.1")
        module.write("interfaces", "lo in")
        check_lo_uncounted(bench.receiver, "127.0.0.1")

        # The same count over a veth pair: there the check has to complain.
        def over_veth():
            before = module.total("packets")
            send()
            expect_equal(module.total("packets"), before, "packets counted")
        must_fail(over_veth)


def set_rps(mask):
    """RPS of the receiving device."""
    # The files of a namespace's devices are in the sysfs that was mounted in it.
    bench.receiver.run("tee /sys/class/net/in/queues/rx-0/rps_cpus", stdin=str(mask))


@test("RPS on a steered interface is logged once and counted")
def _():
    with module.module():
        module.all_to(LAST)
        with module.log_lines() as quiet:
            send()
        expect_equal((quiet, module.total("rps")), ([], 0), "log and counter without RPS")
        set_rps(2)
        try:
            with module.log_lines() as lines:
                send(times=2)
            expect_equal(len([line for line in lines if "RPS" in line and " in" in line]), 1, f"log lines {lines}")
            counted = module.total("rps")
            expect(counted >= 2 * len(PACKETS) // 64 - 1, f"rps counter {counted}")
            with module.log_lines() as again:
                send()
            expect_equal(again, [], "log lines later")
            expect(module.total("rps") > counted, "the counter stands still")
            module.write("interfaces", "other")
            counted = module.total("rps")
            send()
            expect_equal(module.total("rps"), counted, "the counter with the interface not steered")
        finally:
            set_rps(0)
        check_counters(drop_backlog=0)


if __name__ == "__main__":
    main()
