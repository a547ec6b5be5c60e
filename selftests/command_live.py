#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The command `flowbucket`, as far as it goes on: events as they happen, figures for Prometheus,
pictures, and the live view in a terminal."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import time
import xml.dom.minidom
import zlib
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import frames
import module
import numbered
import watch
from command import COMMAND, FAILED, check_refused, good, start
from harness import Failed, expect, expect_equal, main, must_fail, note, test
from net import run, wait_for
from terminal import Terminal

sender, receiver, stream = numbered.pair()
bench = watch.Bench()
TRACING = Path("/sys/kernel/tracing")
SCRATCH = Path(tempfile.mkdtemp())


def instances():
    """Instances of tracefs that are the command's."""
    return list((TRACING / "instances").glob("flowbucket-*"))


def is_watched():
    """The events are on in one instance."""
    return [(each / "events/flowbucket/enable").read_text() for each in instances()] == ["1\n"]


@contextmanager
def watching(end=signal.SIGINT):
    """What `watch` prints while the block runs: a list that is filled at its end."""
    process = start("watch", "--json")
    events = []
    try:
        wait_for(is_watched, "it watches")
        yield events
        time.sleep(0.5)
    finally:
        process.send_signal(end)
        out, complaints = process.communicate(timeout=20)
    expect_equal((process.returncode, complaints), (0, ""), "status and complaints of watch")
    events += [json.loads(line) for line in out.splitlines()]
    expect_equal(instances(), [], "instances that are left")


def check_move(events, bucket, to):
    """The events tell that a bucket moved there."""
    found = [each["event"] for each in events if each.get("bucket") == bucket and each.get("to") == to]
    # The clocks of two CPUs may differ a little.
    expect_equal(sorted(found), ["bucket_move", "bucket_moved"], f"events about bucket {bucket} to CPU {to}")


@test("watch: moves made by hand are seen, and the instance of tracefs goes at the end")
def _():
    with module.module():
        module.write("map", "17 0")
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with stream, watching(end) as events:
                module.write("map", "17 2")
                module.write("map", "17 1")
            check_move(events, 17, 2)
            check_move(events, 17, 1)
            must_fail(lambda: check_move(events, 17, 3))  # pylint: disable=cell-var-from-loop
            moved = [each for each in events if each["event"] == "bucket_moved"]
            expect(all(0 < each["ns"] < 60e9 for each in moved), f"times of {moved}")
            expect_equal(len(moved), 2, "moves in all")
            stream.check()
        text = start("watch", "--seconds", "5")
        wait_for(is_watched, "it watches")
        module.write("map", "17 3")
        out = text.communicate(timeout=20)[0]
        expect("bucket 17 has moved from CPU 1 to 3" in out, f"the move in words: {out!r}")
        module.check_accounts()


@test("watch: drops are seen with the kernel's reason")
def _():
    packets = [frames.datagram(flow, bytes(20)) for flow in frames.random_flows(4, 50, 31)]
    with module.module():
        module.all_to(1)
        module.write("limit_packets", "64")
        with bench.slow_owner(), watching() as events:
            bench.send_until(packets, lambda: module.drops() >= 5, 40000)
            module.settle(timeout=120)
        found = [each for each in events if each["event"] == "drop"]
        note(f"{module.drops()} drops, {len(found)} seen")
        expect_equal(len(found), module.drops(), "drops")
        expect(found and all(re.fullmatch("[A-Z_]+", each["reason"]) for each in found), f"reasons of {found[:3]}")
        module.check_accounts()


@test("watch: it ends when its reader goes, and when the module goes")
def _():
    with module.module():
        run("bash", "-c", f"{COMMAND} watch | true & sleep 1; for n in {{1..20}}; do echo 17 $((n % 4)) "
                          f">{module.FILES}/map; sleep 0.1; done; wait")
        expect_equal(instances(), [], "instances that are left")
        process = start("watch")
        wait_for(instances, "it watches")
    _, complaints = process.communicate(timeout=20)
    expect_equal(process.returncode, 3, f"status of watch, which says {complaints!r}")
    expect_equal(instances(), [], "instances that are left")


@test("watch: what one that was killed has left is removed by the next")
def _():
    with module.module():
        killed = start("watch")
        wait_for(instances, "it watches")
        killed.kill()
        killed.communicate()
        expect_equal(instances(), [TRACING / f"instances/flowbucket-{killed.pid}"], "what it leaves")
        with start("watch") as going, start("watch") as other:
            wait_for(lambda: {each.name for each in instances()} ==
                     {f"flowbucket-{process.pid}" for process in (going, other)}, "only those that watch are left")
            for process in (going, other):
                process.terminate()
    expect_equal(instances(), [], "instances that are left")


