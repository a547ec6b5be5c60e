# SPDX-License-Identifier: GPL-2.0
"""The TCP sockets of a namespace, asked for by netlink.

ss tells the same, but takes seconds to start when an emulated guest is busy.
C headers: include/uapi/linux/sock_diag.h, inet_diag.h, tcp.h.
"""

import socket
import struct

from harness import expect

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
INET_DIAG_INFO = 2
ESTABLISHED, LISTEN = 1, 10
# Sizes and places in struct nlmsghdr, inet_diag_msg and tcp_info.
HEADER, MESSAGE, BYTES_RECEIVED = 16, 72, 128


def _request(family, state):
    """struct nlmsghdr and inet_diag_req_v2; the socket id of zeros means all."""
    body = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP, 1 << INET_DIAG_INFO - 1, 0, 1 << state)
    return struct.pack("=IHHII", HEADER + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0) + body


def _received(attributes):
    """The bytes that came in on a socket."""
    while len(attributes) >= 4:
        length, kind = struct.unpack_from("=HH", attributes)
        if kind == INET_DIAG_INFO:
            return struct.unpack_from("=Q", attributes, 4 + BYTES_RECEIVED)[0]
        attributes = attributes[max(length + 3 & ~3, 4):]
    return 0


def _messages(sock):
    """The answers to one request."""
    while True:
        data = sock.recv(1 << 17)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            expect(kind != NLMSG_ERROR, f"sock_diag: {data[:64].hex()}")
            if kind == NLMSG_DONE:
                return
            yield data[HEADER:length]
            data = data[length + 3 & ~3:]


def sockets(ns, ports, state=ESTABLISHED):
    """{(address and ports as bytes): bytes received} of the sockets with these local ports."""
    found = {}
    with ns.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as sock:
        for family in (socket.AF_INET, socket.AF_INET6):
            sock.send(_request(family, state))
            for message in _messages(sock):
                # struct inet_diag_sockid: both ports, 16 bytes for each address.
                identity = message[4:40]
                if struct.unpack_from("!H", identity)[0] in ports:
                    found[identity] = _received(message[MESSAGE:])
    return found
