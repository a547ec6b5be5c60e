#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The files in /sys/kernel/flowbucket and the module's parameters: what they
take, what they refuse, and that a refusal changes nothing and is logged."""

import errno
import os
import sys
from errno import EEXIST, EINVAL, ENODEV, ERANGE
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import hashes
import module
from harness import Failed, Skipped, expect, expect_equal, main, must_fail, test
from net import wait_for

KEY = hashes.MICROSOFT_KEY.hex(":")
OTHER = bytes(range(40)).hex(":")
NAMES = [f"port{n}" for n in range(17)]
EVERY = f"0-{module.CPUS - 1}"

TIMEOUTS = {"half_open": "60", "established": "86400", "closing": "120", "time_wait": "60", "closed": "10",
            "udp": "120", "other": "300"}

# file: [(what is written, what is read then)]
GOOD = {
    "enabled": [("0", "0"), ("1\n", "1"), ("n", "0"), ("Y", "1"), ("off", "0"), ("on\n", "1")],
    "cpus": [("0\n", "0"), ("1-2", "1-2"), ("0,2-3\n", "0,2-3"), (" 0,1,2,3 \n", EVERY), ("0 2", "0,2"), ("0-3:2/4", "0-1")],
    "interfaces": [("eth0\n", "eth0"), ("a, b c\n", "a b c"), ("x\n\ty x", "x y"), ("fifteen_letters", "fifteen_letters"),
                   (" ".join(NAMES[:16]), " ".join(NAMES[:16])), ("\n", "")],
    "hash": [(name, name) for name in module.HASHES] + [(" siphash\n", "siphash")],
    "toeplitz_key": [(OTHER, OTHER), (KEY.replace(":", "").upper() + "\n", KEY)],
    "buckets": [("65536", "65536"), ("4096\n", "4096"), (" 64 \n", "64")],
    "quantum": [("64", "64"), ("1048576\n", "1048576")],
    "limit_packets": [("64", "64"), (" 4096\n", "4096")],
    "limit_bytes": [("262144", "262144"), ("1073741824\n", "1073741824")],
    "policy": [("proportional", "proportional"), ("step\n", "step"), ("load", "load"), (" static \n", "static")],
    "interval_ms": [("10", "10"), ("60000\n", "60000"), ("100", "100")],
    "hysteresis": [("0", "0"), ("1000\n", "1000")],
    "max_moves": [("1", "1"), (" 65536\n", "65536")],
    "min_cpus": [("1", "1"), (str(module.CPUS), str(module.CPUS)), ("0\n", "0")],
    "moves/check_order": [("1", "1"), ("off\n", "0")],
    "track": [("0", "0"), ("on\n", "1")],
    "max_connections": [("1", "1"), ("67108864\n", "67108864")],
    "timer_interval_ms": [("10", "10"), ("10000\n", "10000")],
    "keepalive_time": [("7200", "7200"), ("864000\n", "864000"), ("0", "0")],
    "keepalive_intvl": [("1", "1"), ("32767\n", "32767")],
    "keepalive_probes": [("1", "1"), ("127\n", "127")],
    "delayed_acks": [("1", "1"), ("off\n", "0")],
} | {f"connections/timeout_{state}": [("1", "1"), (" 864000\n", "864000")] for state in module.STATES}

# file: [(what is written, the error)]
BAD = {
    "enabled": [("\n", EINVAL), ("2", EINVAL), ("-1", EINVAL), ("maybe\n", EINVAL), (b"\xff", EINVAL)],
    "cpus": [("\n", EINVAL), ("x", EINVAL), ("0-", EINVAL), ("3-1", EINVAL), ("0,1-x", EINVAL), ("-1", EINVAL),
             ("0;1", EINVAL), (str(module.CPUS), ERANGE), ("0,9999", ERANGE),
             ("99999999999", None)],
    "interfaces": [("sixteen_letters_", EINVAL), ("eth0 " + "x" * 200, EINVAL), ("a/b", EINVAL), ("a:b", EINVAL),
                   (".", EINVAL), ("eth0 ..", EINVAL), (b"et\0h0", EINVAL), (" ".join(NAMES), ERANGE)],
    "hash": [("\n", EINVAL), ("md5", EINVAL), ("SipHash", EINVAL), ("crc32c skb", EINVAL), ("crc32", EINVAL),
             ("x" * 3000, EINVAL)],
    "toeplitz_key": [("\n", EINVAL), (KEY[:-3], EINVAL), (KEY + ":00", EINVAL), (KEY.replace("6d", "6g"), EINVAL),
                     (KEY.replace("5a:", "5a::"), EINVAL), (KEY[:-1], EINVAL), ("0x" + KEY, EINVAL)],
    "buckets": [("\n", EINVAL), ("many", EINVAL), ("-64", EINVAL), ("64k", EINVAL), ("64.0", EINVAL), ("0", ERANGE),
                ("63", ERANGE), ("65", ERANGE), ("32", ERANGE), ("131072", ERANGE), ("4294967295", ERANGE)],
    "quantum": [("\n", EINVAL), ("1k", EINVAL), ("-64", EINVAL), ("0", ERANGE), ("63", ERANGE), ("1048577", ERANGE)],
    "limit_packets": [("x", EINVAL), ("0", ERANGE), ("63", ERANGE), ("4097", ERANGE)],
    "limit_bytes": [("1M", EINVAL), ("4294967296", EINVAL), ("262143", ERANGE), ("1073741825", ERANGE)],
    "policy": [("\n", EINVAL), ("Load", EINVAL), ("load static", EINVAL), ("random", EINVAL), (b"load\0", EINVAL)],
    "interval_ms": [("1s", EINVAL), ("-1", EINVAL), ("9", ERANGE), ("0", ERANGE), ("60001", ERANGE)],
    "hysteresis": [("4%", EINVAL), ("-1", EINVAL), ("1001", ERANGE), ("4294967296", EINVAL)],
    "max_moves": [("all", EINVAL), ("0", ERANGE), ("65537", ERANGE)],
    "min_cpus": [("one", EINVAL), (str(module.CPUS + 1), ERANGE)],
    "rebalance": [("\n", EINVAL), ("0", EINVAL), ("now", EINVAL)],
    "moves/check_order": [("\n", EINVAL), ("2", EINVAL)],
    "track": [("\n", EINVAL), ("2", EINVAL), ("all", EINVAL)],
    "max_connections": [("1M", EINVAL), ("-1", EINVAL), ("0", ERANGE), ("67108865", ERANGE)],
    "timer_interval_ms": [("224ms", EINVAL), ("9", ERANGE), ("10001", ERANGE)],
    "keepalive_time": [("2h", EINVAL), ("-1", EINVAL), ("864001", ERANGE)],
    "keepalive_intvl": [("x", EINVAL), ("0", ERANGE), ("32768", ERANGE)],
    "keepalive_probes": [("x", EINVAL), ("0", ERANGE), ("128", ERANGE)],
    "delayed_acks": [("\n", EINVAL), ("2", EINVAL)],
    "connections/timeout_half_open": [("1m", EINVAL), ("-1", EINVAL), ("0", ERANGE), ("864001", ERANGE)],
    "connections/timeout_other": [("\n", EINVAL), ("0", ERANGE), ("4294967296", EINVAL)],
    "map": [("x\n", EINVAL), ("1\n", EINVAL), ("1 \n", EINVAL), ("1 2 3\n", EINVAL), ("-1 0\n", EINVAL), ("1 -1\n", EINVAL),
            ("5-3 1\n", EINVAL), ("1- 1\n", EINVAL), ("1,2 1\n", EINVAL), ("64 0\n", ERANGE), ("0-64 1\n", ERANGE),
            ("99999999999 1\n", ERANGE), (f"1 {module.CPUS}\n", ENODEV), ("1 99999999999\n", ENODEV),
            # One bad line among good ones, which alone would change something.
            ("0 1\n1 1\n2 x\n3 1\n", EINVAL), ("0 1\n64 1\n1 2\n", ERANGE), ("0 1\n1 2\n2 77\n", ENODEV),
            (b"0 1\n\0\n", EINVAL)],
}


def check_refused(name, text, wanted):
    """The write fails with this error (None: any of the three), one line is logged, nothing changes."""
    before = module.settings()
    with module.log_lines() as lines:
        try:
            module.write_once(name, text)
        except OSError as error:
            number = error.errno
        else:
            raise Failed(f"{name}: {text!r} is taken")
    allowed = (wanted,) if wanted else (EINVAL, ERANGE, ENODEV)
    expect(number in allowed, f"{name}: {text[:40]!r} gives {errno.errorcode[number]}")
    expect_equal(module.settings(), before, f"settings after {name}: {text[:40]!r}")
    expect_equal(len([line for line in lines if f" {Path(name).name}: " in line]), 1, f"log lines about {name}: {lines}")


@test("files have the documented defaults")
def _():
    with module.module(policy="load"):
        expect_equal({name: module.read(name) for name in module.SETTINGS[:-1]},
                     {"enabled": "1", "cpus": EVERY, "interfaces": "", "hash": "siphash", "toeplitz_key": KEY,
                      "buckets": "4096", "quantum": "1514", "limit_packets": "1000", "limit_bytes": "33554432",
                      "policy": "load", "interval_ms": "100", "hysteresis": "12", "max_moves": "1024",
                      "min_cpus": "0", "track": "1", "max_connections": "1048576", "timer_interval_ms": "224",
                      "keepalive_time": "0", "keepalive_intvl": "75", "keepalive_probes": "9", "delayed_acks": "0",
                      **{f"connections/timeout_{state}": seconds for state, seconds in TIMEOUTS.items()},
                      "moves/check_order": "0"}, "settings")
        expect_equal(module.bucket_map() == [n * module.CPUS // 4096 for n in range(4096)], True, "dealt evenly")
        for cpu in range(module.CPUS):
            expect_equal(module.read(f"cpu{cpu}/buckets"), str(4096 // module.CPUS), "buckets owned")
        modes = {each.name: each.stat().st_mode & 0o777 for each in module.FILES.iterdir() if each.is_file()}
        expect_equal(modes.pop("toeplitz_key"), 0o600, "mode of the key")
        expect_equal(modes.pop("rebalance"), 0o200, "mode of what is only written")
        expect_equal(set(modes.values()), {0o644}, "modes of the other files")


@test("files take good values and show them")
def _():
    with module.module():
        for name, values in GOOD.items():
            for text, wanted in values:
                with module.log_lines() as lines:
                    module.write_once(name, text)
                expect_equal(module.read(name), wanted, f"{name} after {text!r}")
                expect_equal(lines, [], "log")


def declare(name, values):
    """One test point per file."""
    @test(f"{name}: {len(values)} bad values are refused and logged, nothing changes")
    def _():
        # The settings are not the defaults: going back to those is a change, too.
        with module.module("buckets=64", "hash=crc32c"):
            module.write("map", "0-63 1")
            module.write("interfaces", "eth7")
            module.write("toeplitz_key", OTHER)
            module.write("cpus", "0-2")
            for text, wanted in values:
                check_refused(name, text, wanted)


for each_name, each_values in BAD.items():
    declare(each_name, each_values)


@test("control: the refusal check complains of a good value and of a wrong error")
def _():
    with module.module("buckets=64"):
        must_fail(check_refused, "hash", "skb", EINVAL)
        must_fail(check_refused, "hash", "md5", ERANGE)


def set_online(cpu, online):
    """Takes a CPU offline or back."""
    file = Path(f"/sys/devices/system/cpu/cpu{cpu}/online")
    if not file.exists():
        raise Skipped(f"CPU {cpu} cannot be taken offline")
    file.write_text(f"{online}\n", encoding="ascii")


@test("an offline CPU is refused with ENODEV")
def _():
    last = module.CPUS - 1
    with module.module("buckets=64"):
        before = module.bucket_map()
        set_online(last, 0)
        try:
            check_refused("cpus", str(last), ENODEV)
            check_refused("cpus", f"0,{last}", ENODEV)
            check_refused("map", f"0 {last}\n", ENODEV)
            check_refused("map", f"0 1\n1 {last}\n", ENODEV)
            expect(last not in module.bucket_map(), "an offline CPU owns buckets")
        finally:
            set_online(last, 1)
        wait_for(lambda: module.bucket_map() == before, "the CPU's buckets are back")
        module.write("cpus", str(last))


def check_gone():
    """Nothing of the module is there."""
    expect(not module.loaded(), "/sys/module/flowbucket is there")
    expect(not module.FILES.exists(), f"{module.FILES} is there")


@test("bad module parameters: the right error, a log line, and nothing is left")
def _():
    for parameter, wanted in (("buckets=63", ERANGE), ("buckets=0", ERANGE), ("buckets=131072", ERANGE),
                              ("buckets=100", ERANGE), ("buckets=few", EINVAL), ("hash=md5", EINVAL),
                              ("hash=", EINVAL), ("enabled=maybe", EINVAL)):
        with module.log_lines() as lines:
            result = module.insmod(parameter)
        expect_equal(errno.errorcode.get(result, 0), errno.errorcode[wanted], f"insmod {parameter}")
        # Values that the kernel's own parser refuses it logs in its own words.
        expect(lines or wanted == EINVAL, f"{parameter} is not logged")
        check_gone()
    with module.module():
        must_fail(check_gone)


@test("good module parameters are taken")
def _():
    for parameters in ({"buckets": "64"}, {"buckets": "65536"}, {"enabled": "0"}, {"enabled": "1"},
                       *({"hash": name} for name in module.HASHES),
                       {"buckets": "128", "hash": "toeplitz", "enabled": "0"}):
        with module.module(*(f"{name}={value}" for name, value in parameters.items())):
            for name, value in parameters.items():
                expect_equal(module.read(name), value, f"{name} with {parameters}")
            expect_equal(len(module.bucket_map()), int(module.read("buckets")), "lines in the map")
    check_gone()


@test("loading it twice gives EEXIST and does no harm")
def _():
    with module.module("hash=crc32c"):
        before = module.settings()
        expect_equal(module.insmod(), EEXIST, "second insmod")
        expect_equal(module.settings(), before, "settings")


if __name__ == "__main__":
    main()
