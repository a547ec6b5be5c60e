#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the timer threads do for local sockets: peers that are gone are noticed, peers that
are idle are left alone, and delayed acknowledgments are sent in time."""

import errno
import hashlib
import os
import select
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import module
from harness import Failed, expect, expect_equal, main, must_fail, note, test
from mover import Mover
from net import Netns, address, veth, wait_for

# Seconds; the last probe is waited for as long as each other one.
IDLE, BETWEEN, PROBES = 2, 1, 3
GIVEN_UP = IDLE + PROBES * BETWEEN
MANY = 40
# RFC 1122, 4.2.3.2.
LATEST_ACK_MS = 500
LIVE, DEAD = {4: "192.0.2.2", 6: "2001:db8::2"}, {4: "192.0.2.3", 6: "2001:db8::3"}
SERVER = {4: "192.0.2.1", 6: "2001:db8::1"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}

client, server = Netns("fbcli"), Netns("fbsrv")
veth(client, "out", server, "in")
address(client, "out", *(f"{addr[4]}/24" for addr in (LIVE, DEAD)), *(f"{addr[6]}/64" for addr in (LIVE, DEAD)))
address(server, "in", f"{SERVER[4]}/24", f"{SERVER[6]}/64")
# A peer that is gone: what it is sent is lost, and it sends nothing.
client.nft(f"""table inet gone {{
	set dead4 {{ type ipv4_addr; }}
	set dead6 {{ type ipv6_addr; }}
	chain in {{
		type filter hook prerouting priority 0; policy accept;
		ip daddr @dead4 drop
		ip6 daddr @dead6 drop
	}}
	chain out {{
		type filter hook output priority 0; policy accept;
		ip saddr @dead4 drop
		ip6 saddr @dead6 drop
	}}
}}
""")


def connect(version, source, **options):
    """A connection from an address of the client: its socket, the server's."""
    with server.socket(FAMILY[version], socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((SERVER[version], 7000))
        listener.listen()
        ours = client.socket(FAMILY[version], socket.SOCK_STREAM)
        ours.bind((source[version], 0))
        ours.connect((SERVER[version], 7000))
        theirs, _ = listener.accept()
    for name, value in options.items():
        level = socket.SOL_SOCKET if name == "SO_KEEPALIVE" else socket.IPPROTO_TCP
        theirs.setsockopt(level, getattr(socket, name), value)
    return ours, theirs


@contextmanager
def peers_gone():
    """The dead are dead in the block."""
    client.nft(f"add element inet gone dead4 {{ {DEAD[4]} }}\nadd element inet gone dead6 {{ {DEAD[6]} }}")
    try:
        yield
    finally:
        client.nft("flush set inet gone dead4\nflush set inet gone dead6")


@contextmanager
def quick(keepalive=True):
    """The module with short times."""
    with module.module():
        module.write("timer_interval_ms", "50")
        if keepalive:
            module.write("keepalive_intvl", str(BETWEEN))
            module.write("keepalive_probes", str(PROBES))
            module.write("keepalive_time", str(IDLE))
        yield


def died_after(sock, seconds):
    """When a socket ended with ETIMEDOUT; Failed if it did not."""
    began = time.monotonic()
    ready, _, _ = select.select([sock], [], [], seconds)
    if not ready:
        raise Failed(f"it lives after {seconds} s")
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    expect_equal(error, errno.ETIMEDOUT, "its error")
    return time.monotonic() - began


def check_alive(pair):
    """Data gets through in both directions."""
    for one, other in (pair, pair[::-1]):
        other.settimeout(10)
        one.sendall(b"still here")
        expect_equal(other.recv(20), b"still here", "data")


@test("a peer that is gone is noticed in time, by a server that did not ask for it")
def _():
    with quick():
        for version in (4, 6):
            gone, live = connect(version, DEAD), connect(version, LIVE)
            check_alive(gone)
            with peers_gone():
                after = died_after(gone[1], 4 * GIVEN_UP)
            note(f"after {after:.1f} s; configured are {GIVEN_UP}")
            expect(GIVEN_UP - 1 <= after <= GIVEN_UP + 2, f"after {after} s")
            check_alive(live)
            for sock in gone + live:
                sock.close()
        expect(sum(conns.timers("dead")) == 2, f"{conns.timers('dead')} were ended")


@test(f"{MANY} peers that are gone, at other times and in few buckets: each is noticed in time")
def _():
    with quick():
        module.write("buckets", "64")
        gone = []
        for _ in range(MANY):
            gone.append(connect(4, DEAD))
            check_alive(gone[-1])
            time.sleep(0.03)
        with peers_gone():
            took = [died_after(pair[1], 4 * GIVEN_UP) for pair in gone]
        expect(sum(took) <= GIVEN_UP + 2, f"the last after {sum(took):.1f} s")
        expect_equal(sum(conns.timers("dead")), MANY, "connections that were ended")
        for sock in sum(gone, ()):
            sock.close()


@test("without that, nobody notices; nor who has not been silent for so long")
def _():
    with quick(keepalive=False):
        gone = connect(4, DEAD)
        check_alive(gone)
        with peers_gone():
            must_fail(lambda: died_after(gone[1], 2 * GIVEN_UP))
        expect_equal(sum(conns.timers("probes")), 0, "probes")


@test("a peer that lives and is idle is never given up, also while its bucket moves")
def _():
    with quick(), Mover():
        pairs = [connect(version, LIVE) for version in (4, 6) for _ in range(4)]
        for pair in pairs:
            check_alive(pair)
        time.sleep(3 * GIVEN_UP)
        probes = sum(conns.timers("probes"))
        note(f"{probes} probes, {sum(conns.timers('dead'))} given up")
        expect(probes >= len(pairs) * 3, "they were not probed")
        for pair in pairs:
            check_alive(pair)
        # Each end is probed by its own side: both are on this host.
        expect_equal(sum(conns.timers("dead")), 0, "peers given up")


@test("a peer that lives is not given up when its packets are not tracked or not steered any more")
def _():
    for name, text in (("track", "0"), ("interfaces", "other")):
        with quick():
            pairs = [connect(version, LIVE) for version in (4, 6)]
            for pair in pairs:
                check_alive(pair)
            module.write(name, text)
            time.sleep(3 * GIVEN_UP)
            note(f"{sum(conns.timers('probes'))} probes")
            expect_equal(sum(conns.timers("dead")), 0, f"peers given up with {name} {text}")
            for pair in pairs:
                check_alive(pair)


@test("an application's own settings win")
def _():
    with quick():
        gone = connect(4, DEAD, SO_KEEPALIVE=1, TCP_KEEPIDLE=1000)
        check_alive(gone)
        with peers_gone():
            must_fail(lambda: died_after(gone[1], 2 * GIVEN_UP))


def ack_delay_ms(ours, theirs):
    """How long the server lets a small segment wait for its acknowledgment."""
    # No acknowledgment at once, as at the beginning of a connection.
    theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    began = time.monotonic()
    ours.send(b"x")
    while True:
        info = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
        unacked = struct.unpack_from("=I", info, 24)[0]
        if not unacked:
            return 1000 * (time.monotonic() - began)
        if time.monotonic() > began + 2:
            raise Failed("not acknowledged within 2 s")
        time.sleep(0.001)


def acks_of_timers():
    """Delayed acknowledgments that the threads sent."""
    return sum(conns.timers("acks"))


@test(f"delayed acknowledgments: none later than {LATEST_ACK_MS} ms, most sent by the threads")
def _():
    with quick(keepalive=False):
        module.write("timer_interval_ms", "20")
        pair = connect(4, LIVE)
        before = [ack_delay_ms(*pair) for _ in range(20)]
        expect_equal(acks_of_timers(), 0, "sent by the threads although they are not asked to")
        module.write("delayed_acks", "1")
        delays = sorted(ack_delay_ms(*pair) for _ in range(50))
        note(f"median {delays[25]:.0f} ms, longest {delays[-1]:.0f} ms, {acks_of_timers()} of 50 by the threads; "
             f"without them {sorted(before)[10]:.0f} ms")
        expect(delays[-1] <= LATEST_ACK_MS, f"one after {delays[-1]} ms")
        expect(acks_of_timers() >= 10, f"{acks_of_timers()} were sent by the threads")


def transfer(one, other, data):
    """Sends data; returns what arrives."""
    found = bytearray()

    def receive():
        while len(found) < len(data):
            piece = other.recv(65536)
            if not piece:
                return
            found.extend(piece)
    thread = threading.Thread(target=receive)
    thread.start()
    one.sendall(data)
    thread.join(60)
    return bytes(found)


@test("data is as it was sent while the threads acknowledge, probe, and buckets move")
def _():
    with quick():
        module.write("timer_interval_ms", "10")
        module.write("delayed_acks", "1")
        module.write("keepalive_time", "1")
        data = os.urandom(1 << 20)
        with Mover():
            for version in (4, 6):
                one, other = connect(version, LIVE)
                for turn in range(4):
                    found = transfer(one, other, data)
                    expect_equal(hashlib.sha256(found).digest(), hashlib.sha256(data).digest(), f"turn {turn}")
                    one, other = other, one
        expect_equal(sum(conns.timers("dead")), 0, "peers given up")


@test("rounds come in time")
def _():
    with quick():
        module.write("timer_interval_ms", "224")
        first = conns.timers("rounds")
        began = time.monotonic()
        time.sleep(5)
        rounds = [now - was for now, was in zip(conns.timers("rounds"), first)]
        wanted = (time.monotonic() - began) / 0.224
        expect(all(0.8 * wanted <= each <= wanted + 1.5 for each in rounds), f"rounds {rounds}, {wanted:.1f} expected")
        module.write("enabled", "0")
        time.sleep(0.5)
        stopped = conns.timers("rounds")
        time.sleep(1)
        expect_equal(conns.timers("rounds"), stopped, "rounds while it is off")
        wait_for(lambda: module.write("enabled", "1") or conns.timers("rounds") != stopped, "rounds begin again")


if __name__ == "__main__":
    main()
