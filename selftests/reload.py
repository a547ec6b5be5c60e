#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The module is removed and inserted again and again under full TCP load: no
connection breaks, and nothing is left behind.

RELOADS=N (100) says how often, in a debug kernel as well; LOAD_SECONDS=N (60) how long
one run of the load is: longer ones where everything takes long.
"""

import errno
import os
import random
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import memory
import module
from harness import Failed, expect, expect_equal, main, must_fail, note, test
from net import SO_RCVBUFFORCE, Netns, address, veth, wait_for
from streams import PATIENCE, Streams, check_finished

RELOADS = int(os.environ.get("RELOADS", "100"))
ADDRESSES = ("192.0.2.1", "2001:db8::1")
# One run of iperf3, and how long before its end the last reload begins.
SECONDS = int(os.environ.get("LOAD_SECONDS", "60"))
MARGIN = 12
BAD = (("hash=nonsense", errno.EINVAL), ("buckets=100", errno.ERANGE), ("buckets=131072", errno.ERANGE),
       ("enabled=maybe", errno.EINVAL))

client, server = Netns("fbclient"), Netns("fbserver")
veth(client, "out", server, "in")
address(server, "in", "192.0.2.1/24", "2001:db8::1/64")
address(client, "out", "192.0.2.2/24", "2001:db8::2/64")

before = {}


def load_of(seconds):
    """The load, for so long."""
    return Streams(client, server, ADDRESSES, seconds)


def fail_to_load(parameter, wanted):
    """A bad parameter is refused, and leaves nothing."""
    expect_equal(module.insmod(parameter), wanted, f"insmod {parameter}")
    module.check_gone()


def move_until_gone():
    """Moves buckets until there are none."""
    rng = random.Random(3)
    try:
        while True:
            cpus = [rng.randrange(module.CPUS) for _ in range(64)]
            module.write("map", "".join(f"{at * 64}-{at * 64 + 63} {cpu}\n" for at, cpu in enumerate(cpus)).encode())
    except OSError as error:
        # The file was about to go, or had gone.
        expect(error.errno in (errno.ENODEV, errno.ENOENT), f"map: {error}")


def reload_once(turn, streams, received):
    """In and out, while buckets move. Data is awaited with the module in or with it out,
    in turns: the other half of the cycle is as short as can be."""
    module.load()
    mover = threading.Thread(target=move_until_gone)
    mover.start()
    if turn % 2:
        received = streams.check_flow(received)
        wait_for(lambda: module.total("steered") > 0, "something is steered", PATIENCE)
        reload_once.drops += module.drops()
    expect_equal(Path("/sys/module/flowbucket/refcnt").read_text().strip(), "0", "references to the module")
    module.unload()
    mover.join()
    module.check_gone()
    if turn % 10 == 5:
        fail_to_load(*BAD[turn // 10 % len(BAD)])
    if not turn % 2:
        received = streams.check_flow(received)
    return received


reload_once.drops = 0


def run(count, seconds):
    """Up to `count` reloads in one run of the load; returns how many."""
    streams = load_of(seconds)
    try:
        done, received = 0, streams.received()
        while done < count and streams.left() > MARGIN:
            received = reload_once(done, streams, received)
            done += 1
        streams.check_flow(received)
        moved, again = check_finished(streams.finish())
        note(f"{done} reloads, {streams.count} connections, {moved >> 20} MiB, {again} segments sent again")
        return done
    except Failed:
        if module.loaded():
            note({name: module.counter(name) for name in ("steered", "queued", "direct", *module.DROPS)})
        raise
    finally:
        streams.stop()
        module.unload()


@test("before: a few reloads under load, to fill the caches")
def _():
    run(2, MARGIN + 5)
    before["kilobytes"] = memory.at_rest(memory.kilobytes)
    if memory.has_slabinfo():
        before["skbs"] = memory.at_rest(memory.skbs)


@test(f"{RELOADS} reloads under load break no connection and hold up none")
def _():
    start, done = time.monotonic(), 0
    while done < RELOADS:
        now = run(RELOADS - done, SECONDS)
        expect(now > 0, "not one reload in a whole run of the load")
        done += now
    note(f"{done} reloads in {time.monotonic() - start:.0f} s, {reload_once.drops} packets dropped by the module")


@test("loads that fail leave nothing behind")
def _():
    for parameter, wanted in BAD:
        fail_to_load(parameter, wanted)
    with module.module():
        expect_equal(module.insmod(), errno.EEXIST, "insmod of a loaded module")


@test("per-CPU and vmalloc memory is back at what it was")
def _():
    memory.check_back(before["kilobytes"], memory.kilobytes, memory.KB_SLACK, "kB in use")
    note(f"kB before {before['kilobytes']}, now {memory.kilobytes()}")


if memory.has_slabinfo():
    @test("packet buffers in use are back at what they were")
    def _():
        slack = memory.SKB_SLACK * module.CPUS
        memory.check_back(before["skbs"], memory.skbs, slack, "packet buffers in use")
        note(f"packet buffers before {before['skbs']}, now {memory.skbs()}")
        # Control: buffers that somebody holds are noticed.
        kind = (socket.AF_INET, socket.SOCK_DGRAM)
        with server.socket(*kind) as held, client.socket(*kind) as source:
            held.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
            held.bind((ADDRESSES[0], 7000))
            for _ in range(4 * slack):
                source.sendto(b"held", (ADDRESSES[0], 7000))
            must_fail(memory.check_back, before["skbs"], memory.skbs, slack, "packet buffers in use", timeout=1)


if memory.KMEMLEAK.exists():
    @test("the leak detector finds nothing")
    def _():
        memory.check_kmemleak()


@test("control: connections that stall, and connections that break, are noticed")
def _():
    streams = load_of(40)
    try:
        streams.check_flow(streams.received())
        client.run("tc qdisc add dev out root netem loss 100%")
        time.sleep(0.5)
        must_fail(streams.check_flow, streams.received(), timeout=2)
        client.run("tc qdisc del dev out root")
        server.run("ss -K -t sport = :5201", check=False)
        must_fail(check_finished, streams.finish())
    finally:
        streams.stop()


if __name__ == "__main__":
    main()
