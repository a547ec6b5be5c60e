#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The bucket map: each flow goes where the map sends the bucket of its hash.

Which bucket that is, is computed here once more, from the flow's bytes.
"""

import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import frames
import hashes
import module
import watch
from harness import expect, expect_equal, main, must_fail, test

SEED = 3
FLOWS = frames.random_flows(4, 768, SEED) + frames.random_flows(6, 768, SEED)
PACKETS = [frames.datagram(flow) for flow in FLOWS]
CRC32C = [hashes.flow_crc32c(flow) for flow in FLOWS]
TOEPLITZ = [hashes.flow_toeplitz(flow) for flow in FLOWS]
LAST = module.CPUS - 1

bench = watch.Bench()


def observe():
    """Where each flow is processed now."""
    bench.clear()
    bench.send(PACKETS)
    seen = bench.seen()
    watch.check_each_once(FLOWS, seen)
    watch.check_one_cpu(FLOWS, seen)
    return [next(iter(seen[flow.src, flow.sport])) for flow in FLOWS]


def check_owners(found, owners, sums):
    """Every flow is on the CPU that owns the bucket its hash, in `sums`, means."""
    wanted = [owners[each & len(owners) - 1] for each in sums]
    wrong = [n for n, cpu in enumerate(wanted) if found[n] != cpu]
    expect(not wrong, f"{len(wrong)} of {len(sums)} flows are not on their bucket's CPU")


def cat(source, target):
    """As a shell would save and restore a map."""
    with open(target, "wb") as out:
        subprocess.run(["cat", source], stdout=out, check=True)


def random_map(buckets, seed):
    """Buckets given to all CPUs at random."""
    rng = random.Random(seed)
    return [rng.randrange(module.CPUS) for _ in range(buckets)]


def as_text(owners):
    """A map as the file takes it."""
    return "".join(f"{bucket} {cpu}\n" for bucket, cpu in enumerate(owners)).encode()


@test("the independent hashes give the published values")
def _():
    expect(hashes.self_check(), "they do not")


def one_bucket(parameters, buckets, sums):
    """Moves one bucket at a time; exactly its flows must follow."""
    full = sorted({each & buckets - 1 for each in sums})
    with module.module(*parameters):
        module.all_to(0)
        owners = [0] * buckets
        for turn, bucket in enumerate((full[0], full[len(full) // 2], full[-1])):
            cpu = LAST - turn % LAST
            module.write("map", f"{bucket} {cpu}")
            owners[bucket] = cpu
            found = observe()
            check_owners(found, owners, sums)
        expect_equal(module.bucket_map(), owners, "the map")
        # Controls: the next bucket would have been wrong, and so would another hash.
        wrong = [owners[-1]] + owners[:-1]
        must_fail(check_owners, found, wrong, sums)
        must_fail(check_owners, found, owners, [each >> 16 for each in sums])


@test("crc32c: writing one of 4096 buckets moves exactly its flows")
def _():
    one_bucket(["hash=crc32c"], 4096, CRC32C)


@test("crc32c: writing one of 64 buckets moves exactly its flows")
def _():
    one_bucket(["hash=crc32c", "buckets=64"], 64, CRC32C)


@test("toeplitz: writing one of 4096 buckets moves exactly its flows")
def _():
    one_bucket(["hash=toeplitz"], 4096, TOEPLITZ)


@test("toeplitz: another key moves the flows as it should")
def _():
    key = random.Random(SEED).randbytes(40)
    owners = random_map(4096, 1)
    with module.module("hash=toeplitz"):
        module.write("map", as_text(owners))
        check_owners(observe(), owners, TOEPLITZ)
        module.write("toeplitz_key", key.hex(":"))
        expect_equal(module.read("toeplitz_key"), key.hex(":"), "the key")
        expect_equal(module.bucket_map(), owners, "the map under another key")
        found = observe()
        check_owners(found, owners, [hashes.flow_toeplitz(flow, key) for flow in FLOWS])
        must_fail(check_owners, found, owners, TOEPLITZ)


@test("the hash can be changed at run time, and the map stays")
def _():
    owners = random_map(4096, 2)
    with module.module("hash=toeplitz"):
        module.write("map", as_text(owners))
        module.write("hash", "crc32c")
        expect_equal(module.bucket_map(), owners, "the map under another hash")
        check_owners(observe(), owners, CRC32C)


@test("a map can be saved, changed and restored by cat")
def _():
    with module.module("hash=crc32c"), tempfile.TemporaryDirectory() as scratch:
        file = module.FILES / "map"
        module.write("map", as_text(random_map(4096, 3)))
        cat(file, f"{scratch}/saved")
        owners = module.bucket_map()
        module.all_to(1)
        expect_equal(set(observe()), {1}, "CPUs with all buckets on CPU 1")
        expect_equal(set(module.bucket_map()), {1}, "owners with all buckets on CPU 1")
        cat(f"{scratch}/saved", file)
        cat(file, f"{scratch}/restored")
        with open(f"{scratch}/saved", "rb") as one, open(f"{scratch}/restored", "rb") as two:
            expect_equal(one.read() == two.read(), True, "saved and restored maps are alike")
        check_owners(observe(), owners, CRC32C)


@test("a map of 65536 buckets is written whole, page by page")
def _():
    owners = random_map(65536, 4)
    with module.module("hash=crc32c", "buckets=65536"), tempfile.TemporaryDirectory() as scratch:
        with open(f"{scratch}/new", "wb") as new:
            new.write(as_text(owners))
        cat(f"{scratch}/new", module.FILES / "map")
        expect_equal(module.bucket_map() == owners, True, "the map is as written")
        for cpu, owned in enumerate(module.counter("buckets")):
            expect_equal(owned, owners.count(cpu), f"buckets of CPU {cpu}")
        check_owners(observe(), owners, CRC32C)


@test("ranges, blanks, empty lines and a lone line without its newline are taken; the last line wins")
def _():
    with module.module("hash=crc32c"):
        module.all_to(0)
        module.write_once("map", "0-2047 1\n\n \t1000-1999\t 2  \n1500 3\n")
        module.write_once("map", "4095 3")
        owners = [1] * 1000 + [2] * 500 + [3] + [2] * 499 + [1] * 48 + [0] * 2047 + [3]
        expect_equal(module.bucket_map() == owners, True, "the map is as written")
        check_owners(observe(), owners, CRC32C)


@test("a line may be cut anywhere within one writer's text, but is not joined with another's")
def _():
    text = as_text(random_map(256, 6))
    with module.module("buckets=256"):
        for size in (5, 6, 7, 8, 100, 2001):
            module.all_to(0)
            with open(module.FILES / "map", "wb", buffering=0) as file:
                for at in range(0, len(text), size):
                    file.write(text[at:at + size])
            expect_equal(module.bucket_map() == random_map(256, 6), True, f"the map in pieces of {size} bytes")
        module.all_to(0)
        module.write_once("map", "7 1\n1")
        module.write_once("map", "2 3\n")
        owners = [0] * 256
        owners[7], owners[2] = 1, 3
        expect_equal(module.bucket_map(), owners, "the map after a half line and a whole one")


@test("the map can be read from any offset")
def _():
    with module.module():
        module.write("map", as_text(random_map(4096, 5)))
        fd = os.open(module.FILES / "map", os.O_RDONLY)
        whole = (module.FILES / "map").read_bytes()
        expect_equal(len(whole), 4096 * 11, "bytes in the map")
        for offset, size in ((0, 5), (3, 20), (10, 1), (11, 11), (4095, 4096), (45050, 100), (45056, 1), (99999, 9)):
            expect_equal(os.pread(fd, size, offset), whole[offset:offset + size], f"{size} bytes at {offset}")
        os.close(fd)


@test("the number of buckets can be changed at run time, dealt evenly")
def _():
    with module.module("hash=crc32c"):
        for buckets in (64, 65536, 1024):
            module.write("buckets", buckets)
            owners = [n * module.CPUS // buckets for n in range(buckets)]
            expect_equal(module.bucket_map() == owners, True, f"{buckets} buckets are dealt evenly")
            check_owners(observe(), owners, CRC32C)


@test("buckets are dealt to the CPUs in cpus only")
def _():
    with module.module("hash=crc32c", "buckets=64"):
        module.write("cpus", "1,3")
        owners = [1] * 32 + [3] * 32
        expect_equal(module.bucket_map(), owners, "the map of CPUs 1 and 3")
        check_owners(observe(), owners, CRC32C)
        module.write("cpus", "0-2")
        expect_equal(module.counter("buckets"), [22, 21, 21, 0], "buckets of three CPUs")
        expect_equal(set(observe()), {0, 1, 2}, "CPUs in use")


if __name__ == "__main__":
    main()
