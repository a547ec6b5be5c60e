# SPDX-License-Identifier: GPL-2.0
"""A client and a server with a router between them."""

from net import Netns, address, veth

CLIENT = ("10.1.0.2", "2001:db8:1::2")
NEAR = ("10.1.0.1", "2001:db8:1::1")
FAR = ("10.2.0.1", "2001:db8:2::1")
SERVER = ("10.2.0.2", "2001:db8:2::2")


def routed():
    """Client (device c0), router (rc and rs) and server (s0)."""
    client, router, server = Netns("fbclient"), Netns("fbrouter"), Netns("fbserver")
    veth(client, "c0", router, "rc")
    veth(router, "rs", server, "s0")
    for ns, device, pair in ((client, "c0", CLIENT), (router, "rc", NEAR), (router, "rs", FAR), (server, "s0", SERVER)):
        address(ns, device, f"{pair[0]}/24", f"{pair[1]}/64")
    client.ip(f"route add default via {NEAR[0]}\nroute add default via {NEAR[1]}")
    server.ip(f"route add default via {FAR[0]}\nroute add default via {FAR[1]}")
    router.sysctl("net.ipv4.ip_forward", 1)
    router.sysctl("net.ipv6.conf.all.forwarding", 1)
    # A burst that waits for the first look-up of a neighbour can be too long.
    for ns, device, peer, peer_device, peers in ((client, "c0", router, "rc", NEAR), (router, "rc", client, "c0", CLIENT),
                                                 (router, "rs", server, "s0", SERVER), (server, "s0", router, "rs", FAR)):
        mac = peer.mac(peer_device).hex(":")
        ns.ip("\n".join(f"neigh replace {to} lladdr {mac} dev {device} nud permanent" for to in peers))
    # As many ICMP errors as packets ask for.
    for ns in (router, server):
        ns.sysctl("net.ipv4.icmp_ratelimit", 0)
        ns.sysctl("net.ipv6.icmp.ratelimit", 0)
        ns.sysctl("net.ipv4.icmp_msgs_per_sec", 100000)
    return client, router, server
