# SPDX-License-Identifier: GPL-2.0
"""What a packet costs, by part of its way: perf, from outside, on user-mode Linux while small
packets go to the other CPU.

    cost.py OUT MODULE COMMAND...

COMMAND boots a guest which runs cost_guest.py; OUT gets cost.json, and a file of samples for
each mechanism. Time of both CPUs counts, so it is more than what passes from packet to packet.
"""

import bisect
import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

# Samples per second and CPU.
RATE = 1999
# Parts of the way, by the names of functions; the first one that matches counts.
PARTS = {
    "flowbucket: hook": r"flowbucket.*(netfilter::hook|model::packet|model::hash)",
    "flowbucket: connections": r"flowbucket.*(conns::|model::conn|smpboot)",
    "flowbucket: owner": r"flowbucket|rust_helper",
    "waiting for locks": r"spin_lock_slowpath|queued_(read|write)_lock",
    "packet generator": r"pktgen|mod_cur_headers|fill_packet|fill_imix|prandom|get_random",
    "packet memory": r"kmem_cache|slab|skb_release|kfree|__alloc_skb|build_skb|napi_skb|page_frag|free_frozen|"
                     r"alloc_skb|free_skb|consume_skb|kmalloc|___cache|get_partial|memset|free_to_|skb_free|refill_",
    "netfilter": r"nf_|ipt_|nft_",
    "IP, UDP, socket": r"ip_|udp|fib_|inet|sock|ipv4|raw_local|skb_consume|__sk_|sk_filter|dst_|rt_|skb_|icmp",
    "device, RPS, NAPI": r"netif|backlog|napi|net_rx|rps|flow_dissect|flow_hash|softirq|siphash|eth_|veth|dev_",
    "user-mode Linux": r"signal|alarm|timer|irq|os_|um_|uml|ipi|tick|clock|smp_|sched|idle|arch_|getnstime|raw_spin|"
                       r"_lock|rcu|ktime|update_|task|cpu|work|queue",
}
OUTSIDE = "this machine's kernel"


class Symbols:
    """Functions of the module, which perf does not know."""

    def __init__(self, module):
        self.starts, self.names, self.sections = [], [], {}
        self.table = subprocess.run(["objdump", "-t", "-C", "-w", module], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout

    def load(self, section, base):
        """The module has this section there."""
        found = re.findall(rf"^([0-9a-f]+) .{{6}}F {re.escape(section)}\t([0-9a-f]+)\s+(.+)$", self.table, re.M)
        entries = sorted([*zip(self.starts, self.names),
                          *((base + int(at, 16), (int(size, 16), name)) for at, size, name in found)])
        self.starts, self.names = map(list, zip(*entries))

    def name(self, address):
        """Of the function there, if it is one of the module's."""
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0 or address >= self.starts[at] + self.names[at][0]:
            return None
        return "flowbucket " + self.names[at][1]


def samples(data, symbols):
    """Counts of samples by function."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found = collections.Counter()
    for line in text.splitlines():
        address, name, dso = re.match(r"\s*([0-9a-f]+) (.+?) \((.*)\)$", line).groups()
        if "kernel" in dso:
            found[OUTSIDE] += 1
        else:
            found[symbols.name(int(address, 16)) or name] += 1
    return found


def part(function):
    """Which part of the way a function is."""
    if function == OUTSIDE:
        return OUTSIDE
    return next((name for name, pattern in PARTS.items() if re.search(pattern, function)), "other")


def record(pid, seconds, data):
    """perf, for some seconds."""
    return subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(RATE), "-p", str(pid), "-o", data,
                             "--", "sleep", str(seconds)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def guest_pid(boot):
    """The process that is the guest."""
    children = subprocess.run(["pgrep", "-P", str(boot), "-x", "linux"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
    return int(children.split()[0])


def main(out, module, *command):
    out = Path(out)
    seconds = float(os.environ["COST_SECONDS"])
    symbols, costs = Symbols(module), {}
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as boot:
        for line in boot.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "SECTION":
                section, base = rest.split()
                symbols.load(section, int(base, 16))
            elif word == "BEGIN":
                mechanism = rest
                data = out / f"cost-{len(costs)}.data"
                perf = record(guest_pid(boot.pid), seconds, data)
            elif word == "END":
                perf.wait()
                costs[mechanism] = cost(samples(data, symbols), seconds * float(rest))
                print(f"{mechanism}: {sum(costs[mechanism]['parts'].values()):.0f} ns of CPU time per packet",
                      file=sys.stderr)
    if boot.returncode or not costs:
        sys.exit("cost: the guest did not come to its end")
    (out / "cost.json").write_text(json.dumps({"command": "make bench B=cost", "costs": costs}, indent=2) + "\n")


def cost(found, packets):
    """Nanoseconds per packet by part, and of the functions that take most."""
    per = 1e9 / RATE / packets
    parts = collections.Counter()
    for function, count in found.items():
        parts[part(function)] += count * per
    return {"parts": {name: round(parts[name], 1) for name in (*PARTS, OUTSIDE, "other")},
            "functions": {name: round(count * per, 1) for name, count in found.most_common(60)}}


if __name__ == "__main__":
    main(*sys.argv[1:])