def parse(text):
    """{(name, labels): value} of Prometheus' text; every sample has a HELP and a TYPE before it."""
    samples, types = {}, {}
    for line in text.splitlines():
        if found := re.fullmatch(r"# TYPE (\w+) (counter|gauge|histogram)", line):
            types[found[1]] = found[2]
        elif found := re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line):
            name = re.sub("_(bucket|count)$", "", found[1]) if found[1] not in types else found[1]
            expect(name in types, f"no TYPE of {line}")
            expect((types[name] == "counter") == name.endswith("_total"), f"{name} is a {types[name]}")
            samples[found[1], tuple(sorted(re.findall(r'(\w+)="([^"]*)"', found[2] or "")))] = float(found[3])
        else:
            expect(re.fullmatch(r"# HELP \w+ .+", line), f"line {line!r}")
    return samples


def check_figures(samples):
    """The figures are those of the files, while nothing goes on."""
    for name, file, unit in (("packets_total", "packets", 1), ("bytes_total", "bytes", 1), ("ipis_total", "ipis", 1),
                             ("direct_packets_total", "direct", 1), ("queued_packets_total", "queued", 1),
                             ("steered_packets_total", "steered", 1), ("busy_seconds_total", "busy_ns", 1e-9),
                             ("cpu_buckets", "buckets", 1)):
        found = [samples[f"flowbucket_{name}", (("cpu", str(cpu)),)] for cpu in range(module.CPUS)]
        wanted = [count * unit for count in module.counter(file)]
        expect(all(abs(a - b) <= 1e-9 * max(1, b) for a, b in zip(found, wanted)), f"{name}: {found}, files {wanted}")
    for cause in ("backlog", "overlimit", "device", "route"):
        found = [samples["flowbucket_dropped_packets_total", (("cause", cause), ("cpu", str(cpu)))]
                 for cpu in range(module.CPUS)]
        expect_equal(found, module.counter(f"drop_{cause}"), f"drops, {cause}")
    for name, file in (("moves_total", "moves/total"), ("held_packets_total", "moves/held"), ("enabled", "enabled"),
                       ("added_connections_total", "connections/added"), ("buckets", "buckets")):
        expect_equal(samples[f"flowbucket_{name}", ()], int(module.read(file)), name)
    rows = [map(int, line.split()) for line in module.read("moves/histogram").splitlines()]
    expect_equal(samples["flowbucket_move_duration_seconds_count", ()], sum(count for _, count in rows), "moves")


def ask(port, request, wait=10):
    """What a server answers to bytes: (first line, whole answer)."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        for piece in request:
            sock.sendall(piece)
        answer = b""
        try:
            while data := sock.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer.split(b"\r\n")[0].decode(), answer


@contextmanager
def serving():
    """The command as a server while the block runs; yields its port."""
    run("ip", "link", "set", "lo", "up")
    process = start("export", "--listen", "127.0.0.1:0")
    try:
        line = process.stdout.readline()
        yield int(re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)/metrics\n", line)[1])
    finally:
        process.terminate()
        process.communicate(timeout=10)


def scrape(port):
    """The figures, over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    expect_equal((answer.status, answer.getheader("Content-Type").split(";")[0]), (200, "text/plain"), "answer")
    return parse(answer.read().decode())


@test("export: what is scraped over HTTP, printed and written is what the files say")
def _():
    with module.module(), serving() as port:
        with stream:
            module.write("map", "0-99 2")
            wait_for(lambda: module.total("packets") > 100, "packets")
            early = scrape(port)
            count = module.total("packets")
            wait_for(lambda: module.total("packets") > count, "more packets")
        stream.check()
        module.settle()
        check_figures(scrape(port))
        must_fail(lambda: check_figures(early))
        check_figures(parse(good("export")))
        file = SCRATCH / "flowbucket.prom"
        for _ in range(2):
            good("export", "--textfile", file)
            check_figures(parse(file.read_text()))
        expect_equal([each.name for each in SCRATCH.iterdir()], ["flowbucket.prom"], "files")
        states = parse(good("export"))
        expect_equal({state for name, labels in states if name == "flowbucket_connections" for _, state in labels},
                     set(module.STATES), "states")
        check_refused(["export", "--textfile", "/nowhere/x"], FAILED, "no such file")
        check_refused(["export", "--listen", f"127.0.0.1:{port}"], FAILED, "in use")
        module.check_accounts()


