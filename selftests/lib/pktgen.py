# SPDX-License-Identifier: GPL-2.0
"""pktgen as a sender of numbered datagrams of many flows, and their receiver."""

import os
import subprocess
import tempfile
from pathlib import Path

from harness import Failed, Skipped, expect
from net import run, wait_for

PORT = 7300
PORTS = 128
SOURCE = Path(__file__).resolve().parents[1] / "seqcheck.c"


def built():
    """The receiving program, compiled once."""
    if not built.path:
        built.dir = tempfile.TemporaryDirectory()
        built.path = Path(built.dir.name) / "seqcheck"
        run("gcc", "-O2", "-Wall", "-o", built.path, SOURCE)
    return built.path


built.path = None


class Receiver:
    """Counts what comes in, and what comes out of order; on a CPU, if one is named."""

    def __init__(self, ns, version, cpu=None):
        command = ["ip", "netns", "exec", ns.name, str(built()), str(version), str(PORT)]
        if cpu is not None:
            command = ["taskset", "-c", str(cpu), *command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        expect(self.process.stdout.readline() == "ready\n", "seqcheck starts")

    def ask(self, line=""):
        """(received, reordered, flows). "new": the sender's numbers begin anew."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return tuple(map(int, self.process.stdout.readline().split()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_dear(ns):
    """Gives a namespace a long way to the socket: rules for UDP that match nothing sent here."""
    rules = "\n".join(f"udp dport {port} drop" for port in range(20000, 20300))
    ns.nft(f"""table inet dear {{
	chain input {{
		type filter hook input priority 0; policy accept;
		{rules}
	}}
}}
""")


class Sender:
    """Sends from a namespace's device, on as many CPUs as there are `threads`.

    threads: [(cpu, version)]; each sends its own flows: its number is in the last
    bits of the source address. Or those of flows(number), lines for pktgen."""

    def __init__(self, ns, device, mac, sinks, threads, delay_ns, flows=lambda number: ()):
        self.ns = ns
        self.files = []
        # Nothing asks for it by itself where it is a module.
        subprocess.run(["modprobe", "-q", "pktgen"], check=False)
        with ns.inside():
            root = Path("/proc/thread-self/net/pktgen")
            if not root.exists():
                raise Skipped("the kernel has no pktgen")
        for number, (cpu, version) in enumerate(threads):
            name = f"{device}@{number}"
            self._write(f"kpktgend_{cpu}", f"add_device {name}")
            self.files.append(name)
            lines = ["clone_skb 0", "burst 1", "pkt_size 64", f"delay {delay_ns}", f"dst_mac {mac.hex(':')}",
                     f"udp_dst_min {PORT}", f"udp_dst_max {PORT}", "udp_src_min 1024",
                     f"udp_src_max {1024 + PORTS}", "flag UDPSRC_RND"]
            if version == 4:
                lines += [f"dst {sinks[4]}", f"src_min 198.18.0.{16 + number}", f"src_max 198.18.0.{16 + number}"]
            else:
                lines += ["pkt_size 84", "flag UDPCSUM", f"dst6 {sinks[6]}", f"src6 2001:db8:1::{16 + number:x}"]
            for line in (*lines, *flows(number)):
                self._write(name, line)

    def _write(self, file, line):
        # pgctrl starts the threads of the namespace that the writer is in.
        with self.ns.inside():
            Path(f"/proc/thread-self/net/pktgen/{file}").write_text(f"{line}\n", encoding="ascii")

    def run(self, count):
        """Sends so many datagrams in all, and returns how many were sent."""
        for name in self.files:
            self._write(name, f"count {count // len(self.files)}")
        self._write("pgctrl", "start")
        sent = sum(self._sent(name) for name in self.files)
        expect(sent, "pktgen sends")
        return sent

    def stop(self):
        """Ends a run that goes on in another thread."""
        self._write("pgctrl", "stop")

    def _sent(self, name):
        with self.ns.inside():
            text = Path(f"/proc/thread-self/net/pktgen/{name}").read_text(encoding="ascii")
        for line in text.splitlines():
            if "pkts-sofar:" in line:
                return int(line.split("pkts-sofar:")[1].split()[0])
        raise Failed(f"pktgen says nothing of {name}: {text}")

    def close(self):
        for cpu in range(os.cpu_count()):
            self._write(f"kpktgend_{cpu}", "rem_device_all")


def wait_received(receivers, sent, lost, timeout=30):
    """Waits until all that was sent is received or counted by `lost()`."""
    def total():
        return sum(each.ask()[0] for each in receivers)
    try:
        wait_for(lambda: total() + lost() >= sent, "all is received or counted", timeout)
    except Failed:
        raise Failed(f"sent {sent}, received {total()}, drops counted {lost()}") from None


