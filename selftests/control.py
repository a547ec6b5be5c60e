#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The files in /sys/kernel/flowbucket and the module's parameters: what they
take, what they refuse, and that a refusal changes nothing and is logged."""

import errno
import itertools
import os
import sys
from errno import EEXIST, EINVAL, ENODEV, ERANGE
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from harness import Failed, expect, expect_equal, main, must_fail, test
from knobs import BAD, EVERY, GOOD, KEY, OTHER
from net import wait_for
from scenes import set_online

TIMEOUTS = {"half_open": "60", "established": "86400", "closing": "120", "time_wait": "60", "closed": "10",
            "udp": "120", "other": "300"}


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


@test("an offline CPU is refused with ENODEV")
def _():
    last = module.CPUS - 1
    with module.module("buckets=64"):
        before = module.bucket_map()
        set_online(last, False)
        try:
            check_refused("cpus", str(last), ENODEV)
            check_refused("cpus", f"0,{last}", ENODEV)
            check_refused("map", f"0 {last}\n", ENODEV)
            check_refused("map", f"0 1\n1 {last}\n", ENODEV)
            expect(last not in module.bucket_map(), "an offline CPU owns buckets")
        finally:
            set_online(last, True)
        wait_for(lambda: module.bucket_map() == before, "the CPU's buckets are back")
        module.write("cpus", str(last))


def check_not_loaded(errors, *parameters):
    """Loading fails with one of these errors, is logged, and leaves nothing."""
    with module.log_lines() as lines:
        result = module.insmod(*parameters)
    expect(result in errors, f"insmod {' '.join(parameters)}: {errno.errorcode.get(result, 0)}")
    # Values that the kernel's own parser refuses it logs in its own words.
    expect(lines or result == EINVAL, f"{parameters} are not logged")
    module.check_gone()


@test("bad module parameters: the right error, a log line, and nothing is left")
def _():
    for parameter in ("buckets=0", "buckets=131072", "buckets=100"):
        check_not_loaded((ERANGE,), parameter)
    # All combinations of absent, good and bad ones, with the error of each.
    values = {"buckets": {None: 0, "64": 0, "63": ERANGE, "few": EINVAL},
              "hash": {None: 0, "crc32c": 0, "md5": EINVAL, "": EINVAL},
              "enabled": {None: 0, "0": 0, "maybe": EINVAL}}
    for chosen in itertools.product(*(each.items() for each in values.values())):
        parameters = [f"{name}={value}" for name, (value, _) in zip(values, chosen) if value is not None]
        errors = {error for _, error in chosen if error}
        if errors:
            check_not_loaded(errors, *parameters)
    must_fail(check_not_loaded, (ERANGE,), "hash=md5")
    with module.module():
        must_fail(module.check_gone)


@test("good module parameters are taken")
def _():
    for parameters in ({"buckets": "64"}, {"buckets": "65536"}, {"enabled": "0"}, {"enabled": "1"},
                       *({"hash": name} for name in module.HASHES),
                       {"buckets": "128", "hash": "toeplitz", "enabled": "0"}):
        with module.module(*(f"{name}={value}" for name, value in parameters.items())):
            for name, value in parameters.items():
                expect_equal(module.read(name), value, f"{name} with {parameters}")
            expect_equal(len(module.bucket_map()), int(module.read("buckets")), "lines in the map")
    module.check_gone()


@test("loading it twice gives EEXIST and does no harm")
def _():
    with module.module("hash=crc32c"):
        before = module.settings()
        expect_equal(module.insmod(), EEXIST, "second insmod")
        expect_equal(module.settings(), before, "settings")


if __name__ == "__main__":
    main()
