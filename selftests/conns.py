#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The table of connections: what is in it, what is forgotten, and who makes way."""

import os
import random
import socket
import sys
import time
from collections import Counter
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import frames
import hashes
import module
import watch
from harness import expect, expect_equal, main, must_fail, note, test
from mover import Mover
from net import Netns, address, veth, wait_for
from scenes import set_online

FLOWS = frames.random_flows(4, 400, 21) + frames.random_flows(6, 400, 21)
PACKETS = [frames.datagram(flow, bytes(20)) for flow in FLOWS]
SYN, ACK = 2, 16

bench = watch.Bench()
# Nothing of its own comes from there: a link-local address would have to be announced.
bench.receiver.sysctl("net.ipv6.conf.in.addr_gen_mode", 1)
bench.receiver.ip("addr flush dev in scope link")
client, server = Netns("fbcli"), Netns("fbsrv")
for each_ns in (client, server):
    each_ns.sysctl("net.ipv6.conf.default.addr_gen_mode", 1)
veth(client, "out", server, "in")
address(client, "out", "192.0.2.2/24", "2001:db8::2/64")
address(server, "in", "192.0.2.1/24", "2001:db8::1/64")


def text(addr):
    """Bytes of an address as people write it."""
    return socket.inet_ntop(socket.AF_INET if len(addr) == 4 else socket.AF_INET6, addr)


def ends(flow):
    """What the dump says of a flow's ends."""
    return text(flow.src), flow.sport, text(flow.dst), flow.dport


def check_flows(found, packets, state):
    """The dump has each of the flows once, with so many packets, in its bucket."""
    seen = Counter(each[2:6] for each in found if each.proto == "udp")
    expect_equal(sum(seen[ends(flow)] == 1 for flow in FLOWS), len(FLOWS), "flows that are there once")
    by_ends = {each[2:6]: each for each in found}
    wrong = [flow for flow in FLOWS if by_ends[ends(flow)].packets != packets or by_ends[ends(flow)].state != state]
    expect(not wrong, f"{len(wrong)} do not have {packets} packets and are {state}, as {wrong[:1]}")
    astray = [flow for flow in FLOWS if by_ends[ends(flow)].bucket != hashes.flow_crc32c(flow) % 4096]
    expect(not astray, f"{len(astray)} are in another bucket, as {astray[:1]}")


@contextmanager
def quick(**timeouts):
    """The module with rounds every 10 ms and other timeouts, in seconds."""
    with module.module("hash=crc32c"):
        module.write("timer_interval_ms", "10")
        for state, seconds in timeouts.items():
            module.write(f"connections/timeout_{state}", str(seconds))
        yield


