# SPDX-License-Identifier: GPL-2.0
"""The module's hashes with a known key, computed in another way: bit by bit."""

# The key of Microsoft's published test vectors for receive-side scaling.
MICROSOFT_KEY = bytes.fromhex(
    "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


def crc32c(data):
    """CRC-32C (Castagnoli), reflected, as in RFC 3720."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def toeplitz(key, data):
    """The Toeplitz hash: the key's window at each set bit of the data, summed by XOR."""
    key_bits = int.from_bytes(key, "big")
    width = 8 * len(key)
    result = 0
    for at in range(8 * len(data)):
        if data[at // 8] & 0x80 >> at % 8:
            result ^= key_bits >> width - 32 - at & 0xFFFFFFFF
    return result


def ports(flow):
    """Both ports as on the wire."""
    return flow.sport.to_bytes(2, "big") + flow.dport.to_bytes(2, "big")


def flow_crc32c(flow):
    """Over source address, source port, destination address, destination port."""
    source, destination = ports(flow)[:2], ports(flow)[2:]
    return crc32c(flow.src + source + flow.dst + destination)


def flow_toeplitz(flow, key=MICROSOFT_KEY):
    """Over source address, destination address, source port, destination port."""
    return toeplitz(key, flow.src + flow.dst + ports(flow))


def self_check():
    """Published values: RFC 3720 B.4 and Microsoft's "Verifying the RSS hash calculation"."""
    flow = (bytes([66, 9, 149, 187]), bytes([161, 142, 100, 80]), 2794, 1766)
    data = flow[0] + flow[1] + flow[2].to_bytes(2, "big") + flow[3].to_bytes(2, "big")
    return crc32c(bytes(32)) == 0x8A9136AA and toeplitz(MICROSOFT_KEY, data) == 0x51CCC178
