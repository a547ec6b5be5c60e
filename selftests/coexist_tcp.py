#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Taps see each packet once, large packets of GRO and TSO pass, and TCP carries
data unharmed, through a router."""

import json
import os
import signal
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from harness import expect, expect_equal, main, must_fail, note, test
from net import wait_for
from routed import SERVER, routed
from traffic import MEGABYTE, check_datagrams, check_transfer, steered

COUNT = 100

client, router, server = routed()


def records(path):
    """Number of packets in a capture file that may still be growing."""
    with open(path, "rb") as file:
        data = file.read()
    at, count = 24, 0
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("=I", data, at + 8)[0]
        count += at <= len(data)
    return count


def check_tap(count, expected):
    """tcpdump on the receiving device sees each packet once."""
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/pcap"
        dump = server.start(f"tcpdump -i s0 -n -U -Z root -w {path} udp and port 7000")
        try:
            for text in dump.stdout:
                if "listening on" in text:
                    break
            for to in SERVER:
                check_datagrams(client, server, to, count=count)
            wait_for(lambda: records(path) >= expected, f"{expected} packets in the capture", 5)
            # A copy too many would come right behind.
            time.sleep(0.3)
            expect_equal(records(path), expected, "packets in the capture")
        finally:
            dump.send_signal(signal.SIGINT)
            dump.communicate(timeout=20)


@test("tcpdump on the receiving device sees each packet once")
def _():
    with steered(COUNT):
        check_tap(COUNT, 2 * COUNT)
        must_fail(check_tap, COUNT, 2 * COUNT + 1)


def iperf():
    """TCP for two seconds; returns (Mbit/s received, retransmitted, sent segments' sum)."""
    daemon = server.start("iperf3 -s -1")
    try:
        wait_for(lambda: ":5201" in server.run("ss -ltnH"), "iperf3 listens")
        report = json.loads(client.run(f"iperf3 -J -t 2 -P 4 -c {SERVER[0]}"))
        daemon.wait(20)
    finally:
        daemon.kill()
        daemon.communicate()
    return report["end"]["sum_received"]["bits_per_second"] / 1e6, report["end"]["sum_sent"]["retransmits"]


@test("packets of GRO and TSO pass whole, with few retransmissions")
def _():
    for ns, device in ((client, "c0"), (router, "rc"), (router, "rs"), (server, "s0")):
        ns.run(f"ethtool -K {device} gro on tso on gso on")
    server.nft("""table inet watch {
        counter large { }
        counter every { }
        chain a { type filter hook prerouting priority -350; tcp dport 5201 counter name every
                  tcp dport 5201 meta length > 1500 counter name large
        }
    }""")
    try:
        with steered(100):
            rate, again = iperf()
            large, total = server.nft_counter("large"), server.nft_counter("every")
            note(f"{rate:.0f} Mbit/s, {again} retransmitted, {large} of {total} packets larger than 1500 bytes")
            expect(rate > 1, f"only {rate} Mbit/s")
            expect(large > 20, f"only {large} of {total} packets are large")
            expect(again <= total // 100 + 20, f"{again} retransmissions")
    finally:
        server.nft("delete table inet watch")


@test("TCP data of some megabytes arrive unharmed, over both versions and every hash")
def _():
    for name in module.HASHES:
        for to in SERVER:
            with steered(50, [f"hash={name}"]):
                check_transfer(client, server, to, size=4 * MEGABYTE)


if __name__ == "__main__":
    main()
