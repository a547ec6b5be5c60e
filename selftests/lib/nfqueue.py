# SPDX-License-Identifier: GPL-2.0
"""A reader of an nfqueue that lets every packet go on, over bare netlink."""

import socket
import struct
import threading

from net import SO_RCVBUFFORCE

NETLINK_NETFILTER, NFNL_SUBSYS_QUEUE = 12, 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
NFQA_PACKET_HDR, NFQA_VERDICT_HDR, NFQA_CFG_CMD, NFQA_CFG_PARAMS, NFQA_CFG_QUEUE_MAXLEN = 1, 2, 1, 2, 3
CMD_BIND, COPY_META, NF_ACCEPT = 1, 1, 1
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2


def attribute(kind, data):
    """A netlink attribute."""
    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


class AcceptAll:
    """Accepts what comes into a queue of a namespace while the block runs."""

    def __init__(self, ns, number):
        self.number, self.packets = number, 0
        self.sock = ns.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self.sock.bind((0, 0))

    def request(self, kind, attributes, flags=0):
        """Sends one message."""
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, self.number) + attributes
        self.sock.send(struct.pack("IHHII", 16 + len(body), NFNL_SUBSYS_QUEUE << 8 | kind, NLM_F_REQUEST | flags,
                                   0, 0) + body)

    def configure(self, attributes):
        """Sends a configuration message and waits for its success."""
        self.request(MSG_CONFIG, attributes, NLM_F_ACK)
        error = struct.unpack_from("i", self.sock.recv(4096), 16)[0]
        if error:
            raise OSError(-error, "nfqueue")

    def __enter__(self):
        self.configure(attribute(NFQA_CFG_CMD, struct.pack("!BBH", CMD_BIND, 0, 0)))
        self.configure(attribute(NFQA_CFG_PARAMS, struct.pack("!IB", 0, COPY_META)))
        self.configure(attribute(NFQA_CFG_QUEUE_MAXLEN, struct.pack("!I", 4096)))
        self.sock.settimeout(0.2)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def serve(self):
        """The reader's loop."""
        while not self.stop.is_set():
            try:
                data = self.sock.recv(1 << 16)
            except TimeoutError:
                continue
            while len(data) >= 16:
                length, kind = struct.unpack_from("IH", data)
                if kind == NFNL_SUBSYS_QUEUE << 8 | MSG_PACKET:
                    self.accept(data[20:length])
                data = data[length + 3 & ~3:]

    def accept(self, attributes):
        """Answers one packet."""
        while attributes:
            length, kind = struct.unpack_from("HH", attributes)
            if kind & 0x3FFF == NFQA_PACKET_HDR:
                number = struct.unpack_from("!I", attributes, 4)[0]
                self.packets += 1
                self.request(MSG_VERDICT, attribute(NFQA_VERDICT_HDR, struct.pack("!II", NF_ACCEPT, number)))
            attributes = attributes[length + 3 & ~3:]

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.sock.close()
