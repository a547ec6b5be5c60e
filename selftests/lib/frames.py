# SPDX-License-Identifier: GPL-2.0
"""Frames made by hand, good and bad."""

import random
import socket
import struct
from collections import namedtuple

IPV4, IPV6 = 0x0800, 0x86DD
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58

Flow = namedtuple("Flow", "src dst sport dport")


def checksum(data):
    """The Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(text):
    """An address of either version as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ether(dst, src, kind, payload):
    """An Ethernet frame."""
    return dst + src + struct.pack("!H", kind) + payload


def ipv4(src, dst, proto, payload, *, ihl=None, length=None, ident=0, frag=0, ttl=64, options=b"", version=4):
    """An IPv4 packet; the keywords make it wrong, the checksum is right all the same."""
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, length & 0xFFFF, ident, frag, ttl, proto, 0,
                       src, dst) + options
    # A receiver sums up as many words as the header claims to have.
    total = checksum((head + payload)[:4 * ihl] if ihl >= 5 else head)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def ipv6(src, dst, proto, payload, *, length=None, hops=64, version=6):
    """An IPv6 packet."""
    length = len(payload) if length is None else length
    return struct.pack("!IHBB16s16s", version << 28, length & 0xFFFF, proto, hops, src, dst) + payload


def udp(sport, dport, payload=b"", *, length=None, pseudo=None):
    """A UDP datagram; without `pseudo` (source + destination address) it has no checksum."""
    length = 8 + len(payload) if length is None else length
    data = struct.pack("!HHHH", sport, dport, length & 0xFFFF, 0) + payload
    if pseudo is None:
        return data
    total = checksum(pseudo + struct.pack("!HH", UDP, len(data)) + data) or 0xFFFF
    return data[:6] + struct.pack("!H", total) + data[8:]


def tcp(sport, dport, payload=b"", *, seq=0, ack=0, flags=2, offset=5):
    """A TCP segment without a valid checksum; a SYN unless told otherwise."""
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags, 1000, 0, 0) + payload


def icmp(kind, code, rest, payload=b""):
    """An ICMP message; `rest` is the second word of its header."""
    data = struct.pack("!BBHI", kind, code, 0, rest) + payload
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def icmp6(src, dst, kind, code, rest, payload=b""):
    """An ICMPv6 message, whose checksum covers the addresses."""
    data = struct.pack("!BBHI", kind, code, 0, rest) + payload
    pseudo = src + dst + struct.pack("!II", len(data), ICMP6)
    return data[:2] + struct.pack("!H", checksum(pseudo + data)) + data[4:]


def random_flows(version, count, seed):
    """Different flows with random addresses and ports; the same for the same seed."""
    rng = random.Random(f"{version} {seed}")
    flows = {}
    while len(flows) < count:
        if version == 4:
            # 10/8 to 11/8: ordinary addresses, so that nothing treats them specially.
            src, dst = (struct.pack("!I", 0x0A000000 | rng.getrandbits(25) | 1) for _ in range(2))
        else:
            src, dst = (b"\x20\x01\x0d\xb8" + rng.randbytes(12) for _ in range(2))
        flow = Flow(src, dst, rng.randrange(1024, 65536), rng.randrange(1024, 65536))
        flows[flow.src, flow.sport] = flow
    return list(flows.values())


def datagram(flow, payload=b""):
    """An IP packet with a UDP datagram of a flow; its version is that of the addresses."""
    data = udp(flow.sport, flow.dport, payload)
    make = ipv4 if len(flow.src) == 4 else ipv6
    return make(flow.src, flow.dst, UDP, data)


def kind_of(packet):
    """The EtherType for an IP packet."""
    return IPV4 if packet[0] >> 4 == 4 else IPV6
