#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The command `flowbucket` with the module: what it shows is what the module's files and real
connections say, what it sets is there, and what it refuses changes nothing. Numbered datagrams
are under way meanwhile, each of which is accounted for."""

import os
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import module
import numbered
from command import (COMMAND, FAILED, NO_RIGHTS, NOT_LOADED, USAGE, check_refused, data, good, run)
from harness import Failed, expect, expect_equal, main, must_fail, test
from knobs import BAD, EVERY, GOOD
from net import run as run_program
from net import wait_for

sender, receiver, stream = numbered.pair()
# By the command's names.
FILES = {Path(name).name: name for name in module.SETTINGS if name != "map"}
SCRATCH = Path(tempfile.mkdtemp())
SERVER = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


@contextmanager
def under_traffic(*parameters):
    """The module, with datagrams under way while the block runs, none of which is lost."""
    with module.module(*parameters):
        with stream:
            yield
        stream.check()
        module.check_accounts()


def check_unchanged(words, status, text):
    """It refuses, nothing has changed, and it has not even tried."""
    before = module.settings()
    with module.log_lines() as lines:
        check_refused(words, status, text)
    expect_equal(module.settings(), before, f"settings after {words}")
    expect_equal(lines, [], "what the kernel refused")


def file(name, text):
    """A file with this text."""
    path = SCRATCH / name
    path.write_text(text, encoding="utf-8")
    return path


@test("without the module each command says so and ends with status 3")
def _():
    commands = [["status"], ["get"], ["get", "hash"], ["set", "quantum=2000"], ["rebalance"], ["map", "show"],
                ["map", "set", "0", "1"], ["map", "save", SCRATCH / "x"], ["conns"], ["watch"], ["top"], ["export"],
                ["map", "restore", file("empty", "")], ["export", "--listen", "127.0.0.1:0"],
                ["export", "--textfile", SCRATCH / "x"], ["plot", "--seconds", "0"],
                ["apply", file("one.toml", "quantum = 2000")]]
    for words in commands:
        check_refused(words, NOT_LOADED, "the module is not loaded; load it as root with 'modprobe flowbucket'")
    expect(not (SCRATCH / "x").exists(), "a file was written")
    with module.module():
        must_fail(lambda: check_refused(["get", "hash"], NOT_LOADED, "not loaded"))


@test("a wrong command line ends with status 2")
def _():
    with module.module():
        for words in ([], ["nothing"], ["set"], ["set", "quantum"], ["set", "quantums=1"], ["get", "quantums"],
                      ["map", "set", "1"], ["conns", "--state", "idle"], ["conns", "--peer", "x"], ["top"]):
            status, out, complaints = run(*words)
            expect_equal((status, out), (USAGE, ""), f"status and output of {words}")
            expect(complaints, f"{words} has no complaint")


@test("without rights: what is for all works, the rest ends with status 4")
def _():
    # The work tree is not for everybody.
    copy = "/tmp/flowbucket"
    run_program("install", "-m", "755", COMMAND, copy)
    nobody = ("setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", f'shift; exec {copy} "$@"', "sh")
    with module.module():
        before = module.settings()
        for words in (["set", "quantum=2000"], ["map", "set", "0", "1"], ["rebalance"], ["watch"],
                      ["conns"], ["get", "toeplitz_key"]):
            check_refused(words, NO_RIGHTS, "not permitted; run the command as root", prefix=nobody)
        expect_equal(module.settings(), before, "settings")
        status, out, complaints = run("get", prefix=nobody)
        expect_equal((status, out.count("\n")), (0, len(FILES) - 1), "status and settings shown")
        expect("toeplitz_key is shown to root only" in complaints, complaints)
        for words in (["status", "--seconds", "0"], ["map", "show"], ["export"]):
            expect_equal(run(*words, prefix=nobody)[0], 0, f"status of {words}")


@test("get shows all settings as the files hold them")
def _():
    with under_traffic("buckets=64", "hash=crc32c"):
        module.write("interfaces", "in eth7")
        shown = dict(line.split("=", 1) for line in good("get").splitlines())
        wanted = {name: module.read(path) for name, path in FILES.items()}
        expect_equal(shown, wanted, "settings")
        must_fail(lambda: expect_equal(shown, wanted | {"quantum": "1"}, "settings"))
        typed = data("get")
        expect_equal(typed.pop("interfaces"), ["in", "eth7"], "interfaces")
        expect_equal({name: str(int(value)) if isinstance(value, int) else value for name, value in typed.items()},
                     {name: value for name, value in wanted.items() if name != "interfaces"}, "settings in JSON")
        expect_equal(typed["enabled"], True, "type of a switch")
        expect_equal(good("get", "quantum", "connections/timeout_udp"), "quantum=1514\ntimeout_udp=120\n", "two")


@test("set: what the module takes is set")
def _():
    with under_traffic():
        for name, path in FILES.items():
            for text, wanted in GOOD[path]:
                good("set", f"{name}={text}")
                expect_equal(module.read(path), wanted, f"{name} after {text!r}")
        good("set", "quantum=3000", "policy=step", "enabled=1", f"cpus={EVERY}", "interfaces=")
        expect_equal([module.read(name) for name in ("quantum", "policy")], ["3000", "step"], "two at once")


def declare(name, values):
    """One test point per setting."""
    @test(f"set {name}: {len(values)} bad values are refused before they are written")
    def _():
        with module.module("buckets=64", "hash=crc32c"):
            module.write("cpus", "0-2")
            for text, _ in values:
                check_unchanged(["set", "limit_packets=64", f"{name}={text}"], FAILED, f"{name}: ")


for each_name, each_path in FILES.items():
    if each_path in BAD:
        declare(each_name, [(text, error) for text, error in BAD[each_path]
                            if isinstance(text, str) and "\0" not in text])


@test("control: the check of refusals complains of a good value")
def _():
    with module.module():
        must_fail(lambda: check_unchanged(["set", "quantum=2000"], FAILED, "quantum: "))


@test("what only the kernel refuses is told in words")
def _():
    cpus = file("cpus", "0-63\n")
    # To the command there are more CPUs than there are.
    script = "for file in possible online; do mount --bind $0 /sys/devices/system/cpu/$file; done; exec \"$@\""
    with module.module():
        for words, text in ((["set", f"cpus={module.CPUS}"], "cpus: the kernel refused it: a number is outside its range"),
                            (["map", "set", "0", str(module.CPUS)], "map: the kernel refused it: a CPU is not online"),
                            (["set", "quantum=2000", f"min_cpus={module.CPUS + 1}"], "set before that: quantum")):
            check_refused(words, FAILED, text, prefix=("unshare", "-m", "sh", "-c", script, str(cpus)))
        expect_equal(module.read("quantum"), "2000", "what was set before")


@test("map: shown, set, saved and restored")
def _():
    with under_traffic("buckets=1024"):
        expect_equal(data("map", "show")["owners"], module.bucket_map(), "owners")
        good("map", "set", "17", "2", "100-199", "3", "150", "0")
        wanted = [n * module.CPUS // 1024 for n in range(1024)]
        wanted[17], wanted[100:200] = 2, [3] * 100
        wanted[150] = 0
        expect_equal(module.bucket_map(), wanted, "owners after set")
        saved = SCRATCH / "map"
        good("map", "save", saved)
        for target in (1, 2):
            module.all_to(target)
            must_fail(lambda: expect_equal(module.bucket_map(), wanted, "owners"))
            good("map", "restore", saved)
            expect_equal(module.bucket_map(), wanted, "owners after restore")
        # What it shows can be restored as well, and what it saves can be written.
        shown = file("shown", good("map", "show"))
        module.all_to(0)
        good("map", "restore", shown)
        module.all_to(0)
        module.write("map", saved.read_bytes())
        expect_equal(module.bucket_map(), wanted, "owners")


@test("map: what is wrong is refused as a whole, with its line")
def _():
    with module.module("buckets=1024"):
        good("map", "save", SCRATCH / "map")
        text = (SCRATCH / "map").read_text()
        module.all_to(1)
        lines = text.splitlines(keepends=True)
        for name, bad, words in (("short", "".join(lines[:-1]), "it does not name bucket 1023 of 1024"),
                                 ("range", text + "1024 0\n", "line 1025: '1024 0' is beyond the last bucket, 1023"),
                                 ("cpu", "".join(lines[:-1]) + f"1023 {module.CPUS}\n", "is not online"),
                                 ("words", "x\n" + text, "line 1: 'x' is neither"), ("empty", "", "bucket 0 of 1024")):
            check_unchanged(["map", "restore", file(name, bad)], FAILED, words)
        check_unchanged(["map", "restore", SCRATCH / "none"], FAILED, "no such file")
        for words in (["0", "1", "1", str(module.CPUS)], ["0", "2", "5-3", "1"], ["0", "2", "1024", "0"]):
            check_unchanged(["map", "set", *words], FAILED, "map: line 2: ")
        must_fail(lambda: check_unchanged(["map", "restore", SCRATCH / "map"], FAILED, ""))


def listed(found):
    """Connections of the command as `tracked` has them."""
    return [(each["bucket"], each["proto"], each["first"]["address"], each["first"]["port"], each["other"]["address"],
             each["other"]["port"], each["state"], each["packets"], each["bytes"], each["netns"], each["interface"])
            for each in found]


def tracked(wanted=lambda conn: True):
    """Connections of the kernel, but for the time since the last packet."""
    return [each[:9] + each[10:] for each in conns.dump() if wanted(each)]


def check_listed(words, wanted, timeout=20):
    """The command lists what the kernel has, once nothing comes in between."""
    try:
        wait_for(lambda: listed(data("conns", *words)) == tracked(wanted), "lists are equal", timeout)
    except Failed:
        expect_equal(listed(data("conns", *words)), tracked(wanted), f"connections with {words}")


@contextmanager
def tcp_connections(port):
    """Three connections for each protocol, which carry data; yields the clients' ports."""
    sockets = []
    for family, addr in SERVER.items():
        with receiver.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((addr, port))
            listener.listen()
            for count in range(1, 4):
                ours = sender.socket(family, socket.SOCK_STREAM)
                ours.connect((addr, port))
                sockets += [ours, listener.accept()[0]]
                ours.sendall(bytes(10000 * count))
                sockets[-1].recv(10000 * count, socket.MSG_WAITALL)
    yield {each.getsockname()[1] for each in sockets[::2]}
    for each in sockets:
        each.close()


