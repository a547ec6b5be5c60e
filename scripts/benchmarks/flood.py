# SPDX-License-Identifier: GPL-2.0
"""Connections during a flood: what they still carry.

8 TCP connections that offer 20 Mbit/s each, over veth, in segments of 1,448 bytes; and
datagrams from a million spoofed addresses, by pktgen. All are received on CPU 0 and
processed on CPU 1, with a long way to the socket for the flood, of which comes twice as
much as CPU 1 can take. Both ends of the connections run on CPU 0 in real time, so that
neither waits for pktgen. (iperf3 cannot: it never sleeps.)
"""

import select
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import fair
import machine
import steer
import tcp

CONNECTIONS = 8
# Bits per second, of each connection.
OFFERED = 20_000_000
TICK = 0.005
PORT = 5301
FLOWS = 1_000_000


def spoofed(delay):
    """A datagram every `delay` ns, each from the next address, from 10.0.0.1 on."""
    last = (10 << 24) + FLOWS
    text = ".".join(str(last >> shift & 255) for shift in (24, 16, 8, 0))
    return ("pkt_size 60", f"delay {delay}", "src_min 10.0.0.1", f"src_max {text}", "udp_src_min 1024",
            "udp_src_max 1024", "flag !SHARED")


def serve():
    """In the server's process: says how many bytes have come whenever it gets a line."""
    with socket.create_server((tcp.ADDRESS, PORT)) as listener:
        print("ready", flush=True)
        ends = [listener.accept()[0] for _ in range(CONNECTIONS)]
    poll, total, data = select.poll(), 0, bytearray(1 << 16)
    ends = {end.fileno(): end for end in ends}
    for name in (sys.stdin.fileno(), *ends):
        poll.register(name, select.POLLIN)
    while True:
        for name, _ in poll.poll():
            if name in ends:
                got = ends[name].recv_into(data)
                total += got
                if not got:
                    return
            elif sys.stdin.readline():
                print(total, flush=True)


def send():
    """In the client's process: each connection offers its part every tick, and what has
    no room is not offered again."""
    ends = [socket.create_connection((tcp.ADDRESS, PORT)) for _ in range(CONNECTIONS)]
    for end in ends:
        end.setblocking(False)
    part, due = bytes(round(OFFERED / 8 * TICK)), time.monotonic()
    while True:
        for end in ends:
            try:
                end.send(part)
            except BlockingIOError:
                pass
        due += TICK
        time.sleep(max(0, due - time.monotonic()))


def _start(netns, role):
    return subprocess.Popen(["ip", "netns", "exec", netns, sys.executable, "-B", __file__, role],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def connections():
    """The connections, while the block runs; yields what says how many bytes have come."""
    with _start(tcp.SERVER, "serve") as server:
        server.stdout.readline()
        with _start(tcp.CLIENT, "send") as client:
            def received():
                print(file=server.stdin, flush=True)
                return int(server.stdout.readline())
            try:
                yield received
            finally:
                client.kill()
                server.kill()


class Side:
    """Measures the connections under `setup`."""

    def __init__(self, setup, delay):
        self.setup, self.delay = setup, delay
        self.flooded, self.overload = [], []

    def __call__(self):
        """Bits per second that arrived."""
        self.setup()
        # Until every address has sent.
        seconds = max(machine.SECONDS, FLOWS * self.delay / 1e9 + 1)
        with connections() as received:
            time.sleep(0.5)
            with steer.Load([spoofed(self.delay)]) as load:
                offered, rate, carried = machine.rates([load.sent, machine.udp_received, received], seconds)
                self.flooded.append(load.sent())
        self.overload.append(round(offered / rate, 2))
        return carried * 8


def flood(compare, rounds):
    """What 8 connections carry during a flood, against RPS."""
    steer.device()
    tcp.network()
    machine.sh(f"ip netns exec {tcp.CLIENT} ethtool -K c0 tso off gso off")
    machine.load()
    machine.knob("interfaces", f"{steer.DEVICE} s0")
    with ExitStack() as stack:
        stack.enter_context(fair.real_time())
        stack.enter_context(fair.dear_processing())
        delay = fair.twice_too_much(spoofed(0))
        sides = Side(fair.with_rps, delay), Side(fair.with_flowbucket, delay)
        row = compare("flood", "bit/s", sides, rounds)
        fair.rps("0")
    row["offered"] = CONNECTIONS * OFFERED
    for what in ("flooded", "overload"):
        row[what] = {"peer": getattr(sides[0], what), "ours": getattr(sides[1], what)}
    yield row
    machine.flowbucket_off()
    machine.knob("interfaces", "")
    machine.sh(f"ip netns exec {tcp.CLIENT} ethtool -K c0 tso on gso on")


if __name__ == "__main__":
    {"serve": serve, "send": send}[sys.argv[1]]()
