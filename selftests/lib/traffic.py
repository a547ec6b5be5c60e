# SPDX-License-Identifier: GPL-2.0
"""Ordinary traffic between two namespaces, checked to the last byte, and proof
that the module had a hand in it."""

import hashlib
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager

import module
from harness import Failed, expect, expect_equal
from net import SO_RCVBUFFORCE, pin

MEGABYTE = 1 << 20
TIMEOUT = 20


def family(address):
    """The address family of a textual address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextmanager
def steered(at_least=1, parameters=()):
    """Loads the module such that traffic made in the block, which arrives on CPU 0,
    belongs to the others; afterwards at least so many packets must have been
    steered, none dropped and all accounted for."""
    with module.module(*parameters):
        buckets = int(module.read("buckets"))
        module.write("map", "".join(f"{n} {1 + n % (module.CPUS - 1)}\n" for n in range(buckets)).encode())
        pin(0)
        try:
            yield
        finally:
            pin()
        module.check_accounts()
        expect(module.total("steered") >= at_least, f"only {module.total('steered')} packets were steered")
        expect_equal(module.drops(), 0, "packets the module dropped")


def listen(ns, address, kind, port=7000, device=None):
    """A bound socket."""
    sock = ns.socket(family(address), kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.settimeout(TIMEOUT)
    sock.bind((address, port))
    return sock


def check_datagrams(client, server, address, *, count=200, size=100, flows=8, to=None, device=None, wait=TIMEOUT):
    """Datagrams of some flows arrive each once and whole; returns the peers' addresses.

    `to`: (address, port) to send to when it is not where the server listens."""
    sink = listen(server, address, socket.SOCK_DGRAM, device=device)
    sink.settimeout(wait)
    sources = [client.socket(family(address), socket.SOCK_DGRAM) for _ in range(flows)]
    sent, found, peers = Counter(), Counter(), set()
    try:
        for n in range(count):
            data = struct.pack("!I", n) * (size // 4)
            sent[data] += 1
            sources[n % flows].sendto(data, to or (address, 7000))
        while sum(found.values()) < count:
            data, peer = sink.recvfrom(65536)
            found[data] += 1
            peers.add(peer[:2])
        # A copy too many would come right behind.
        sink.settimeout(0.2)
        found[sink.recv(65536)] += 1
    except OSError as error:
        expect(isinstance(error, TimeoutError), f"sending to {address}: {error}")
    finally:
        for sock in (sink, *sources):
            sock.close()
    expect_equal(sum(found.values()), count, f"datagrams to {address}")
    expect(found == sent, f"datagrams to {address} arrived damaged or not once each")
    return peers


def serve_digest(listener, connections):
    """Answers each connection with the SHA-256 of what came in."""
    for _ in range(connections):
        with listener.accept()[0] as peer:
            peer.settimeout(TIMEOUT)
            total = hashlib.sha256()
            while data := peer.recv(1 << 18):
                total.update(data)
            peer.sendall(total.digest())


def quietly(function, *args):
    """For a thread: the other side of the connection notices what goes wrong."""
    try:
        function(*args)
    except OSError:
        pass


def check_transfer(client, server, address, *, size=MEGABYTE, connections=4, to=None, device=None, spoil=False):
    """TCP connections one after the other carry data both ways and unharmed."""
    data = bytearray(hashlib.shake_128(address.encode()).digest(size // connections))
    wanted = hashlib.sha256(data).digest()
    if spoil:
        data[len(data) // 2] ^= 1
    listener = listen(server, address, socket.SOCK_STREAM, device=device)
    listener.listen()
    thread = threading.Thread(target=quietly, args=(serve_digest, listener, connections))
    thread.start()
    try:
        for _ in range(connections):
            with client.socket(family(address), socket.SOCK_STREAM) as sock:
                sock.settimeout(TIMEOUT)
                sock.connect(to or (address, 7000))
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                expect_equal(sock.recv(64, socket.MSG_WAITALL) == wanted, True, f"data over TCP to {address} is whole")
    except OSError as error:
        raise Failed(f"TCP to {address}: {error}") from error
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def check_both(client, server, *addresses, count=200, size=MEGABYTE, device=None):
    """Datagrams and connections to each address."""
    for address in addresses:
        check_datagrams(client, server, address, count=count, device=device)
        check_transfer(client, server, address, size=size, device=device)
