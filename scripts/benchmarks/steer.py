# SPDX-License-Identifier: GPL-2.0
"""Steering small UDP packets: pktgen receives them on CPU 0, a socket gets them.

60-byte frames of 800,000 flows, handed to the stack in netif_receive mode, as a
NIC's driver would. The figure is the rate at which packets reach the socket.
"""

import re
import socket
import subprocess
import time
from pathlib import Path

import machine

PKTGEN = Path("/proc/net/pktgen")
DEVICE, PEER = "fbsink", "fbpeer"
ADDRESS = "10.9.0.1"
PORT = 9

# What pktgen sends: 800,000 flows. Not shared, as from a driver: a packet to which
# pktgen still refers is cloned by ip_rcv(), unless RPS has queued it before.
SMALL = (
    "pkt_size 60", "src_min 10.0.0.1", "src_max 10.0.49.250", "flag IPSRC_RND",
    "udp_src_min 1024", "udp_src_max 1087", "flag UDPSRC_RND", "flag !SHARED",
)


class Load:
    """A pktgen thread on a CPU that receives until stopped, and a UDP socket.

    `kinds`: what to send, each by lines as SMALL is; as fast as it goes, unless they
    have a delay of their own. `wire`: sent by the device's peer, and not put into the
    receive path at once."""

    def __init__(self, kinds=(SMALL,), cpu=0, wire=False):
        self.thread = f"kpktgend_{cpu}"
        device, mode = (PEER, "start_xmit") if wire else (DEVICE, "netif_receive")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, PORT))
        mac = Path(f"/sys/class/net/{DEVICE}/address").read_text().strip()
        # All threads start at once.
        for thread in PKTGEN.glob("kpktgend_*"):
            self._write(thread.name, "rem_device_all")
            # The thread does it when it next runs; the write waits only a moment for that.
            while "@" in thread.read_text():
                time.sleep(0.05)
        self.names = [f"{device}@{number}" for number in range(len(kinds))]
        for name, kind in zip(self.names, kinds):
            self._write(self.thread, f"add_device {name}")
            for line in (
                f"xmit_mode {mode}", "count 0", "delay 0", "burst 1", f"dst_mac {mac}", f"dst {ADDRESS}",
                f"udp_dst_min {PORT}", f"udp_dst_max {PORT}", *kind,
            ):
                self._write(name, line)

    def sent(self):
        """Packets handed to the stack so far."""
        texts = ((PKTGEN / name).read_text() for name in self.names)
        return sum(int(re.search(r"pkts-sofar: (\d+)", text).group(1)) for text in texts)

    @staticmethod
    def _write(file, line):
        (PKTGEN / file).write_text(line + "\n")

    def __enter__(self):
        # The write returns when the run has ended, and a signal ends it, such as that a
        # child of ours has come to its end: so not by this process.
        self.start = subprocess.Popen(["bash", "-c", f"echo start >{PKTGEN}/pgctrl"])
        # A stop before it runs would be lost.
        while not re.search(r"Running: \S", (PKTGEN / self.thread).read_text()):
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._write("pgctrl", "stop")
        self.start.wait()
        self.socket.close()


def device():
    """The device that receives; does nothing if it exists."""
    if not Path(f"/sys/class/net/{DEVICE}").exists():
        machine.sh(f"ip link add {DEVICE} type veth peer name {PEER}; ip link set {PEER} up;"
                   f"ip link set {DEVICE} up; ip addr add {ADDRESS}/8 dev {DEVICE};"
                   "sysctl -qw net.ipv4.conf.all.rp_filter=0")


def measure(setup):
    """Packets per second that reach the socket under `setup`."""
    setup()
    with Load():
        return machine.rate(machine.udp_received)


def plain():
    machine.flowbucket_off()
    machine.rps(DEVICE, "0")


def with_rps(mask):
    def setup():
        machine.flowbucket_off()
        machine.rps(DEVICE, mask)
    return setup


def with_flowbucket(cpus, track=0, **knobs):
    """Connections are not tracked unless asked for, as RPS does not; see table.py for that."""
    def setup():
        machine.rps(DEVICE, "0")
        machine.load()
        for name, value in {"track": track, **knobs}.items():
            machine.knob(name, value)
        machine.flowbucket_on(cpus)
    return setup


def _compare(compare, rounds, name, peer, ours):
    device()
    machine.load()
    return compare(name, "packets/s", (lambda: measure(peer), lambda: measure(ours)), rounds)


def steer_one(compare, rounds):
    """All packets to the other CPU, against RPS."""
    yield _compare(compare, rounds, "steer_one", with_rps("2"), with_flowbucket("1"))


def steer_spread(compare, rounds):
    """Packets to both CPUs, against RPS; and what steering at all gains."""
    yield _compare(compare, rounds, "steer_spread", with_rps("3"), with_flowbucket("0-1"))
    yield _compare(compare, rounds, "steer_spread/no steering", plain, with_flowbucket("0-1"))


def direct(compare, rounds):
    """The receiving CPU owns all buckets, against the module switched off."""
    yield _compare(compare, rounds, "direct", plain, with_flowbucket("0"))


def hashes(compare, rounds):
    """Each hash against the default, all packets to the other CPU."""
    for name in ("skb", "crc32c", "toeplitz"):
        yield _compare(compare, rounds, f"siphash against {name}",
                       with_flowbucket("1", hash=name), with_flowbucket("1", hash="siphash"))
    machine.knob("hash", "siphash")