@test("conns: real connections are listed, filtered, sorted and limited")
def _():
    with module.module():
        with stream:
            wait_for(lambda: len(conns.dump()) >= 2 * numbered.FLOWS, "connections of datagrams")
        stream.check()
        with tcp_connections(7443) as ports:
            check_listed([], lambda conn: True)
            must_fail(lambda: check_listed([], lambda conn: conn.proto == "tcp", 1))
            found = data("conns", "--proto", "tcp", "--port", "7443", "--state", "established")
            ends = {end["port"] for each in found for end in (each["first"], each["other"])}
            expect_equal(ports - ends, set(), "ports of real connections that are not listed")
            bucket = found[0]["bucket"]
            for words, wanted in ((["--proto", "tcp"], lambda conn: conn.proto == "tcp"),
                                  (["--proto", "udp", "--state", "half_open"], lambda conn: False),
                                  (["--state", "udp"], lambda conn: conn.state == "udp"),
                                  (["--port", "7443"], lambda conn: 7443 in (conn.first_port, conn.other_port)),
                                  (["--port", "1"], lambda conn: False),
                                  (["--bucket", bucket], lambda conn: conn.bucket == bucket),
                                  (["--peer", "192.0.2.0/24"], lambda conn: "." in conn.first),
                                  (["--peer", "2001:db8::1"], lambda conn: "2001:db8::1" in (conn.first, conn.other))):
                check_listed(words, wanted)
            sizes = sorted((each.bytes for each in conns.dump()), reverse=True)[:3]
            expect_equal([each["bytes"] for each in data("conns", "--sort", "bytes", "--limit", "3")], sizes, "sizes")
            expect_equal(good("conns", "--limit", "2").count("\n"), 3, "lines of a table of two")
            # Nobody reads to the end: no failure.
            run_program("bash", "-o", "pipefail", "-c", f"for n in {{1..20}}; do {COMMAND} conns; done | head -n 1")
        module.check_accounts()


