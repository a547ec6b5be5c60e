#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A flood of a million connections that never were: what it costs in memory, and what
it leaves to connections that were there before.

All are processed on CPU 1, which has a long way to the socket for the flood and cannot
keep up with it. Datagrams that nobody reads, which take more memory than the module
may, are the control. FLOWS=N says how many datagrams, each from an address of its own.
"""

import os
import socket
import sys
import threading
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import memory
import module
import pktgen
from harness import expect, main, must_fail, note, test
from net import SO_RCVBUFFORCE, Netns, address, veth
from streams import Streams

FLOWS = int(os.environ.get("FLOWS", "1000000"))
SINK = "198.18.0.1"
SENDERS = ((2, 4), (3, 4))
LIMIT_BYTES = 4 << 20
CONNECTIONS = 20_000
# A queue and an inbox of packets of 60 bytes for each CPU, which have less than a
# kilobyte of memory each; the table of connections, as the file `connections/memory` is
# described; and what the rest of the system does meanwhile.
BOUND_KB = module.CPUS * (LIMIT_BYTES // 1024 + 2048) + (CONNECTIONS * 160 + 4096 * 2560) // 1024 + 16 * 1024

sender, receiver = Netns("fbout"), Netns("fbin")
veth(sender, "out", receiver, "in")
address(receiver, "in", f"{SINK}/24")
address(sender, "out", "198.18.0.2/24")
receiver.ip("route add 10.0.0.0/8 dev in")
pktgen.make_dear(receiver)


def flows(number):
    """What pktgen sends in a thread: so many addresses, one after the other."""
    each = FLOWS // len(SENDERS)
    first = number * each + (10 << 24) + 1
    ends = [socket.inet_ntoa(at.to_bytes(4, "big")) for at in (first, first + each - 1)]
    return [f"src_min {ends[0]}", f"src_max {ends[1]}", "udp_src_min 1024", "udp_src_max 1024", "flag !UDPSRC_RND"]


@contextmanager
def flood(count=FLOWS):
    """Datagrams from ever new addresses while the block runs, and at least so many of them.
    Yields the thread that sends."""
    source = pktgen.Sender(sender, "out", receiver.mac("in"), {4: SINK}, SENDERS, 0, flows)
    sent = []
    thread = threading.Thread(target=lambda: sent.append(source.run(count)))
    thread.start()
    try:
        yield thread
        thread.join()
        note(f"{sent[0]} datagrams from as many addresses")
        expect(sent[0] >= count, "fewer than wanted")
    finally:
        source.stop()
        thread.join()
        source.close()


def check_bound(before, most):
    """No more kernel memory than the module may have."""
    note(f"kernel memory: {before} kB before, at most {most} kB during the flood, bound {BOUND_KB} kB more")
    expect(most - before <= BOUND_KB, f"{most - before} kB more than before the flood")


def most_memory(thread):
    """The most kernel memory that was in use while the flood went on."""
    most = 0
    while thread.is_alive():
        most = max(most, memory.kernel())
        thread.join(0.1)
    return most


@test(f"a flood of {FLOWS:,} connections: memory stays bounded, and those that were there go on")
def _():
    with module.module():
        module.write("limit_bytes", str(LIMIT_BYTES))
        module.write("max_connections", str(CONNECTIONS))
        module.all_to(1)
        streams = Streams(sender, receiver, (SINK,), 3600)
        try:
            before, received = memory.kernel(), streams.received()
            with flood() as thread:
                most = most_memory(thread)
            streams.check_flow(received)
        finally:
            streams.stop()
        check_bound(before, most)
        dropped = module.drops()
        note(f"{dropped} packets dropped, {module.total('drop_overlimit')} of them from the queue")
        expect(dropped > FLOWS // 100, "no flood: next to nothing was dropped")
        module.check_accounts()


@test("control: datagrams that nobody reads are found")
def _():
    with receiver.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 30)
        sink.bind((SINK, pktgen.PORT))
        before = memory.kernel()
        # Some suffice, of 768 bytes each.
        with flood(100_000) as thread:
            most = most_memory(thread)
        must_fail(check_bound, before, most)


main()
