# SPDX-License-Identifier: GPL-2.0
"""Devices and namespaces that are deleted while packets come in on them."""

import multiprocessing
import os
import socket
import time
from pathlib import Path

from frames import ether, ipv4, packed, udp
from harness import expect
from net import Netns, address, veth, wait_for

FORK = multiprocessing.get_context("fork")
TO, FROM = ("198.18.0.1/24", "2001:db8:18::1/64"), ("198.18.0.2/24", "2001:db8:18::2/64")
PORT = 9
# Enough to have some waiting at any time, too few to fill a backlog.
BURST, PAUSE = 24, 0.01


def flood(left, device):
    """A process that sends datagrams of many flows to TO until it is killed."""
    sources = []
    for to in TO:
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        for _ in range(8):
            source = left.socket(family, socket.SOCK_DGRAM)
            source.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            sources.append((source, to.split("/", maxsplit=1)[0]))

    def send():
        os.nice(10)  # the test itself has its turns first
        # Whatever else was inherited, such as a socket of nftables, would keep
        # alive the namespace that is to go.
        keep = {source.fileno() for source, _ in sources}
        for fd in map(int, os.listdir("/proc/self/fd")):
            if fd > 2 and fd not in keep:
                close(fd)
        while True:
            for turn in range(BURST):
                source, to = sources[turn % len(sources)]
                try:
                    source.sendto(b"churn", (to, PORT))
                except OSError:
                    pass  # the device is gone: that is the point
            time.sleep(PAUSE)

    process = FORK.Process(target=send, daemon=True)
    process.start()
    for source, _ in sources:
        source.close()
    return process


def close(fd):
    """Closes a descriptor, unless it is the one by which they were listed."""
    try:
        os.close(fd)
    except OSError:
        pass


def received(right, device):
    """Packets that came in on a device."""
    with right.inside():
        lines = Path("/proc/thread-self/net/dev").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[2]) for line in lines if line.split()[0] == f"{device}:")


def namespace(left, right):
    """A whole namespace goes, with a device that receives."""
    veth(left, "from", right, "to")
    return "from", "to", right.close


def pair(left, right):
    """A veth pair goes."""
    veth(left, "from", right, "to")
    return "from", "to", lambda: right.ip("link del to")


def vlan(left, right):
    """A VLAN goes from the device that receives it."""
    veth(left, "lower", right, "lower")
    for ns, name in ((left, "from"), (right, "to")):
        ns.ip(f"link add link lower name {name} type vlan id 5")
    return "from", "to", lambda: right.ip("link del to")


def macvlan(left, right):
    """Two macvlans talk over a dummy device, which goes and takes them along."""
    right.ip("link add lower type dummy\nlink set lower up\n"
             "link add link lower name to type macvlan mode bridge\n"
             f"link add link lower name from netns {left.name} type macvlan mode bridge")
    return "from", "to", lambda: right.ip("link del lower")


def bridge(left, right):
    """A port leaves its bridge and comes back, then the bridge goes."""
    veth(left, "from", right, "port")
    right.ip("link add to type bridge\nlink set port master to")

    def remove():
        right.ip("link set port nomaster\nlink set port master to\nlink del to")
    return "from", "to", remove


KINDS = (namespace, pair, vlan, macvlan, bridge)


def come_and_go(kind):
    """Makes one kind of devices, floods them, and deletes them under the flood."""
    with Netns("fbleft") as left:
        right = Netns("fbright")
        source, sink, remove = kind(left, right)
        for ns, device, addresses in ((left, source, FROM), (right, sink, TO)):
            address(ns, device, *addresses)
            ns.ip(f"link set {device} up")
        sender = flood(left, source)
        try:
            start = received(right, sink)
            wait_for(lambda: received(right, sink) > start + 2 * BURST, f"packets come in on a {kind.__name__}")
            remove()
            expect(sender.is_alive(), "the flood ended too early")
        finally:
            sender.kill()
            sender.join()
            right.close()


def many_at_once(count):
    """Makes so many VLANs on one device, floods them all, and deletes that device under the
    flood, which takes them along."""
    with Netns("fbleft") as left:
        right = Netns("fbright")
        veth(left, "lower", right, "lower")
        right.ip("\n".join(f"link add link lower name to{vlan} type vlan id {vlan}\n"
                           f"link set to{vlan} up" for vlan in range(1, count + 1)))
        ends = right.mac("lower"), left.mac("lower")
        packets = [ipv4(packed("198.18.0.2"), packed("198.18.0.1"), socket.IPPROTO_UDP, udp(port, PORT, b"churn"))
                   for port in range(1024, 1024 + count)]
        frames = [ether(*ends, 0x8100, (vlan + 1).to_bytes(2, "big") + b"\x08\0" + packet)
                  for vlan, packet in enumerate(packets)]
        raw = left.raw("lower")
        sender = FORK.Process(target=flood_frames, args=(raw, frames), daemon=True)
        sender.start()
        raw.close()
        try:
            wait_for(lambda: received(right, "to1") > 2 and received(right, f"to{count}") > 2, "packets come in", 60)
            right.ip("link del lower")
            expect(sender.is_alive(), "the flood ended too early")
        finally:
            sender.kill()
            sender.join()
            right.close()


def flood_frames(raw, frames):
    """Sends frames, again and again, until it is killed."""
    os.nice(10)
    while True:
        for frame in frames:
            try:
                raw.send(frame)
            except OSError:
                pass  # the device is gone
        time.sleep(PAUSE)
