# SPDX-License-Identifier: GPL-2.0
"""Network namespaces, devices and commands in them."""

import atexit
import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import time
from contextlib import contextmanager

from harness import Broken, Failed, Skipped

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33


def run(*command, check=True, stdin=None):
    """Runs a command; returns its output."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                          check=False)
    if check and done.returncode:
        if "Unknown device type" in done.stderr:
            raise Skipped(f"the kernel has no such device: {stdin}")
        raise Broken(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


class Nftables:
    """nftables in one namespace, by its library: a command less to start each time,
    which is what takes the time in an emulated guest."""

    LIB = ctypes.CDLL("libnftables.so.1")
    LIB.nft_ctx_new.restype = ctypes.c_void_p
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(LIB, name).restype = ctypes.c_char_p
    JSON = 1 << 4

    def __init__(self):
        self.context = ctypes.c_void_p(self.LIB.nft_ctx_new(0))
        self.LIB.nft_ctx_buffer_output(self.context)
        self.LIB.nft_ctx_buffer_error(self.context)
        self.LIB.nft_ctx_output_set_flags(self.context, self.JSON)

    def run(self, commands):
        """Runs commands as nft does; returns what they print."""
        if self.LIB.nft_run_cmd_from_buffer(self.context, commands.encode()):
            raise Broken(f"nft: {self.LIB.nft_ctx_get_error_buffer(self.context).decode()}")
        return self.LIB.nft_ctx_get_output_buffer(self.context).decode()

    def close(self):
        """Gives its socket back, which would keep the namespace alive."""
        self.LIB.nft_ctx_free(self.context)


class Netns:
    """A network namespace, removed at the end of the program."""

    made = 0

    def __init__(self, name):
        Netns.made += 1
        self.name = f"{name}-{os.getpid()}-{Netns.made}"
        run("ip", "netns", "add", self.name)
        atexit.register(self.close)
        with self.inside():
            self.nftables = Nftables()
        self.ip("link set lo up")
        for name in ("all", "default"):
            # No duplicate address detection: addresses work at once.
            self.sysctl(f"net.ipv6.conf.{name}.accept_dad", 0)
            self.sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)

    def close(self):
        """Removes it, with the devices in it."""
        atexit.unregister(self.close)
        if self.nftables:
            self.nftables.close()
            self.nftables = None
        run("ip", "netns", "del", self.name, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ip(self, commands):
        """ip commands in it, one per line."""
        run("ip", "-n", self.name, "-batch", "-", stdin=commands + "\n")

    def run(self, command, **options):
        """Any command in it."""
        return run("ip", "netns", "exec", self.name, *command.split(), **options)

    def run_shell(self, script):
        """A shell script in it."""
        return run("ip", "netns", "exec", self.name, "bash", "-c", script)

    def start(self, command):
        """A command in the background; the caller ends it."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command.split()], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def sysctl(self, name, value):
        """Sets a sysctl of the network."""
        with self.inside(), open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
            file.write(str(value))

    def nft(self, commands):
        """nftables commands in it."""
        return self.nftables.run(commands)

    def nft_list(self, what):
        """What nftables lists, from its JSON."""
        return json.loads(self.nft(f"list {what}"))["nftables"]

    def nft_counter(self, name, table="watch"):
        """The packets of a named counter of an inet table."""
        for item in self.nft_list(f"counter inet {table} {name}"):
            if "counter" in item:
                return item["counter"]["packets"]
        raise Broken(f"no counter {name}")

    @contextmanager
    def inside(self):
        """Sockets made in the block are in the namespace."""
        with open("/proc/self/ns/net", "rb") as old, open(f"/run/netns/{self.name}", "rb") as new:
            if LIBC.setns(new.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                LIBC.setns(old.fileno(), CLONE_NEWNET)

    def socket(self, *what):
        """A socket in the namespace."""
        with self.inside():
            return socket.socket(*what)

    def raw(self, device):
        """A socket that sends whole frames on a device."""
        with self.inside():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind((device, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        return sock

    def mac(self, device):
        """The hardware address of a device, as bytes."""
        with self.inside(), socket.socket() as sock:
            return fcntl.ioctl(sock, 0x8927, struct.pack("256s", device.encode()))[18:24]  # SIOCGIFHWADDR


class Tap:
    """A device in a namespace that receives what is sent here."""

    TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000

    def __init__(self, ns, name):
        with ns.inside():
            self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.file, self.TUNSETIFF, struct.pack("16sH22x", name.encode(), self.IFF_TAP | self.IFF_NO_PI))
        ns.ip(f"link set {name} up")

    def send(self, frame):
        """Has it receive a frame; the kernel refuses one without a whole header."""
        os.write(self.file, frame)

    def close(self):
        """Removes it."""
        os.close(self.file)


def veth(left, left_name, right, right_name):
    """Two namespaces joined; both ends are up."""
    left.ip(f"link add {left_name} type veth peer name {right_name} netns {right.name}\n"
            f"link set {left_name} up")
    right.ip(f"link set {right_name} up")


def address(ns, device, *addresses):
    """Gives a device addresses."""
    ns.ip("\n".join(f"addr add {one} dev {device}" for one in addresses))


def pin(cpu=None):
    """Keeps this process on a CPU: what it sends is received on the same one."""
    os.sched_setaffinity(0, range(os.cpu_count()) if cpu is None else {cpu})


def wait_for(condition, what, timeout=20):
    """Waits until condition() is true, and returns what it is."""
    end = time.monotonic() + timeout
    while True:
        if result := condition():
            return result
        if time.monotonic() > end:
            raise Failed(f"not within {timeout} s: {what}")
        time.sleep(0.05)
