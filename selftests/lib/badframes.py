# SPDX-License-Identifier: GPL-2.0
"""Crafted bad packets, in groups: each yields (EtherType, IP packet), or PAUSE. Seeded,
so that every run has the same ones."""

import random
import struct

import frames
from frames import ICMP, ICMP6, IPV4, IPV6, TCP, UDP, icmp, icmp6, ipv4, ipv6, tcp, udp

HOP, ROUTING, FRAGMENT, ESP, AUTH, NONE, DEST, MOBILITY, HIP, SHIM = 0, 43, 44, 50, 51, 59, 60, 135, 139, 140
EXTENSIONS = (HOP, ROUTING, FRAGMENT, ESP, AUTH, NONE, DEST, MOBILITY, HIP, SHIM, 255)
LONGEST = 1500
# Instead of a packet: what came before is to be through first. Between buckets there is no order.
PAUSE = None


class Maker:
    """Packets for one receiver, from sources that vary."""

    def __init__(self, to4, to6, seed):
        self.to4, self.to6 = to4, to6
        self.rng = random.Random(seed)
        self.ident = 0

    def from4(self):
        """Some source address."""
        return b"\xc6\x12" + self.rng.randbytes(1) + bytes([self.rng.randrange(1, 255)])

    def from6(self):
        """Some source address."""
        return b"\x20\x01\x0d\xb8\x00\x99" + self.rng.randbytes(9) + b"\x01"

    def v4(self, proto, payload, **wrong):
        """An IPv4 packet."""
        return IPV4, ipv4(self.from4(), self.to4, proto, payload, **wrong)

    def v6(self, proto, payload, **wrong):
        """An IPv6 packet."""
        return IPV6, ipv6(self.from6(), self.to6, proto, payload, **wrong)

    def ports(self):
        """Two ports."""
        return self.rng.randrange(1, 65536), self.rng.choice((7, 80, 7000, 33434))

    def good(self):
        """Proper packets of several kinds, to be spoilt."""
        quoted4 = ipv4(self.to4, self.from4(), UDP, udp(*self.ports(), b"quoted"))
        quoted6 = ipv6(self.to6, self.from6(), UDP, udp(*self.ports(), b"quoted"))
        source = self.from6()
        yield self.v4(UDP, udp(*self.ports(), b"hello"))
        yield self.v4(TCP, tcp(*self.ports(), b"hello"))
        yield self.v4(ICMP, icmp(3, 3, 0, quoted4))
        yield self.v4(UDP, udp(*self.ports(), b"hello"), options=b"\x07\x0b\x04" + bytes(8) + b"\0")
        yield self.v6(UDP, udp(*self.ports(), b"hello"))
        yield self.v6(TCP, tcp(*self.ports(), b"hello"))
        yield IPV6, ipv6(source, self.to6, ICMP6, icmp6(source, self.to6, 1, 4, 0, quoted6))
        yield self.v6(DEST, bytes([UDP, 0, 1, 4, 0, 0, 0, 0]) + udp(*self.ports(), b"hello"))


def truncated(make):
    """Cut at every length, with the length field as it was and adjusted."""
    for kind, packet in make.good():
        for cut in range(len(packet)):
            yield kind, packet[:cut]
            if kind == IPV4 and cut >= 20:
                yield kind, ipv4(packet[12:16], packet[16:20], packet[9], packet[20:cut])
            elif kind == IPV6 and cut >= 40:
                yield kind, ipv6(packet[8:24], packet[24:40], packet[6], packet[40:cut])


def headers(make):
    """Wrong versions, header lengths, total lengths, checksums and options."""
    for value in range(16):
        for proto, data in ((UDP, udp(*make.ports(), bytes(60))), (TCP, tcp(*make.ports(), bytes(60)))):
            yield make.v4(proto, data, ihl=value)
            yield make.v4(proto, data, version=value)
            yield make.v6(proto, data, version=value)
            yield IPV6, make.v4(proto, data)[1]
            yield IPV4, make.v6(proto, data)[1]
    for value in (0, 1, 19, 20, 21, 23, 24, 27, 28, 29, 87, 89, 1500, 65535):
        yield make.v4(UDP, udp(*make.ports(), bytes(60)), length=value)
        yield make.v6(UDP, udp(*make.ports(), bytes(60)), length=value)
    for _ in range(100):
        options = make.rng.randbytes(4 * make.rng.randrange(1, 11))
        yield make.v4(UDP, udp(*make.ports(), b"options"), options=options)
        kind, packet = make.v4(UDP, udp(*make.ports(), b"checksum"))
        yield kind, packet[:10] + make.rng.randbytes(2) + packet[12:]
    for source in (bytes(4), b"\xff" * 4, b"\x7f\0\0\1", b"\xe0\0\0\1", make.to4):
        yield IPV4, ipv4(source, make.to4, UDP, udp(*make.ports(), b"source"))
    for source in (bytes(16), bytes(15) + b"\1", b"\xff\2" + bytes(13) + b"\1", make.to6):
        yield IPV6, ipv6(source, make.to6, UDP, udp(*make.ports(), b"source"))


