# SPDX-License-Identifier: GPL-2.0
"""An elephant and mice on one CPU: what the mice notice of it.

The elephant is one flow of 1,400-byte UDP packets, received on CPU 0 by pktgen. The
mice are 100 kept-alive connections to nginx, each of which asks for a small page
every 100 ms, if the last was answered; received on CPU 0 by veth. Both are processed
on CPU 1, which is kept busy by a long chain of nftables rules that only the elephant
meets; twice as much of it is offered as CPU 1 can take. Mice and elephant share one
bucket: so the mice are helped by the queue of their bucket and by nothing else.

Why the comparison is fair. Peer and module get the same packets, have them cross from
the same CPU to the same CPU, and have default limits. CPU 1 does nothing else. Client
and nginx run on CPU 0, in real time, so that neither waits for pktgen. Answers are
steered by neither. What errs is in favour of the peer: a request that is not answered
in the end counts as if it had been then, a mouse that waits for a retransmission asks
less often, and no mouse shares the elephant's entry in the table of flow_limit.
"""

import gc
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import machine
import steer
import tcp

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "selftests" / "lib"))

# pylint: disable=wrong-import-position
from frames import Flow, packed
from hashes import flow_crc32c

BUCKETS = 64
SOURCE, CLIENT = "10.0.0.1", "10.8.0.2"
MICE = 100
PERIOD = 0.1
PAGE_END = b"flowbucket\n"
REQUEST = f"GET / HTTP/1.1\r\nHost: {tcp.ADDRESS}\r\n\r\n".encode()
RULES = 400
TABLE = "inet fbbench"


def bucket(source, port, destination, destination_port):
    """The bucket of a flow, by crc32c."""
    return flow_crc32c(Flow(packed(source), packed(destination), port, destination_port)) % BUCKETS


def elephant(delay, port=None):
    """One flow for pktgen, a packet every `delay` ns. Not shared: as from a driver,
    each packet is one of its own."""
    port = port or ELEPHANTS[0]
    return ("pkt_size 1414", f"delay {delay}", f"src_min {SOURCE}", f"src_max {SOURCE}",
            f"udp_src_min {port}", f"udp_src_max {port}", "flag !SHARED")


def herd(delay):
    """16 flows that send a packet every `delay` ns all together. They do not march in
    step, or a queue that drops what comes last would always drop the same."""
    count = len(ELEPHANTS)
    return [elephant(round(delay * count * (1 + at / 1000)), port) for at, port in enumerate(ELEPHANTS)]


BUCKET = bucket(SOURCE, 1024, steer.ADDRESS, steer.PORT)
ELEPHANTS = [port for port in range(1024, 9000) if bucket(SOURCE, port, steer.ADDRESS, steer.PORT) == BUCKET][:16]
MICE_PORTS = [port for port in range(10000, 30000) if bucket(CLIENT, port, tcp.ADDRESS, 80) == BUCKET][:MICE]


@contextmanager
def dear_processing(count=RULES):
    """A long way to the socket, for what pktgen sends. Counts packets per source port."""
    rules = "\n".join(f"udp dport {port} drop" for port in range(20000, 20000 + count))
    machine.sh(f"""nft -f - <<EOF
table {TABLE} {{
	set flows {{ typeof udp sport; size 1024; flags dynamic; counter; }}
	chain dear {{ type filter hook input priority 0; policy accept;
{rules}
udp dport {steer.PORT} update @flows {{ udp sport }}
	}}
}}
EOF""")
    try:
        yield
    finally:
        machine.sh(f"nft delete table {TABLE}")


def delivered():
    """Packets that reached the socket, by source port."""
    items = json.loads(machine.sh(f"nft -j list set {TABLE} flows"))["nftables"]
    elements = next(item["set"].get("elem", []) for item in items if "set" in item)
    return {element["elem"]["val"]: element["elem"]["counter"]["packets"] for element in elements}


@contextmanager
def one_bucket():
    """The module with the buckets that are computed here, for the devices that count."""
    machine.load()
    machine.knob("hash", "crc32c")
    machine.knob("buckets", BUCKETS)
    machine.knob("interfaces", f"{steer.DEVICE} s0")
    try:
        yield
    finally:
        machine.flowbucket_off()
        machine.knob("interfaces", "")
        machine.knob("buckets", 4096)
        machine.knob("hash", "siphash")


@contextmanager
def real_time():
    """This process and those it starts: on CPU 0, in turns of their own."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, before)


def rps(mask, flow_limit="0"):
    """RPS for elephant and mice; "0" is off."""
    machine.kernel_steering([(None, steer.DEVICE), (tcp.SERVER, "s0")], mask, flow_limit)


def with_rps():
    machine.flowbucket_off()
    rps("2")


def with_flow_limit():
    machine.flowbucket_off()
    rps("2", "3")


def with_flowbucket():
    rps("0")
    machine.flowbucket_on("1")


def twice_too_much(load):
    """The delay between two packets that offers twice what CPU 1 can take, in ns. `load` is
    as much as can be sent."""
    with_rps()
    with steer.Load([load]):
        # The best of some, in case something else had the machine.
        return round(1e9 / max(machine.rate(machine.udp_received, 0.3) for _ in range(5)) / 2)


class Mice:
    """The client's process, connected."""

    def __enter__(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", tcp.CLIENT, sys.executable, "-B", __file__, *map(str, MICE_PORTS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def begin(self, seconds):
        """Asks for so long."""
        print(seconds, file=self.process.stdin, flush=True)

    def latencies(self):
        """Of each request, in microseconds, when all is over."""
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def client(ports):
    """In the client's process: asks as the elephant's case says, whenever told to."""
    mice = {}
    epoll = select.epoll()
    for port in ports:
        mouse = socket.socket()
        mouse.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # No TIME_WAIT: the next process has the same ports.
        mouse.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        mouse.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mouse.bind((CLIENT, port))
        mouse.connect((tcp.ADDRESS, 80))
        epoll.register(mouse, select.EPOLLIN)
        mice[mouse.fileno()] = mouse
    gc.disable()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(ask(mice, epoll, float(line))), flush=True)