@test("status says what the files say")
def _():
    with module.module():
        with stream:
            wait_for(lambda: module.total("packets") > 100, "packets")
            live = data("status", "--seconds", "0.5")
            expect(sum(cpu["packets_per_second"] for cpu in live["cpu"]) > 0, "no packets per second under traffic")
        stream.check()
        module.settle()
        names = ("packets", "bytes", "direct", "queued", "steered", "ipis", "buckets", "rps")

        def shown(status):
            return {name: [cpu[name] for cpu in status["cpu"]] for name in names}

        def counted():
            return {name: module.counter(name) for name in names}

        wait_for(lambda: shown(data("status", "--seconds", "0")) == counted(), "status shows the counters")
        must_fail(lambda: expect_equal(shown(live), counted(), "counters"))
        found = data("status", "--seconds", "0")
        expect_equal([found[name] for name in ("enabled", "policy", "hash", "buckets", "cpus")],
                     [True, "static", "siphash", 4096, module.read("cpus")], "settings")
        expect_equal(found["moves"]["total"], int(module.read("moves/total")), "moves")
        wait_for(lambda: data("status", "--seconds", "0")["connections"]["states"] == conns.states(), "connections")
        text = good("status", "--seconds", "0")
        for words in ("flowbucket is on", "policy static", "4096 buckets", "drops ", "imbalance ", "last plan"):
            expect(words in text, f"{words!r} is not in {text}")
        module.write("enabled", "0")
        expect("flowbucket is off" in good("status", "--seconds", "0"), "it is off")


