#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The kernel's own net selftests end the same way with the module as without.

Each runs twice, first without and then with the module loaded and steering on
all interfaces. In the list are those that need no compiled helper and that pass
on the kernels of scripts/kernel. KNET=short: a few, as in an emulated guest;
KNET=medium: those of a minute at most, as in user-mode Linux, which starts their
many commands faster; KNET=all: all of them, half an hour in an emulated guest.
(br_netfilter.sh is not in it: it refuses to run in a kernel that has once loaded
a module from outside the tree.)
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from harness import SOURCE, Skipped, expect_equal, main, must_fail, note, test
from net import run

NET = Path(SOURCE) / "tools/testing/selftests/net"
SKIP = 4
# Seconds for one run. They are scripts full of short waits: on a slow machine one
# may fail for that alone, and gets another try.
LIMIT = 240
TRIES = 3
SHORT = {
    "icmp.sh": "ICMP errors from a host without an address",
    "netfilter/conntrack_icmp_related.sh": "forwarding, masquerading, ICMP errors of tracked connections",
    "test_vxlan_under_vrf.sh": "VXLAN tunnels with VRFs above and below",
}
MEDIUM = {
    "netfilter/conntrack_tcp_unreplied.sh": "NAT of a connection that is tracked already",
    "netfilter/nft_tproxy_tcp.sh": "transparent proxying over IPv4 and IPv6",
    "fib_nexthop_multiprefix.sh": "forwarding, and learned MTUs by nexthop",
    "route_localnet.sh": "loopback addresses on the wire",
    "ipv6_force_forwarding.sh": "IPv6 forwarding by interface",
    "macvlan_mcast_shared_mac.sh": "multicast through macvlans",
}
LONG = {
    "netfilter/conntrack_ipip_mtu.sh": "fragments through IPIP tunnels, with connection tracking",
    "netfilter/nft_nat.sh": "NAT in all forms",
    "netfilter/nft_fib.sh": "routes looked up for received packets",
    "icmp_redirect.sh": "redirects and learned MTUs, with and without VRF",
    "vrf_strict_mode_test.sh": "VRF tables",
    "ip6_gre_headroom.sh": "GRE over IPv6",
}
LISTS = {"short": SHORT, "medium": {**SHORT, **MEDIUM}, "all": {**SHORT, **MEDIUM, **LONG}}
CHOSEN = os.environ.get("KNET") or ("medium" if os.environ.get("FB_FLAVOUR") == "uml" else "short")
WORDS = re.compile(r"\b(PASS|OK|FAIL|SKIP)\b", re.I)


def outcome(script):
    """(exit status, how often it says PASS, FAIL and so on, output) of a script."""
    environment = {**os.environ, "KSFT_MACHINE_SLOW": "yes"}
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = subprocess.Popen(["bash", f"./{script.name}"], cwd=script.parent, env=environment, stdout=out,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            status = None
        # What it may have left in the background.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        out.seek(0)
        text = out.read()
    return status, Counter(word.upper() for word in WORDS.findall(text)), text


def namespaces():
    """The names of the network namespaces there are."""
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines()}


def once(script, before):
    """One run; its exit status and what it says. Leaves nothing behind."""
    start = time.monotonic()
    status, words, text = outcome(script)
    for name in namespaces() - before:
        run("ip", "netns", "del", name)
    where = "with" if module.loaded() else "without"
    note(f"{where}: status {status}, {dict(words)}, {time.monotonic() - start:.0f} s")
    if status not in (0, SKIP):
        note("\n".join(text.splitlines()[-15:]))
    return status, words


def compare(script):
    """Runs a script without and with the module; both must end in the same way."""
    before = namespaces()
    for _ in range(TRIES):
        wanted = once(script, before)
        if wanted[0] in (0, SKIP, None):
            break
    status = wanted[0]
    if status:
        raise Skipped(f"without the module it {'cannot run' if status == SKIP else 'fails'} here")
    if status is None:
        raise Skipped(f"without the module it takes more than {LIMIT} s here")
    for _ in range(TRIES):
        with module.module():
            found = once(script, before)
            module.check_accounts()
            note(", ".join(f"{module.total(name)} {name}" for name in ("packets", "steered", *module.DROPS)))
        if found == wanted:
            return
    expect_equal(found[0], wanted[0], "exit status with the module")
    expect_equal(found[1], wanted[1], "results with the module")


def declare(name, about):
    """One test point."""
    @test(f"{name}: {about}")
    def _():
        script = NET / name
        if not script.exists():
            raise Skipped("this kernel has no such test")
        compare(script)


for each_name, each_about in LISTS[CHOSEN].items():
    declare(each_name, each_about)


@test("control: a script that fails, or says something else, with the module is noticed")
def _():
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "script.sh"
        for text in ("exec test ! -e /sys/module/flowbucket", "[ -e /sys/module/flowbucket ] || echo PASS"):
            script.write_text(text + "\n", encoding="ascii")
            must_fail(compare, script)


if __name__ == "__main__":
    main()
