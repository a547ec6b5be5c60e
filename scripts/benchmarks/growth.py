# SPDX-License-Identifier: GPL-2.0
"""What more buckets and more connections cost: all packets to the other CPU, beside RPS."""

import machine
import steer

BUCKETS = (64, 256, 1024, 4096, 16384, 65536)
# Source ports and addresses: each packet is of the next connection.
CONNECTIONS = {1: (1, 1), 100: (10, 10), 10_000: (100, 100), 100_000: (1000, 100), 1_000_000: (1000, 1000)}


def flows(ports, addresses):
    """What pktgen sends."""
    return ("pkt_size 60", "src_min 10.0.0.1", f"src_max 10.0.{addresses >> 8}.{addresses & 255}",
            "udp_src_min 1024", f"udp_src_max {1024 + ports}", "flag !SHARED")


def measured(setup, kind):
    """Packets per second that reach the socket under `setup`, when all connections are known."""
    def side():
        setup()
        with steer.Load(kinds=(kind,)):
            return machine.rate(machine.udp_received, settle=3)
    return side


def growth(compare, rounds):
    """By the number of buckets, and by that of connections, which are tracked."""
    steer.device()
    machine.load()
    for count in BUCKETS:
        sides = (measured(steer.with_rps("2"), steer.SMALL),
                 measured(steer.with_flowbucket("1", buckets=count), steer.SMALL))
        yield compare(f"growth, {count} buckets", "packets/s", sides, rounds)
    machine.knob("buckets", 4096)
    for count, (ports, addresses) in CONNECTIONS.items():
        kind = flows(ports, addresses)
        sides = (measured(steer.with_rps("2"), kind), measured(steer.with_flowbucket("1", track=1), kind))
        yield compare(f"growth, {count} connections", "packets/s", sides, rounds)
    machine.flowbucket_off()