@test("export: other requests, long and slow ones are refused, and the next is served")
def _():
    end = b" HTTP/1.1\r\nHost: x\r\n\r\n"
    with module.module(), serving() as port:
        for request, wanted in (([b"GET /" + end], "404 Not Found"), ([b"GET /metrics/x" + end], "404 Not Found"),
                                ([b"POST /metrics" + end], "405 Method Not Allowed"), ([b"x\r\n\r\n"], "400 Bad Request"),
                                ([b"GET /metrics" + end], "200 OK"), ([b"GET /met", b"rics" + end], "200 OK")):
            expect_equal(ask(port, request)[0], f"HTTP/1.1 {wanted}", f"answer to {request}")
        try:
            line = ask(port, [b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100000])[0]
        except OSError:
            line = ""
        expect(line in ("", "HTTP/1.1 400 Bad Request"), f"answer to a long request: {line}")
        begin = time.monotonic()
        expect_equal(ask(port, [b"GET /metrics HTTP/1.1\r\n"])[0], "HTTP/1.1 400 Bad Request", "answer to half a request")
        took = time.monotonic() - begin
        expect(1.5 < took < 6, f"half a request is waited for {took:.1f} s")
        expect(scrape(port), "the next is served")
        module.unload()
        expect_equal(ask(port, [b"GET /metrics" + end])[0], "HTTP/1.1 503 Service Unavailable", "without the module")
        module.load()


