#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the timer threads do for local sockets, on the wire: the scripts in packetdrill/, run by
packetdrill (google/packetdrill), which Debian does not have. It is found in the PATH, or
named by PACKETDRILL=; without it, all points are skipped, and timers.py looks at the same
from the sockets' side.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import module
from harness import SOURCE, Failed, Skipped, expect, main, must_fail, note, test

HERE = Path(__file__).resolve().parent / "packetdrill"
# The kernel's own scripts, whose settings these begin with.
KERNEL = Path(SOURCE) / "tools/testing/selftests/net/packetdrill"
# As the kernel's runner does, with the tolerance it has for slow machines.
ADDRESSES = {
    4: "--ip_version=ipv4 --local_ip=192.168.0.1 --gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0 "
       "--remote_ip=192.0.2.1",
    6: "--ip_version=ipv6 --mtu=1520 --local_ip=fd3d:0a0b:17d6::1 --gateway_ip=fd3d:0a0b:17d6:8888::1 "
       "--remote_ip=fd3d:fa7b:d17d::1",
}
TOLERANCE_US = 14000
DELAYED = ("ack_one_segment", "ack_two_segments", "ack_with_answer")
KEEPALIVE = {"keepalive_time": "1", "keepalive_intvl": "1", "keepalive_probes": "2"}


def check(script, version):
    """A script comes out as it says."""
    program = os.environ.get("PACKETDRILL") or shutil.which("packetdrill")
    if not program:
        raise Skipped("no packetdrill in the PATH, and PACKETDRILL= is not set")
    command = ["unshare", "-n", program, *ADDRESSES[version].split(), f"--tolerance_usecs={TOLERANCE_US}",
               HERE / f"{script}.pkt"]
    done = subprocess.run(command, cwd=KERNEL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Failed(f"{script}, IPv{version}: {(done.stderr or done.stdout).strip()}")


def declare(what, scripts, **knobs):
    """A test point: scripts under settings of the module."""
    @test(f"{what}: {', '.join(scripts)}")
    def _():
        with module.module():
            for name, value in knobs.items():
                module.write(name, value)
            for script in scripts:
                for version in (4, 6):
                    check(script, version)
            expect(module.total("packets") > 0, "no packet went through the module")
            acks, probes = (sum(conns.timers(name)) for name in ("acks", "probes"))
            note(f"{acks} acknowledgments and {probes} probes were sent by the threads")
            expect((acks > 0) == ("delayed_acks" in knobs), "acknowledgments by the threads")
            expect((probes > 0) == ("keepalive_time" in knobs), "probes by the threads")


declare("acknowledgments by the kernel's own timers", DELAYED)
for each in ("10", "20"):
    declare(f"by the threads every {each} ms", DELAYED, delayed_acks="1", timer_interval_ms=each)
declare("keep-alive", ("dead_peer", "live_peer"), timer_interval_ms="100", **KEEPALIVE)


@test("control: a script that expects what does not come, fails")
def _():
    with module.module():
        for version in (4, 6):
            must_fail(check, "ack_at_once", version)
            must_fail(check, "dead_peer", version)


if __name__ == "__main__":
    main()