def fragment_header(proto, offset, more, ident):
    """IPv6's, offset in bytes."""
    return struct.pack("!BBHI", proto, 0, offset & 0xFFF8 | more, ident)


def fragments(make):
    """Overlapping, tiny, empty, doubled and impossible ones, out of order or incomplete."""
    sets = [
        [(0, 64, 1), (32, 64, 0)], [(0, 64, 1), (0, 64, 1), (64, 32, 0)], [(64, 32, 0), (0, 128, 1)],
        [(0, 8, 1), (8, 64, 0)], [(0, 8, 1), (8, 8, 1), (4, 8, 1), (16, 8, 0)], [(0, 0, 1), (0, 64, 0)],
        [(0, 61, 1), (56, 64, 0)], [(65528, 64, 0)], [(65528, 7, 0), (0, 64, 1)], [(8, 64, 0)], [(0, 64, 1)],
        [(0, 64, 0), (32, 64, 0)], [(64, 64, 1), (128, 64, 0), (0, 64, 1)], [(0, 1400, 1), (1400, 1400, 0)],
        [(0, 64, 1), (64, 64, 0), (128, 64, 0)], [(0, 24, 1), (24, 0, 0)], [(65520, 1000, 1), (0, 8, 1)],
    ]
    for proto in (UDP, TCP, ICMP, ICMP6, 255):
        for pieces in sets + [make.rng.sample(pieces, len(pieces)) for pieces in sets]:
            make.ident += 1
            data = (udp(*make.ports(), bytes(1400)) if proto == UDP else tcp(*make.ports(), bytes(1400))) * 50
            source4, source6 = make.from4(), make.from6()
            for offset, length, more in pieces:
                # In IPv6 a whole packet with a fragment header, steered by its ports; connection
                # tracking takes it for a fragment of the others, though (RFC 6946 does not).
                atomic = offset == 0 and not more
                if atomic:
                    yield PAUSE
                part = data[offset:offset + length]
                yield IPV4, ipv4(source4, make.to4, proto, part, ident=make.ident, frag=more << 13 | offset // 8)
                head = fragment_header(proto, offset, more, make.ident)
                yield IPV6, ipv6(source6, make.to6, FRAGMENT, head + part)
                # Twice a fragment header, and one behind other headers.
                yield make.v6(FRAGMENT, fragment_header(FRAGMENT, 0, 0, 7) + head + part)
                yield make.v6(DEST, bytes([FRAGMENT, 0, 1, 4, 0, 0, 0, 0]) + head + part)
                if atomic:
                    yield PAUSE


def extension(kind, following, words, body=b""):
    """An extension header that claims to have `words` + 1 times 8 bytes."""
    if kind == FRAGMENT:
        return fragment_header(following, 0, 0, 1)
    content = body or b"\1" + bytes([max(0, 8 * words + 4) & 0xFF]) + bytes(8 * words + 4)
    return bytes([following, words]) + content


def chain(make, kinds, last=UDP, words=0):
    """A packet with these extension headers."""
    data = b""
    for at, kind in enumerate(kinds):
        data += extension(kind, kinds[at + 1] if at + 1 < len(kinds) else last, words)
    return make.v6(kinds[0] if kinds else last, (data + udp(*make.ports(), b"nested"))[:LONGEST - 40])


def extensions(make):
    """Nested IPv6 extension headers of all kinds, lengths past the end, jumbograms."""
    for kind in EXTENSIONS:
        for depth in range(1, 14):
            yield chain(make, [kind] * depth)
        yield chain(make, [kind], words=3)
        for claimed in (1, 2, 31, 255):
            yield make.v6(kind, bytes([UDP, claimed]) + bytes(6) + udp(*make.ports(), b"short"))
        for size in range(9):
            yield make.v6(kind, extension(kind, UDP, 0)[:size])
        yield make.v6(kind, bytes([kind, 0]) + bytes(6))
    for _ in range(150):
        kinds = [make.rng.choice(EXTENSIONS) for _ in range(make.rng.randrange(1, 20))]
        yield chain(make, kinds, last=make.rng.choice((UDP, TCP, ICMP6, NONE, HOP)), words=make.rng.choice((0, 0, 1)))
    for length in (0, 1, 64, 65535, 65536, 0xFFFFFFFF):
        jumbo = bytes([UDP, 0, 0xC2, 4]) + struct.pack("!I", length) + udp(*make.ports(), bytes(64))
        for claimed in (0, 8, len(jumbo), 65535):
            yield make.v6(HOP, jumbo, length=claimed)
    for kind in range(256):
        # Unknown options, whose first two bits say what a receiver is to do.
        yield make.v6(HOP if kind % 2 else DEST, bytes([UDP, 0, kind, 4, 0, 0, 0, 0]) + udp(*make.ports(), b"option"))
    for kind in (0, 1, 2, 3, 4, 5, 253):
        for left in (0, 1, 255):
            yield make.v6(ROUTING, bytes([UDP, 2, kind, left]) + bytes(4) + make.to6 + udp(*make.ports(), b"route"))