def check_png(data, size):
    """A PNG file of that size, whole, with something to see."""
    expect_equal(data[:8], b"\x89PNG\r\n\x1a\n", "signature")
    at, pixels, kinds = 8, b"", []
    while at < len(data):
        length, kind = struct.unpack("!I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        expect_equal(data[at + 8 + length:at + 12 + length], struct.pack("!I", zlib.crc32(kind + body)), f"CRC of {kind}")
        kinds.append(kind)
        if kind == b"IHDR":
            expect_equal(struct.unpack("!IIBB", body[:10]), (*size, 8, 2), "size, depth and kind")
        if kind == b"IDAT":
            pixels += body
        at += 12 + length
    expect_equal((kinds[0], kinds[-1]), (b"IHDR", b"IEND"), "first and last chunk")
    raw = zlib.decompress(pixels)
    expect_equal(len(raw), size[1] * (1 + 3 * size[0]), "bytes of pixels")
    expect(len(set(raw)) > 20, "there is nothing to see")


def check_svg(text, moves):
    """An SVG file with the panels, and so many moves in the histogram."""
    root = xml.dom.minidom.parseString(text).documentElement
    expect_equal(root.tagName, "svg", "root")
    words = " ".join(node.firstChild.data.strip() for node in root.getElementsByTagName("text"))
    for wanted in ("load by CPU", "load of buckets", f"how long moves of buckets took ({moves})", "how late timer threads",
                   *(f"CPU {cpu}" for cpu in range(module.CPUS))):
        expect(wanted in words, f"{wanted!r} is not in {words}")
    expect(len(root.getElementsByTagName("polyline")) >= 2 * module.CPUS, "curves, and their names' lines")


@test("plot: the pictures are valid and show what went on")
def _():
    name = SCRATCH / "picture"
    with module.module():
        with stream:
            process = start("plot", "--seconds", "8", "--out", name)
            # By then it records, also where starting takes long.
            time.sleep(4)
            module.write("map", "0 2\n1 2\n2 2")
            out, complaints = process.communicate(timeout=60)
        stream.check()
        expect_equal((out, complaints), (f"{name}.svg\n{name}.png\n", ""), "output")
        svg, png = Path(f"{name}.svg").read_text(), Path(f"{name}.png").read_bytes()
        check_svg(svg, 3)
        check_png(png, (1000, 1080))
        must_fail(lambda: check_svg(svg, 4))
        must_fail(lambda: check_png(png[:1000] + b"x" + png[1001:], (1000, 1080)))
        expect("<rect" in svg, "no cells")
        check_refused(["plot", "--seconds", "1000", "--out", SCRATCH / "none" / "x"], FAILED, "is no directory")
        process = start("plot", "--seconds", "1000", "--out", name)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        expect_equal(process.returncode, 0, "status after Ctrl-C")
        module.check_accounts()


def check_view(screen, width, height):
    """The live view fills a screen of this size."""
    lines = screen.splitlines()
    expect_equal(len(lines), height, "lines")
    expect("flowbucket is on" in lines[0] and "packets/s" in lines[1], f"head: {lines[:2]}")
    expect_equal(len(re.findall(r"\d% +\S+/s", screen)), module.CPUS, "bars of CPUs")
    expect("load of 4096 buckets" in screen and "hottest connections" in screen, screen)
    expect_equal({len(line) for line in lines if line.startswith(("┌", "│", "└"))}, {width}, "width of frames")
    expect_equal(lines[-1][-1], "┘", "last character")


def wait_for_view(terminal, width, height):
    """The live view fills the terminal soon."""
    def fills():
        try:
            check_view(terminal.screen(), width, height)
        except (Failed, IndexError):
            return False
        return True

    try:
        wait_for(fills, "the view fills the terminal")
    except Failed:
        check_view(terminal.screen(), width, height)


@test("top: at 80x24 and resized; q gives the terminal back")
def _():
    with module.module(policy="load"), Terminal(80, 24) as terminal:
        before = terminal.settings()
        with stream:
            terminal.type(f"{COMMAND} top --seconds 0.5; echo status $?", "Enter")
            wait_for(lambda: "hottest connections" in terminal.screen(), "the view")
            wait_for(lambda: ":7100" in terminal.screen(), "the datagrams among the hottest")
            screen = terminal.screen()
            note(screen)
            check_view(screen, 80, 24)
            must_fail(lambda: check_view(screen, 81, 24))
            module.write("map", "0-4095 3")
            wait_for(lambda: re.search(r": CPU \d to 3", terminal.screen()), "moves")
            expect(not terminal.is_plain(), "the view is on the shell's own screen")
            for width, height in ((120, 40), (60, 16), (80, 24)):
                terminal.tmux("resize-window", "-x", width, "-y", height)
                wait_for_view(terminal, width, height)
            for width, height in ((20, 5), (1, 1), (80, 24)):
                terminal.tmux("resize-window", "-x", width, "-y", height)
                time.sleep(0.7)
            wait_for_view(terminal, 80, 24)
            terminal.type("q")
            wait_for(lambda: "status 0" in terminal.screen(), "its end")
        stream.check()
        expect(terminal.is_plain(), "the shell's screen is not back")
        expect_equal(terminal.settings(), before, "settings of the terminal")
        module.check_accounts()


@test("top: the terminal is given back by signals, and when the module goes")
def _():
    with Terminal(80, 24) as terminal:
        before = terminal.settings()
        for end, status in (("C-c", 0), (signal.SIGTERM, 0), ("module", 3)):
            with module.module():
                terminal.type(f"clear; {COMMAND} top --seconds 0.5; echo status $?", "Enter")
                wait_for(lambda: "hottest connections" in terminal.screen(), "the view")
                must_fail(lambda: expect_equal(terminal.settings(), before, "settings of the terminal"))
                if end == "C-c":
                    terminal.type(end)
                elif end == signal.SIGTERM:
                    os.kill(terminal.child(), signal.SIGTERM)
                else:
                    module.unload()
                wait_for(lambda: f"status {status}" in terminal.screen(), f"its end after {end}")  # pylint: disable=cell-var-from-loop
            expect(terminal.is_plain(), "the shell's screen is not back")
            expect_equal(terminal.settings(), before, "settings of the terminal")
        expect("the module is not loaded" in terminal.screen(), terminal.screen())


@test("top: it ends when its terminal goes, in order")
def _():
    said = SCRATCH / "status"
    with module.module():
        with Terminal(80, 24) as terminal:
            # A shell that lives on to tell the status.
            terminal.type(f"sh -c 'trap : HUP; {COMMAND} top; echo $? >{said}'", "Enter")
            wait_for(lambda: "hottest connections" in terminal.screen(), "the view")
        wait_for(said.exists, "the end of top")
        wait_for(said.read_text, "its status")
        # 1: it drew before it saw the signal.
        expect(said.read_text().strip() in ("0", "1"), f"status {said.read_text()}")


@test("top: q ends it also when it does nothing but refresh; a terminal without a size is refused")
def _():
    with module.module(), Terminal(80, 24) as terminal:
        terminal.type(f"{COMMAND} top --seconds 0; echo status $?", "Enter")
        wait_for(lambda: "hottest connections" in terminal.screen(), "the view")
        terminal.type("q")
        wait_for(lambda: "status 0" in terminal.screen(), "its end")
        terminal.type(f"clear; stty cols 0 rows 0; {COMMAND} top; echo status $?", "Enter")
        wait_for(lambda: "status 1" in terminal.screen(), "its end")
        expect("does not tell its size" in terminal.screen(), terminal.screen())


@test("plot: with nohup it goes on when its terminal goes")
def _():
    name = SCRATCH / "nohup"
    with module.module():
        for prefix, seconds in (("nohup ", 8), ("", 1000)):
            with Terminal(80, 24) as terminal:
                terminal.type(f"{prefix}{COMMAND} plot --seconds {seconds} --out {name} >/dev/null", "Enter")
                time.sleep(2)
            if prefix:
                time.sleep(3)
                expect(not Path(f"{name}.svg").exists(), "it has ended already")
            wait_for(Path(f"{name}.png").exists, "the pictures")
            for file in SCRATCH.glob("nohup*"):
                file.unlink()


if __name__ == "__main__":
    main()