def ask(mice, epoll, seconds):
    """The latency of each request, in microseconds."""
    found, asked, text = [], {}, {}
    names = list(mice)
    step = round(PERIOD * 1e9 / len(names))
    now = due = time.monotonic_ns()
    turn, end = 0, now + round(seconds * 1e9)
    while now < end:
        while due <= now:
            name = names[turn % len(names)]
            if name not in asked:
                text[name], asked[name] = b"", time.monotonic_ns()
                mice[name].send(REQUEST)
            turn, due = turn + 1, due + step
        ready = epoll.poll(max(0, due - time.monotonic_ns()) / 1e9)
        now = time.monotonic_ns()
        for name, _ in ready:
            got = mice[name].recv(4096)
            if not got:
                sys.exit("bench: nginx hung up")
            text[name] += got
            if name in asked and text[name].endswith(PAGE_END):
                found.append(now - asked.pop(name))
    return [ns / 1e3 for ns in (*found, *(end - start for start in asked.values()))]


def retransmitted():
    """Segments of the mice that were sent again, and how many of them came twice."""
    ends = (tcp.SERVER, tcp.CLIENT)
    return (sum(machine.snmp("Tcp", netns)["RetransSegs"] for netns in ends),
            sum(machine.snmp("TcpExt", netns)["TCPDSACKRecv"] for netns in ends))


class Side:
    """Measures elephant and mice under `setup`."""

    def __init__(self, setup, delay):
        self.setup, self.delay = setup, delay
        self.requests = self.retransmitted = self.needlessly = 0
        self.overload = []

    def __call__(self):
        """The mice's 99th percentile and median in microseconds, the elephant's packets per
        second."""
        self.setup()
        before = retransmitted()
        with Mice() as mice:
            with steer.Load([elephant(self.delay)]) as load:
                time.sleep(0.5)
                mice.begin(machine.SECONDS)
                offered, rate = machine.rates([load.sent, machine.udp_received], settle=0)
                latencies = mice.latencies()
            # What was lost last is found lost after 200 ms.
            time.sleep(0.3)
            again, twice = (after - then for then, after in zip(before, retransmitted()))
            self.retransmitted += again
            self.needlessly += twice
        self.requests += len(latencies)
        self.overload.append(round(offered / rate, 2))
        return machine.rank(latencies, 0.99), machine.rank(latencies, 0.5), rate


def idle():
    """The mice's 99th percentile and median without the elephant, steered: what is not
    waiting for it."""
    with_flowbucket()
    with Mice() as mice:
        mice.begin(machine.SECONDS)
        latencies = mice.latencies()
    return [round(machine.rank(latencies, share)) for share in (0.99, 0.5)]


def check_bucket(delay):
    """All are in the bucket: when it alone has CPU 1, they are all processed there."""
    rps("0")
    machine.flowbucket_on("0")
    machine.knob("map", f"{BUCKET} 1")
    counts = [lambda cpu=cpu: int((machine.KNOBS / f"cpu{cpu}/packets").read_text()) for cpu in (0, 1)]
    before = [count() for count in counts]
    with Mice() as mice:
        mice.begin(0.3)
        mice.latencies()
        asked = counts[1]() - before[1]
        with steer.Load(herd(delay)):
            time.sleep(0.3)
    others, inside = (count() - start for count, start in zip(counts, before))
    # A few others are IPv6's own.
    if others > 20 or asked < MICE or inside < 1000:
        sys.exit(f"bench: of bucket {BUCKET}, {asked} of the mice and {inside} in all, but {others} elsewhere")


def jain(setup, delay):
    """Jain's index of what 16 flows get of CPU 1, to which all send equally much."""
    setup()
    with steer.Load(herd(delay)):
        time.sleep(0.5)
        before = delivered()
        time.sleep(machine.SECONDS)
        shares = [count - before[port] for port, count in delivered().items() if port in ELEPHANTS]
    return sum(shares) ** 2 / (len(ELEPHANTS) * sum(share ** 2 for share in shares))


def fair(compare, rounds):
    """The mice's latency against RPS and RPS with flow_limit, what is left for the
    elephant, and how 16 elephants share."""
    steer.device()
    tcp.network()
    with ExitStack() as stack:
        for each in (real_time(), dear_processing(), one_bucket(), tcp.Nginx()):
            stack.enter_context(each)
        delay = twice_too_much(elephant(0))
        check_bucket(delay)
        for name, setup in (("fair", with_rps), ("fair/flow_limit", with_flow_limit)):
            sides = Side(setup, delay), Side(with_flowbucket, delay)
            rows = compare(name, "us", sides, rounds, lower_is_better=True,
                           also=[(f"{name}/median", "us", True), (f"{name}/elephant", "packets/s", False)])
            for what in ("requests", "retransmitted", "needlessly", "overload"):
                rows[0][what] = {"peer": getattr(sides[0], what), "ours": getattr(sides[1], what)}
            rows[0]["alone"] = idle()
            yield from rows
        yield compare("fair/jain", "index", (lambda: jain(with_rps, delay), lambda: jain(with_flowbucket, delay)),
                      rounds)
        rps("0")


if __name__ == "__main__":
    client(map(int, sys.argv[1:]))
