#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Bridges, VLANs, macvlan, VRFs and tunnels go on working, with each packet
delivered once, whatever CPU its outer and its inner flow belong to."""

import os
import sys
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
from harness import expect_equal, main, must_fail, test
from net import Netns, address, veth
from traffic import MEGABYTE, check_both, check_datagrams, check_transfer, steered

COUNT = 120
SIZE = MEGABYTE // 2
LEFT, RIGHT = ("10.3.0.1", "2001:db8:3::1"), ("10.3.0.2", "2001:db8:3::2")


@contextmanager
def line(*names):
    """Namespaces in a row, joined by veth pairs: `vnext` of each leads to `vprev` of the next."""
    made = []
    try:
        for name in names:
            made.append(Netns("fb" + name))
        for left, right in zip(made, made[1:]):
            veth(left, "vnext", right, "vprev")
        yield made
    finally:
        for each in made:
            each.close()


def addresses(ns, device, pair):
    """Gives a device one address of each version."""
    address(ns, device, f"{pair[0]}/24", f"{pair[1]}/64")


def exchange(left, right):
    """Traffic of all kinds from left to right."""
    check_both(left, right, *RIGHT, count=COUNT, size=SIZE)


def bridged(br_netfilter, setup=lambda middle: None):
    """Traffic across a bridge in the middle; returns what the IP tables there counted."""
    with line("left", "middle", "right") as (left, middle, right):
        middle.ip("link add br0 type bridge\nlink set br0 up\nlink set vprev master br0\nlink set vnext master br0")
        addresses(left, "vnext", LEFT)
        addresses(right, "vprev", RIGHT)
        middle.nft("""table inet watch {
            counter forwarded { }
            chain a { type filter hook prerouting priority 0; ct state new accept; }
            chain b { type filter hook forward priority 0; udp dport 7000 counter name forwarded; }
        }""")
        for name in ("iptables", "ip6tables"):
            middle.sysctl(f"net.bridge.bridge-nf-call-{name}", int(br_netfilter))
        setup(middle)
        with steered(2 * COUNT):
            exchange(left, right)
        return middle.nft_counter("forwarded")


@test("a bridge passes everything on")
def _():
    expect_equal(bridged(False), 0, "packets in the bridge's IP tables")


@test("a bridge with br_netfilter and connection tracking passes everything on, seen once")
def _():
    expect_equal(bridged(True), 2 * COUNT, "packets in the bridge's IP tables")


@test("control: a bridge that duplicates packets is noticed")
def _():
    must_fail(bridged, True, lambda middle: middle.run("tc qdisc add dev vnext root netem duplicate 100%"))


@test("VLAN interfaces work")
def _():
    with line("left", "right") as (left, right):
        for ns, device, pair in ((left, "vnext", LEFT), (right, "vprev", RIGHT)):
            ns.ip(f"link add link {device} name vlan7 type vlan id 7\nlink set vlan7 up")
            addresses(ns, "vlan7", pair)
        with steered(2 * COUNT):
            exchange(left, right)


@test("macvlan interfaces work, also from one to another")
def _():
    with line("left", "right") as (left, right), Netns("fbother") as other:
        for ns, name in ((right, "mac0"), (other, "mac1")):
            right.ip(f"link add link vprev name {name} netns {ns.name} type macvlan mode bridge")
            ns.ip(f"link set {name} up")
        addresses(left, "vnext", LEFT)
        addresses(right, "mac0", RIGHT)
        addresses(other, "mac1", ("10.3.0.3", "2001:db8:3::3"))
        with steered(4 * COUNT):
            exchange(left, right)
            exchange(other, right)


@test("ipvlan interfaces work")
def _():
    with line("left", "right") as (left, right):
        right.ip("link add link vprev name ipv0 type ipvlan mode l2\nlink set ipv0 up")
        addresses(left, "vnext", LEFT)
        addresses(right, "ipv0", RIGHT)
        with steered(2 * COUNT):
            exchange(left, right)


@test("a VRF delivers to its sockets, and to global ones where that is allowed")
def _():
    with line("left", "right") as (left, right):
        right.ip("link add red type vrf table 10\nlink set red up\nlink set vprev master red")
        addresses(left, "vnext", LEFT)
        addresses(right, "vprev", RIGHT)
        with steered(2 * COUNT):
            check_both(left, right, *RIGHT, count=COUNT, size=SIZE, device="red")

        def to_global():
            for at, to in zip(("0.0.0.0", "::"), RIGHT):
                check_datagrams(left, right, at, count=COUNT, to=(to, 7000), wait=2)
                check_transfer(left, right, at, size=SIZE, to=(to, 7000))

        with steered():
            # Control: as long as it is not allowed, that is noticed.
            must_fail(to_global)
        right.sysctl("net.ipv4.tcp_l3mdev_accept", 1)
        right.sysctl("net.ipv4.udp_l3mdev_accept", 1)
        with steered(2 * COUNT):
            to_global()


@test("a router forwards between two devices of a VRF")
def _():
    with line("left", "middle", "right") as (left, middle, right):
        middle.ip("link add red type vrf table 10\nlink set red up\nlink set vprev master red\nlink set vnext master red")
        middle.sysctl("net.ipv4.ip_forward", 1)
        middle.sysctl("net.ipv6.conf.all.forwarding", 1)
        addresses(left, "vnext", LEFT)
        addresses(middle, "vprev", ("10.3.0.254", "2001:db8:3::fe"))
        addresses(middle, "vnext", ("10.4.0.254", "2001:db8:4::fe"))
        addresses(right, "vprev", ("10.4.0.2", "2001:db8:4::2"))
        left.ip("route add default via 10.3.0.254\nroute add default via 2001:db8:3::fe")
        right.ip("route add default via 10.4.0.254\nroute add default via 2001:db8:4::fe")
        # On the second device they arrive where they belong already.
        with steered(2 * COUNT):
            check_both(left, right, "10.4.0.2", "2001:db8:4::2", count=COUNT, size=SIZE)


def tunnelled(kind, inner):
    """Traffic through a tunnel between the ends, to the inner addresses."""
    with line("left", "right") as (left, right):
        ends = ((left, "vnext", "192.0.2.1", "192.0.2.2", LEFT), (right, "vprev", "192.0.2.2", "192.0.2.1", RIGHT))
        for ns, device, local, remote, pair in ends:
            address(ns, device, f"{local}/24")
            ns.ip(f"link add tun type {kind} local {local} remote {remote}\nlink set tun up")
            address(ns, "tun", *(f"{each}/{64 if ':' in each else 24}" for each in pair[:inner]))
        right.nft("""table inet watch {
            counter inside { }
            chain a { type filter hook prerouting priority 0; iifname "tun" udp dport 7000 counter name inside; }
        }""")
        with steered(COUNT):
            check_both(left, right, *RIGHT[:inner], count=COUNT, size=SIZE)
        expect_equal(right.nft_counter("inside"), inner * COUNT, f"packets out of the {kind} tunnel")


@test("an IPIP tunnel works")
def _():
    tunnelled("ipip", 1)


@test("a GRE tunnel works, with both versions inside")
def _():
    tunnelled("gre ttl 64", 2)


@test("a VXLAN tunnel works, with both versions inside")
def _():
    tunnelled("vxlan id 42 dstport 4789", 2)


if __name__ == "__main__":
    main()
