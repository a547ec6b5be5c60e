# SPDX-License-Identifier: GPL-2.0
"""More crafted bad packets: what is wrong is in or behind the transport header."""

import struct

from badframes import DEST, FRAGMENT, HOP, LONGEST, extensions, fragment_header, fragments, headers, truncated
from frames import ICMP, ICMP6, IPV4, IPV6, TCP, UDP, icmp, icmp6, ipv4, ipv6, tcp, udp

UDP_LITE = 136


def transport(make):
    """Wrong lengths and offsets in TCP and UDP, port 0, all protocols without content."""
    for length in (0, 1, 7, 8, 9, 12, 13, 100, 65535):
        for proto in (UDP, UDP_LITE):
            yield make.v4(proto, udp(*make.ports(), b"data", length=length))
            yield make.v6(proto, udp(*make.ports(), b"data", length=length))
    for data in (b"", b"x", bytes(7), udp(0, 0), udp(0, 7000), udp(7000, 0)):
        yield make.v4(UDP, data)
        yield make.v6(UDP, data)
    for offset in range(16):
        for flags in (0, 2, 4, 0x12, 0x29, 0x3F, 0xFF):
            yield make.v4(TCP, tcp(*make.ports(), b"data", offset=offset, flags=flags))
            yield make.v6(TCP, tcp(*make.ports(), b"data", offset=offset, flags=flags))
    for proto in range(256):
        yield make.v4(proto, b"")
        yield make.v6(proto, b"")
        yield make.v4(proto, make.rng.randbytes(40))


def error4(make, payload, kind=3, code=3, rest=0):
    """An ICMP message."""
    return make.v4(ICMP, icmp(kind, code, rest, payload))


def error6(make, payload, kind=1, code=4, rest=0):
    """An ICMPv6 message with a good checksum."""
    source = make.from6()
    return IPV6, ipv6(source, make.to6, ICMP6, icmp6(source, make.to6, kind, code, rest, payload))


def quotes(make):
    """ICMP errors that quote garbage, fragments, ICMP, themselves, and too little."""
    for version, error, quote in ((4, error4, lambda *a, **k: ipv4(make.to4, make.from4(), *a, **k)),
                                  (6, error6, lambda *a, **k: ipv6(make.to6, make.from6(), *a, **k))):
        datagram = quote(UDP, udp(*make.ports(), bytes(32)))
        for cut in range(len(datagram)):
            yield error(make, datagram[:cut])
        for kind in range(256):
            yield error(make, datagram, kind=kind, code=kind % 17, rest=make.rng.getrandbits(32))
            yield error(make, make.rng.randbytes(make.rng.randrange(100)), kind=kind % 8)
        for proto in (0, 1, 6, 17, 43, 44, 50, 51, 58, 59, 60, 132, 136, 255):
            for size in (0, 4, 7, 8, 20):
                yield error(make, quote(proto, make.rng.randbytes(size)))
        for value in range(16):
            yield error(make, quote(UDP, udp(*make.ports()), version=value))
            if version == 4:
                yield error(make, quote(UDP, udp(*make.ports()), ihl=value))
                yield error(make, quote(UDP, udp(*make.ports()), frag=value << 12 | 5))
            else:
                yield error(make, quote(FRAGMENT, fragment_header(UDP, 8 * value, value & 1, 3) + bytes(16)))
                yield error(make, quote(DEST, b"".join(bytes([DEST, 0]) + bytes(6) for _ in range(value)) + bytes(16)))
        inner = datagram
        for _ in range(20):
            # Each level quotes the one before.
            kind, packet = error(make, inner)
            inner = packet[:LONGEST - 48]
            yield kind, packet
    # Path MTUs that nobody has.
    for mtu in (0, 1, 67, 68, 575, 1279, 1280, 1500, 65535):
        yield error4(make, ipv4(make.to4, make.from4(), UDP, udp(*make.ports())), code=4, rest=mtu)
        yield error6(make, ipv6(make.to6, make.from6(), UDP, udp(*make.ports())), kind=2, code=0, rest=mtu)


def fuzz(make):
    """Random bytes behind valid headers, and good packets with some bytes changed."""
    for _ in range(150):
        for kind, packet in make.good():
            data = bytearray(packet)
            for _ in range(make.rng.randrange(1, 5)):
                data[make.rng.randrange(len(data))] = make.rng.getrandbits(8)
            if kind == IPV4:
                # With a proper checksum it gets further.
                data = ipv4(data[12:16], make.to4, data[9], bytes(data[20:]), ihl=data[0] & 15 if data[0] & 15 > 4 else 5,
                            frag=struct.unpack_from("!H", data, 6)[0])
            yield kind, bytes(data)
        proto = make.rng.choice((HOP, ICMP, TCP, UDP, 43, FRAGMENT, 47, 50, 51, ICMP6, DEST, 132, UDP_LITE))
        yield make.v4(proto, make.rng.randbytes(make.rng.randrange(200)))
        yield make.v6(proto, make.rng.randbytes(make.rng.randrange(200)))


GROUPS = (truncated, headers, fragments, extensions, transport, quotes, fuzz)
