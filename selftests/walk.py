#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The README's walk: all packets come on one CPU, and the firewall makes that dear. Steering off
and then on, as `flowbucket top` shows it in a terminal and `flowbucket plot` draws it. Pictures
and screens are left in build/walk; those in Documentation are from here."""

import multiprocessing
import os
import random
import re
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from command import COMMAND, good
from harness import expect, expect_equal, main, must_fail, note, test
from net import Netns, address, pin, run, wait_for
from terminal import Terminal

OUT = Path(COMMAND).parent / "walk"
FLOWS, RULES, SECONDS = 200, 2000, 10
# What the receiving CPU spends on packets when steering is off.
SHARE = 0.7


class Load:
    """Datagrams of many flows, a few of them heavy, that arrive at eth0 on CPU 0."""

    def __init__(self):
        outside = Netns("fbout")
        run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "to-eth0", "netns", outside.name)
        run("ip", "addr", "add", "192.0.2.1/24", "dev", "eth0")
        run("ip", "link", "set", "eth0", "up")
        outside.ip("link set to-eth0 up")
        address(outside, "to-eth0", "192.0.2.2/24")
        rules = "ip saddr 203.0.113.1 accept\n" * RULES
        run("nft", "-f", "-", stdin="table inet walk { chain firewall { type filter hook prerouting priority 0;\n"
                                    f"{rules}meta l4proto udp drop\n}}\n}}\n")
        self.sockets = [outside.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for sock in self.sockets:
            sock.connect(("192.0.2.1", 9))

    def send(self, count):
        """Flow n has a share like 1 / (n + 4)."""
        chosen = random.choices(self.sockets, [1 / (n + 4) for n in range(FLOWS)], k=count)
        for sock in chosen:
            sock.send(b"x" * 100)

    def rate(self):
        """Datagrams a second that take SHARE of CPU 0, measured with steering off: a veth's packets
        are processed before the call that sends them is back."""
        self.send(100)
        start = time.monotonic()
        self.send(500)
        return SHARE * 500 / (time.monotonic() - start)

    def send_forever(self, rate):
        """So many a second, in batches."""
        start, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - start) * rate)
            self.send(min(due - sent, 200))
            sent = due
            time.sleep(0.01)


def loads(screen):
    """Of the screen of `top`: how much each CPU is loaded, in percent."""
    found = {int(cpu): int(load) for cpu, load in re.findall(r"(\d+) [█▒ ]+?(\d+)% +\S+/s", screen)}
    expect_equal(sorted(found), list(range(module.CPUS)), "CPUs on the screen")
    return list(found.values())


def check_even(shown):
    """Of loads by CPU, at several times: no CPU has half as much again as the mean, or more."""
    mean = [sum(values) / len(shown) for values in zip(*shown)]
    expect(max(mean) < 1.5 * sum(mean) / len(mean), f"loads: {[round(value) for value in mean]}")


def look(name):
    """What `top` shows at several times, and a plot, while packets come."""
    with Terminal(80, 24) as terminal:
        terminal.type(f"{COMMAND} top", "Enter")
        wait_for(lambda: "hottest connections" in terminal.screen(), "the view")
        # What the CPUs did before goes into smoothed loads.
        time.sleep(3)
        shown = []
        for _ in range(5):
            time.sleep(2)
            screen = terminal.screen()
            shown.append(loads(screen))
    good("plot", "--seconds", SECONDS, "--out", OUT / name)
    (OUT / f"{name}.txt").write_text(screen, encoding="utf-8")
    note(screen)
    return shown


@test("one CPU has all packets, and with the module all have as much to do")
def _():
    OUT.mkdir(exist_ok=True)
    random.seed(1)
    load = Load()
    pin(0)
    rate = load.rate()
    note(f"{rate:.0f} datagrams a second")
    sender = multiprocessing.get_context("fork").Process(target=load.send_forever, args=(rate,), daemon=True)
    sender.start()
    pin()
    try:
        with module.module(policy="load"):
            good("set", "enabled=false")
            must_fail(check_even, look("before"))
            good("set", "enabled=true")
            check_even(look("after"))
            sender.kill()
            module.check_accounts()
            expect_equal(module.drops(), 0, "drops")
    finally:
        sender.kill()
        sender.join()


if __name__ == "__main__":
    main()
