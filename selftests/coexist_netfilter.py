#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Connection tracking, NAT, nftables and nfqueue see each packet exactly once."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
from harness import expect, expect_equal, main, must_fail, test
from nfqueue import AcceptAll
from routed import FAR, NEAR, SERVER, routed
from traffic import check_datagrams, check_transfer, steered

(SERVER4, SERVER6), (ROUTER4, ROUTER6) = SERVER, NEAR
COUNT, CONNECTIONS = 200, 8

client, router, server = routed()

COUNT_ALL = """
table inet watch {
	counter prerouting { }
	counter forward { }
	counter input { }
	chain a { type filter hook prerouting priority 0; udp dport 7000 counter name prerouting; }
	chain b { type filter hook forward priority 0; udp dport 7000 counter name forward; }
	chain c { type filter hook input priority 0; udp dport 7000 counter name input; }
}
"""

TRACK = """
table inet watch {
	counter datagrams { }
	counter segments { }
	counter others { }
	chain a {
		type filter hook prerouting priority 0;
		meta l4proto != { tcp, udp } accept
		ct state new udp dport 7000 counter name datagrams accept
		ct state established tcp dport 7000 counter name segments accept
		ct state != new counter name others
	}
}
"""

UNTRACK = "table inet untrack { chain a { type filter hook prerouting priority raw; udp dport 7000 notrack; }; }"

NAT = """
table inet watch {
	chain inwards {
		type nat hook prerouting priority dstnat;
		ip daddr %s meta l4proto { tcp, udp } th dport 8000 dnat ip to %s:7000
		ip6 daddr %s meta l4proto { tcp, udp } th dport 8000 dnat ip6 to [%s]:7000
	}
	chain outwards { type nat hook postrouting priority srcnat; oifname "rs" masquerade; }
}
""" % (ROUTER4, SERVER4, ROUTER6, SERVER6)


class Rules:
    """The table `watch` in some namespaces, for the time of a block."""

    def __init__(self, rules, *where):
        self.rules, self.where = rules, where

    def __enter__(self):
        for each in self.where:
            each.nft(self.rules)

    def __exit__(self, *_):
        for each in self.where:
            each.nft("delete table inet watch")


def check_counts(count):
    """Each datagram passed each chain once."""
    for where, chains in ((router, {"prerouting": count, "forward": count, "input": 0}),
                          (server, {"prerouting": count, "forward": 0, "input": count})):
        expect_equal({name: where.nft_counter(name) for name in chains}, chains, f"packets in {where.name}")


@test("nftables counts forwarded and delivered packets once in each chain")
def _():
    with steered(2 * COUNT), Rules(COUNT_ALL, router, server):
        check_datagrams(client, server, SERVER4, count=COUNT)
        check_counts(COUNT)
        check_datagrams(client, server, SERVER6, count=COUNT)
        check_counts(2 * COUNT)


@test("control: duplicated packets make both the counter and the datagram check complain")
def _():
    with steered(), Rules(COUNT_ALL, router, server):
        client.run("tc qdisc add dev c0 root netem duplicate 100%")
        try:
            must_fail(check_datagrams, client, server, SERVER4, count=COUNT)
            must_fail(check_counts, COUNT)
        finally:
            client.run("tc qdisc del dev c0 root")


def check_tracked(datagrams, flows):
    """Each datagram (there are no answers) is new, each connection is in the table once,
    and nothing is invalid or untracked."""
    found = [line.split()[0] for version in ("ipv4", "ipv6")
             for line in server.run(f"conntrack -L -f {version}").splitlines() if "dport=7000" in line]
    expect_equal((found.count("udp"), found.count("tcp")), (flows, CONNECTIONS), "UDP and TCP entries")
    expect_equal(server.nft_counter("datagrams"), datagrams, "datagrams that are new")
    expect_equal(server.nft_counter("others"), 0, "invalid or untracked packets")
    expect(server.nft_counter("segments") > CONNECTIONS, "no packets of established connections")


@test("connection tracking sees each connection once, and nothing invalid")
def _():
    for to in (SERVER4, SERVER6):
        with steered(COUNT), Rules(TRACK, server):
            server.run("conntrack -F")
            check_datagrams(client, server, to, count=COUNT, flows=8)
            check_transfer(client, server, to, connections=CONNECTIONS)
            check_tracked(COUNT, 8)
            must_fail(check_tracked, COUNT, 9)


@test("control: with tracking off for datagrams the tracking check complains")
def _():
    with steered(COUNT), Rules(TRACK, server):
        server.nft(UNTRACK)
        try:
            server.run("conntrack -F")
            check_datagrams(client, server, SERVER4, count=COUNT, flows=8)
            check_transfer(client, server, SERVER4, connections=CONNECTIONS)
            must_fail(check_tracked, COUNT, 8)
        finally:
            server.nft("delete table inet untrack")


@test("NAT: a router rewrites destination and source in both directions")
def _():
    for to, through, source in zip(SERVER, NEAR, FAR):
        with steered(COUNT), Rules(NAT, router):
            peers = check_datagrams(client, server, to, count=COUNT, to=(through, 8000))
            expect_equal({peer[0] for peer in peers}, {source}, "source addresses that the server sees")
            check_transfer(client, server, to, to=(through, 8000))


@test("control: without the NAT rules nothing arrives")
def _():
    with steered():
        must_fail(check_datagrams, client, server, SERVER4, to=(ROUTER4, 8000), wait=1)
        must_fail(check_transfer, client, server, SERVER4, to=(ROUTER4, 8000))


@test("control: data spoilt on the way makes the transfer check complain")
def _():
    with steered():
        must_fail(check_transfer, client, server, SERVER4, spoil=True)


QUEUE = """
table inet watch {
	chain a { type filter hook prerouting priority 0; udp dport 7000 queue num 5; }
}
"""


@test("packets that go through nfqueue to user space and back arrive once")
def _():
    with steered(COUNT), Rules(QUEUE, server), AcceptAll(server, 5) as queue:
        check_datagrams(client, server, SERVER4, count=COUNT)
        check_datagrams(client, server, SERVER6, count=COUNT)
        expect_equal(queue.packets, 2 * COUNT, "packets in user space")
    with steered(), Rules(QUEUE, server):
        # Control: nobody listens on the queue.
        must_fail(check_datagrams, client, server, SERVER4, wait=1)


if __name__ == "__main__":
    main()
