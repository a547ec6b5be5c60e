# SPDX-License-Identifier: GPL-2.0
"""Full TCP load: iperf3 connections between two namespaces, watched one by one.

The load takes all CPU time there is, but is nice enough to let the test have its turns.
"""

import json
import os
import subprocess
import tempfile
import time

from harness import Failed, expect, expect_equal
from net import wait_for
from sockdiag import LISTEN, sockets

PORT = 5201
# How long a connection may be without data: in the debug kernel an emulated CPU gets
# to a process only now and then.
PATIENCE = 60 if os.environ.get("FB_FLAVOUR") == "debug" else 10
# A connection with fewer bytes is iperf3's own, over which its two sides talk.
DATA = 1 << 16


class Streams:
    """`each` connections from client to server for every address, for some seconds."""

    def __init__(self, client, server, addresses, seconds, each=4):
        self.server = server
        self.count = each * len(addresses)
        self.ports = range(PORT, PORT + len(addresses))
        self.end = time.monotonic() + seconds
        # Without reports: nobody reads them, and a full pipe would stop a server.
        self.servers = [server.start(f"nice iperf3 -s -1 -i 0 -p {port}") for port in self.ports]
        wait_for(lambda: len(sockets(server, self.ports, LISTEN)) == len(addresses), "iperf3 listens")
        self.clients = []
        for port, to in zip(self.ports, addresses):
            out = tempfile.TemporaryFile("w+")
            command = f"ip netns exec {client.name} nice iperf3 -c {to} -p {port} -P {each} -t {seconds} -i 0 -J"
            self.clients.append((subprocess.Popen(command.split(), stdin=subprocess.DEVNULL, stdout=out), out))
        wait_for(lambda: len(self.received()) == self.count, "all connections carry data")

    def received(self):
        """{a connection: bytes received so far}."""
        return {identity: count for identity, count in sockets(self.server, self.ports).items() if count >= DATA}

    def left(self):
        """Seconds that it goes on."""
        return self.end - time.monotonic()

    def check_flow(self, before, timeout=PATIENCE):
        """Every connection gets data that was not there `before`; returns what it has now."""
        expect_equal(len(before), self.count, "connections that carry data")

        def all_moved():
            nonlocal stuck, now
            now = self.received()
            stuck = [each for each in before if now.get(each, 0) <= before[each]]
            return not stuck

        stuck, now = [], {}
        try:
            wait_for(all_moved, "data flows", timeout)
        except Failed:
            raise Failed(f"no data for {timeout} s in {len(stuck)} of {self.count} connections") from None
        return now

    def finish(self):
        """Waits for the end; [(exit status, result)] of each client."""
        results = []
        for process, out in self.clients:
            status = process.wait(max(self.left(), 0) + 60)
            out.seek(0)
            results.append((status, json.loads(out.read() or "{}")))
            out.close()
        for process in self.servers:
            process.wait(30)
        self.clients, self.servers = [], []
        return results

    def stop(self):
        """Ends what still runs."""
        for process in [client for client, _ in self.clients] + self.servers:
            if process.poll() is None:
                process.kill()
            process.wait()


def check_finished(results):
    """All clients ended well, and every connection carried data; returns (bytes, retransmits)."""
    moved = again = 0
    for status, result in results:
        expect_equal((status, result.get("error", "")), (0, ""), "iperf3's exit status and error")
        for stream in result["end"]["streams"]:
            expect(stream["receiver"]["bytes"] > 0, "a connection carried no data")
            moved += stream["receiver"]["bytes"]
            again += stream["sender"]["retransmits"]
    return moved, again
