#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What IP itself offers goes on working: fragments, ICMP errors, path MTU,
multicast and broadcast."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
from harness import Failed, expect_equal, main, must_fail, test
from net import wait_for
from routed import CLIENT, SERVER, routed
from traffic import check_datagrams, check_transfer, listen, steered

COUNT = 100

client, router, server = routed()


@test("fragmented datagrams are put together, each once")
def _():
    for to in SERVER:
        with steered(2 * COUNT):
            check_datagrams(client, server, to, count=COUNT, size=8000)


@test("control: with one fragment of each datagram lost the check complains")
def _():
    server.nft("""table inet watch {
        chain a { type filter hook prerouting priority -450; ip frag-off & 0x1fff == 370 drop; }
    }""")
    try:
        with steered():
            must_fail(check_datagrams, client, server, SERVER[0], count=20, size=8000, wait=1)
    finally:
        server.nft("delete table inet watch")


def check_refused(to, count=20):
    """A port nobody listens on: the ICMP error reaches the socket that sent."""
    for n in range(count):
        with client.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect((to, 7100 + n))
            sock.send(b"anyone?")
            try:
                sock.recv(10)
            except ConnectionRefusedError:
                continue
            except TimeoutError:
                pass
            raise Failed(f"no error for {to} port {7100 + n}")


@test("ICMP errors reach the socket they are about")
def _():
    for to in SERVER:
        with steered(20):
            check_refused(to)
    sink = listen(server, SERVER[0], socket.SOCK_DGRAM, 7119)
    with steered():
        must_fail(check_refused, SERVER[0])
    sink.close()


@test("ICMP errors quote the flow: they are processed where the flow's packets are")
def _():
    # The client's rules see the CPU of the error, and that of the echoes of the
    # same connection, which the server's socket sends.
    client.nft("""table inet watch {
        set errors { typeof icmp type . meta cpu; size 64; flags dynamic; counter; }
        set replies { typeof udp sport . meta cpu; size 64; flags dynamic; counter; }
        chain a { type filter hook prerouting priority -350;
            icmp type destination-unreachable update @errors { icmp type . meta cpu }
            udp sport 7000 update @replies { udp sport . meta cpu }
        }
    }""")
    try:
        with steered():
            with client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(5)
                sock.bind((CLIENT[0], 7200))
                with listen(server, SERVER[0], socket.SOCK_DGRAM) as echo:
                    for _n in range(10):
                        sock.sendto(b"?", (SERVER[0], 7000))
                        data, peer = echo.recvfrom(10)
                        echo.sendto(data, peer)
                        sock.recv(10)
                for _n in range(10):
                    sock.sendto(b"?", (SERVER[0], 7000))

            def cpus(name):
                found = {}
                for item in client.nft_list(f"set inet watch {name}"):
                    for each in item.get("set", {}).get("elem", []):
                        found[each["elem"]["val"]["concat"][1]] = each["elem"]["counter"]["packets"]
                return found

            wait_for(lambda: sum(cpus("errors").values()) >= 10, "10 ICMP errors")
            expect_equal(cpus("errors"), cpus("replies"), "packets by CPU of the errors and of the replies")
            expect_equal(len(cpus("replies")), 1, "CPUs of the replies")
    finally:
        client.nft("delete table inet watch")


@test("path MTU discovery works across a narrower link")
def _():
    for ns, device in ((router, "rs"), (server, "s0")):
        ns.ip(f"link set {device} mtu 1300")
    try:
        for to in SERVER:
            with steered(20):
                check_transfer(client, server, to)
    finally:
        for ns, device in ((router, "rs"), (server, "s0")):
            ns.ip(f"link set {device} mtu 1500")


def join(sock, group):
    """Makes a socket of the server a member of a group."""
    with server.inside():
        index = socket.if_nametoindex("s0")
    if ":" in group:
        member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("i", index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    else:
        member = socket.inet_aton(group) + struct.pack("4xi", index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)


def check_group(member, group, count=COUNT):
    """Datagrams to many arrive each once."""
    with router.socket(socket.AF_INET6 if ":" in group else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for n in range(count):
            sock.sendto(n.to_bytes(4, "big"), (group, 7000))
    found = []
    try:
        member.settimeout(5)
        while len(found) < count:
            found.append(int.from_bytes(member.recv(10), "big"))
        member.settimeout(0.2)
        found.append(member.recv(10))
    except TimeoutError:
        pass
    expect_equal(found, list(range(count)), f"datagrams to {group}")


@test("multicast reaches its members")
def _():
    router.ip("route add 239.0.0.0/8 dev rs\nroute add ff05::/16 dev rs table local")
    for group in ("239.1.2.3", "ff05::7:7"):
        with listen(server, group, socket.SOCK_DGRAM) as member:
            join(member, group)
            with steered(COUNT):
                check_group(member, group)


@test("broadcast reaches everybody")
def _():
    member = listen(server, "10.2.0.255", socket.SOCK_DGRAM)
    with steered(COUNT), member:
        check_group(member, "10.2.0.255")
        member.close()
        with listen(server, SERVER[0], socket.SOCK_DGRAM) as other:
            # Control: a socket bound to the host's address is not meant.
            must_fail(check_group, other, "10.2.0.255")


if __name__ == "__main__":
    main()