def tcp_pair(version):
    """A connected pair of sockets: client's, server's."""
    family, addr = (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    with server.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((addr, 7000 + version))
        listener.listen()
        ours = client.socket(family, socket.SOCK_STREAM)
        ours.connect((addr, 7000 + version))
        theirs, _ = listener.accept()
        return ours, theirs


def of_port(port):
    """Connections to a port, as received."""
    return [each for each in conns.dump() if each.other_port == port]


@test("datagrams make connections, each in the bucket of its hash")
def _():
    with quick():
        # But for what the kernel itself says to its neighbours.
        expect_equal([each for each in conns.dump() if each.proto != "58"], [], "connections at first")
        bench.send(PACKETS)
        check_flows(conns.dump(), 1, "half_open")
        bench.send(PACKETS)
        bench.send(PACKETS)
        found = conns.dump()
        check_flows(found, 3, "udp")
        # Controls.
        must_fail(lambda: check_flows(found, 2, "udp"))
        must_fail(lambda: check_flows(found[1:], 3, "udp"))
        must_fail(lambda: check_flows(found + found[:1], 3, "udp"))
        wait_for(lambda: conns.states()["udp"] == len(FLOWS), "the threads have counted them")
        memory = conns.number("memory")
        expect(0 < memory < 1 << 20, f"{memory} bytes of memory")


@test("a TCP connection is followed, and forgotten")
def _():
    with quick(closing=1, time_wait=1, closed=1):
        for version in (4, 6):
            ours, theirs = tcp_pair(version)
            ours.sendall(b"hello")
            expect_equal(theirs.recv(10), b"hello", "data")
            found = of_port(7000 + version)
            expect_equal([each.state for each in found], ["established"], "state of what the server receives")
            expect(found[0].packets >= 3, f"{found} has too few packets")
            ours.close()
            theirs.close()
            wait_for(lambda: not of_port(7000 + version), "it is forgotten")  # pylint: disable=cell-var-from-loop
        expect(sum(conns.timers("expired")) >= 2, "nothing expired")


@test("what is idle for longer than its timeout is forgotten, and nothing else")
def _():
    with quick():
        bench.send(PACKETS)
        half = PACKETS[::2]
        bench.send(half)
        module.write("connections/timeout_half_open", "1")
        wait_for(lambda: len(conns.dump()) == len(half), "half-open ones are forgotten")
        expect_equal({each.state for each in conns.dump()}, {"udp"}, "states of those that sent twice")
        module.write("connections/timeout_udp", "1")
        wait_for(lambda: not conns.dump(), "the others are, too")
        expect_equal(sum(conns.timers("expired")), len(PACKETS), "expired")
        wait_for(lambda: conns.number("memory") == 0, "their memory is given back")


@test("max_connections: half-open ones make way for new ones, others do not")
def _():
    with quick():
        module.write("max_connections", "800")
        bench.send(PACKETS[:400])
        bench.send(PACKETS[:400])
        flood = [frames.datagram(flow) for flow in frames.random_flows(4, 5000, 22)]
        bench.send(flood)
        found = Counter(each.state for each in conns.dump())
        expect_equal(found["udp"], 400, "connections that sent twice")
        expect(200 < found["half_open"] <= 400, f"{found}")
        # On a slow machine some are forgotten meanwhile.
        gone = conns.number("evicted") + conns.number("untracked") + sum(conns.timers("expired"))
        expect_equal(gone, 400 + 5000 - sum(found.values()), "those that are gone or had no room")
        note(f"{found}, {conns.number('evicted')} made way, {conns.number('untracked')} packets were not tracked")
        # Everything went on all the same.
        module.check_accounts()
        expect_equal(module.drops(), 0, "drops")


@test("connections go with their buckets")
def _():
    with quick():
        bench.send(PACKETS)
        for turn in range(2, 6):
            with Mover() as mover:
                bench.send(PACKETS)
                time.sleep(0.5)
            expect(mover.moves > 0 and not mover.error, f"{mover.moves} moves, {mover.error}")
            note(f"{mover.moves} moves, {mover.rate:.0f}/s")
            check_flows(conns.dump(), turn, "udp")
        wait_for(lambda: sum(conns.states().values()) == len(FLOWS), "the threads have counted each once")


@test("CPUs go and come back: no connection is lost")
def _():
    with quick():
        bench.send(PACKETS)
        for cpu in range(1, module.CPUS):
            set_online(cpu, False)
            try:
                check_flows(conns.dump(), cpu, "half_open" if cpu == 1 else "udp")
                wait_for(lambda: sum(conns.states().values()) == len(FLOWS), "each is counted once")
                bench.send(PACKETS)
            finally:
                set_online(cpu, True)
            check_flows(conns.dump(), cpu + 1, "udp")


@test("namespaces have connections of their own")
def _():
    with Netns("fbone") as one, quick():
        veth(client, "two", one, "in")
        frame = frames.ether(one.mac("in"), client.mac("two"), frames.kind_of(PACKETS[0]), PACKETS[0])
        client.raw("two").send(frame)
        bench.send(PACKETS[:1])
        wait_for(lambda: len([each for each in conns.dump() if each[2:6] == ends(FLOWS[0])]) == 2, "both are there")
        found = [each for each in conns.dump() if each[2:6] == ends(FLOWS[0])]
        inodes = [os.stat(f"/run/netns/{ns.name}").st_ino for ns in (one, bench.receiver)]
        expect_equal({each.netns for each in found}, set(inodes), "namespaces")
        bench.send(PACKETS)
        one.close()
        wait_for(lambda: Counter(each.netns for each in conns.dump() if each.proto == "udp") == {inodes[1]: len(FLOWS)},
                 "those of one that went are forgotten, and no others")


@test("fragments, errors and forged TCP")
def _():
    src, dst = frames.packed("10.1.1.1"), frames.packed("10.1.1.2")

    def segment(sport, flags):
        return frames.ipv4(src, dst, frames.TCP, frames.tcp(sport, 80, flags=flags))

    with quick():
        inner = frames.ipv4(dst, src, frames.UDP, frames.udp(1, 2))
        bench.send([frames.ipv4(src, dst, frames.ICMP, frames.icmp(3, 1, 0, inner))])
        expect_equal(conns.dump(), [], "connections of an ICMP error")
        bench.send([frames.ipv4(src, dst, frames.UDP, bytes(8), frag=0x2000, ident=5),
                    frames.ipv4(src, dst, frames.UDP, bytes(8), frag=1, ident=5)])
        found = conns.dump()
        expect_equal([(each.proto, each.first_port, each.packets) for each in found], [("udp", 0, 2)], "fragments")
        bench.send([segment(1, SYN), segment(1, ACK), segment(1, SYN), segment(2, SYN), segment(2, SYN)])
        found = {each.first_port: each.state for each in conns.dump() if each.proto == "tcp"}
        expect_equal(found, {1: "established", 2: "half_open"}, "states")


@test("track: off, nothing is tracked; on again, it is")
def _():
    with quick():
        module.write("track", "0")
        bench.send(PACKETS)
        expect_equal(conns.dump(), [], "connections")
        module.write("track", "1")
        bench.send(PACKETS)
        check_flows(conns.dump(), 1, "half_open")
        # Another number of buckets begins anew.
        module.write("buckets", "64")
        expect_equal(conns.dump(), [], "connections")
        bench.send(PACKETS)
        expect_equal(len(conns.dump()), len(FLOWS), "connections in 64 buckets")


@test("each CPU's thread goes through all it has, once a round, and nothing else")
def _():
    with module.module("hash=crc32c"):
        module.write("timer_interval_ms", "500")
        # None is forgotten meanwhile, however slow the guest is.
        module.write("connections/timeout_half_open", "3600")
        bench.send(PACKETS)
        wait_for(lambda: sum(conns.states().values()) == len(FLOWS), "they are counted")
        owners = module.bucket_map()
        owned = Counter(owners[each.bucket] for each in conns.dump())

        def walks():
            """What each CPU walks when timeouts have changed: everything, once."""
            before = conns.timers("walked")
            seconds = random.randrange(1000, 9000)
            module.write("connections/timeout_half_open", str(seconds))
            rounds = conns.timers("rounds")
            wait_for(lambda: all(now > was + 1 for now, was in zip(conns.timers("rounds"), rounds)), "rounds")
            return [now - was for now, was in zip(conns.timers("walked"), before)]

        wanted = [owned[cpu] for cpu in range(module.CPUS)]
        expect_equal(walks(), wanted, "records that each CPU walked")
        # Control: had one CPU another one's buckets, it would show.
        module.write("map", "0-511 1")
        found = walks()
        must_fail(lambda: expect_equal(found, wanted, "records"))
        expect_equal(sum(found), len(FLOWS), "records that all walked")


if __name__ == "__main__":
    main()
