#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A SYN flood from forged addresses, at full speed, on a port that has a server, while
buckets move: the table stays within its bound, connections that were there are not
touched, and afterwards the table empties itself.

FLOOD_SECONDS=N says how long; ROOM=N for how many connections the table has room.
"""

import os
import signal
import socket
import sys
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import memory
import module
from harness import expect, expect_equal, main, must_fail, note, test
from mover import Mover
from net import Netns, address, veth, wait_for

SECONDS = int(os.environ.get("FLOOD_SECONDS", "15"))
# An emulated CPU of a debug kernel sends a hundred packets a second.
ROOM = int(os.environ.get("ROOM", "500" if os.environ.get("FB_FLAVOUR") == "debug" else "20000"))
# What Documentation/ABI promises of connections/memory.
TABLE_BYTES = ROOM * 160 + 4096 * 2560
LIMIT_BYTES = 4 << 20
# As in flood.py: queues and inboxes, and what the rest of the system does meanwhile.
BOUND_KB = module.CPUS * (LIMIT_BYTES // 1024 + 2048) + 16 * 1024 + TABLE_BYTES // 1024
SERVER, CLIENT, PORT, PAIRS = "198.18.0.1", "198.18.0.2", 8080, 50

sender, receiver = Netns("fbout"), Netns("fbin")
veth(sender, "out", receiver, "in")
address(receiver, "in", f"{SERVER}/24")
address(sender, "out", f"{CLIENT}/24")
# The server's answers to nowhere go where the flood comes from, which throws them away.
receiver.ip(f"neigh replace {CLIENT} lladdr {sender.mac('out').hex(':')} dev in nud permanent\n"
            f"route add default via {CLIENT}")
receiver.sysctl("net.ipv4.tcp_syncookies", 1)


@contextmanager
def connected():
    """Connections from client to server: [(client's socket, server's)], and the listening one."""
    with receiver.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((SERVER, PORT))
        listener.listen(PAIRS)
        pairs = []
        try:
            for _ in range(PAIRS):
                ours = sender.socket(socket.AF_INET, socket.SOCK_STREAM)
                ours.connect((SERVER, PORT))
                pairs.append((ours, listener.accept()[0]))
            yield pairs
        finally:
            for each in sum(pairs, ()):
                each.close()


@contextmanager
def flood():
    """SYNs from random addresses, as fast as one process can, while the block runs."""
    process = sender.start(f"hping3 --flood --rand-source -q -S -p {PORT} {SERVER}")
    try:
        yield
        expect_equal(process.poll(), None, "hping3 ended")
    finally:
        process.send_signal(signal.SIGINT)
        note(" ".join(process.communicate(timeout=30)[0].split()))


def check_there(pairs, found):
    """Each connection is in the table once, established."""
    ports = {ours.getsockname()[1]: [] for ours, _ in pairs}
    for each in found:
        if (each.first, each.other_port) == (CLIENT, PORT):
            ports[each.first_port].append(each.state)
    wrong = {port: states for port, states in ports.items() if states != ["established"]}
    expect(not wrong, f"{len(wrong)} of {len(pairs)} connections are not there once, as established: {wrong}")


def check_data(pairs):
    """Data gets through, in both directions."""
    for number, pair in enumerate(pairs):
        for one, other in (pair, pair[::-1]):
            other.settimeout(30)
            one.sendall(bytes([number]))
            expect_equal(other.recv(10), bytes([number]), f"data of connection {number}")


def watch(pairs):
    """(most bytes of the table, most kernel memory in kB) while the flood goes on; data goes
    through the connections one after the other meanwhile."""
    table = kernel = turn = 0
    longest = 0.0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        table, kernel = max(table, conns.number("memory")), max(kernel, memory.kernel())
        began = time.monotonic()
        check_data([pairs[turn % len(pairs)]])
        longest = max(longest, time.monotonic() - began)
        turn += 1
        time.sleep(0.1)
    note(f"{turn} exchanges of data during the flood, the longest took {1000 * longest:.0f} ms")
    return table, kernel


@test(f"a SYN flood of {SECONDS} s: memory is bounded, connections stay, the table empties itself")
def _():
    with module.module(), connected() as pairs:
        module.write("limit_bytes", str(LIMIT_BYTES))
        module.write("max_connections", str(ROOM))
        module.write("timer_interval_ms", "50")
        check_data(pairs)
        # A packet of IPv6's own may make one more at any time.
        wait_for(lambda: sum(conns.states().values()) == len(conns.dump()), "the threads have counted all connections")
        before, own = memory.kernel(), conns.number("memory")
        with Mover() as mover, flood():
            table, kernel = watch(pairs)
        found = conns.dump()
        check_there(pairs, found)
        must_fail(check_there, pairs, [each for each in found if each.first_port != pairs[0][0].getsockname()[1]])
        must_fail(check_there, pairs, found + found)
        check_data(pairs)
        evicted, untracked = conns.number("evicted"), conns.number("untracked")
        note(f"{conns.number('added')} connections came, {evicted} made way, {untracked} packets were not tracked; "
             f"{mover.moves} moves, {mover.rate:.0f}/s")
        expect(mover.moves > 0 and not mover.error, f"{mover.moves} moves, {mover.error}")
        expect(evicted + untracked > ROOM, "no flood: the table was hardly full")
        expect(ROOM // 2 < len(found) <= ROOM, f"{len(found)} connections in a table for {ROOM}")
        note(f"table: at most {table} bytes, bound {TABLE_BYTES}; kernel memory: {before} kB before, "
             f"at most {kernel} kB, bound {BOUND_KB} kB more")
        expect(table <= TABLE_BYTES, f"{table} bytes for {ROOM} connections")
        expect(kernel - before <= BOUND_KB, f"{kernel - before} kB more than before the flood")
        module.check_accounts()
        module.write("connections/timeout_half_open", "1")
        wait_for(lambda: conns.states()["half_open"] == 0, "the table is empty of the flood")
        wait_for(lambda: conns.number("memory") - own < (table - own) // 10, "its memory is given back")
        check_there(pairs, conns.dump())
        check_data(pairs)


if __name__ == "__main__":
    main()