@test("rebalance has the balancer look")
def _():
    with under_traffic():
        module.write("interval_ms", "60000")
        before = int(module.read("balance/runs"))
        good("rebalance")
        expect(int(module.read("balance/runs")) > before, "it did not look")


@test("apply: a good file is applied, and a second time nothing is written")
def _():
    text = """# As an operator writes it.
enabled = true
interfaces = ["in", "out"]
hash = "siphash"
buckets = 128
cpus = "1-2"
hysteresis = 33
limit_bytes = 1_000_000
timeout_udp = 77
delayed_acks = true
"""
    path = file("good.toml", text)
    with under_traffic():
        expect_equal(good("apply", "--check", path), f"{path}: 9 settings, all right\n", "what a check says")
        expect_equal(module.read("buckets"), "4096", "buckets after a check")
        good("apply", path)
        expect_equal({name: module.read(FILES[name]) for name in ("interfaces", "buckets", "cpus", "hysteresis", "limit_bytes",
                                                                  "timeout_udp", "delayed_acks")},
                     {"interfaces": "in out", "buckets": "128", "cpus": "1-2", "hysteresis": "33", "limit_bytes": "1000000",
                      "timeout_udp": "77", "delayed_acks": "1"}, "settings")
        # A write of `buckets` or `cpus` would deal them anew.
        module.write("map", "0 3")
        good("apply", path)
        expect_equal(module.bucket_map()[0], 3, "owner of bucket 0")
        module.write("cpus", "1-3")
        good("apply", path)
        must_fail(lambda: expect_equal(module.bucket_map()[0], 3, "owner of bucket 0"))


@test("apply: a bad file is refused as a whole, with line and reason")
def _():
    with module.module():
        for text, words in (("quantum = 2000\nhash = \"md5\"\n", ":2: hash: 'md5' is no hash"),
                            ("quantum = 2000\nquantums = 1\n", ":2: there is no setting 'quantums'"),
                            ("quantum = 2000\nbuckets = [1]\n", ":2: buckets: "),
                            ("quantum = 2000\nquantum = 3000\n", ":2: duplicate key"),
                            ("quantum = 2000\ncpus = \n", ":2: "),
                            (f"quantum = 2000\ncpus = \"{module.CPUS}\"\n", ":2: cpus: "),
                            ("[section]\nquantum = 2000\n", ":1: there is no setting 'section'")):
            check_unchanged(["apply", file("bad.toml", text)], FAILED, words)
            check_unchanged(["apply", "--check", file("bad.toml", text)], FAILED, "nothing was changed")
        check_unchanged(["apply", SCRATCH / "none.toml"], FAILED, "no such file")
        check_unchanged(["apply"], FAILED, "/etc/flowbucket.toml: no such file")
        must_fail(lambda: check_unchanged(["apply", file("good.toml", "quantum = 2000\n")], FAILED, ""))


@test("completions are read by a shell, manual pages are there for each command")
def _():
    script = file("completions", good("completions", "bash"))
    run_program("bash", "-n", script)
    pages = SCRATCH / "man"
    pages.mkdir()
    good("man", pages)
    names = {page.name for page in pages.iterdir()}
    for name in ("", "-status", "-get", "-set", "-map", "-map-restore", "-conns", "-watch", "-top", "-plot", "-export",
                 "-apply"):
        expect(f"flowbucket{name}.1" in names, f"no page flowbucket{name}.1 in {names}")
        text = (pages / f"flowbucket{name}.1").read_text()
        expect(".TH flowbucket" in text and ".SH SYNOPSIS" in text, text[:200])


if __name__ == "__main__":
    main()
