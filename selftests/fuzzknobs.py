#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Anything is written into any file, at any time, under load: it is taken or refused with an
errno that Documentation/ABI names, a refusal changes nothing, and nothing is lost unnoticed.

FUZZ_SECONDS=N says for how long at least (20), SEED=N with which random numbers (a new one each time).
"""

import errno
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import conns
import module
import numbered
from harness import expect, expect_equal, main, must_fail, note, test
from knobs import BAD, GOOD

SECONDS = int(os.environ.get("FUZZ_SECONDS", "20"))
# So many are taken and so many refused at least, however slow the machine.
LEAST = 20
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
FILES = sorted({*GOOD, *BAD})
REFUSALS = (errno.EINVAL, errno.ERANGE, errno.ENODEV)
# What the module itself changes, and what shows nothing.
MOVING = ("map", "rebalance")

sender, receiver, load = numbered.pair()


def data(text):
    """As bytes."""
    return text if isinstance(text, bytes) else text.encode()


def mutated(rng, text):
    """Something like it."""
    text = bytearray(data(text))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text[at:at] = rng.choice((b"0", b"9", b"-", b" ", b"\n", b"\0", b"\xff", b"4294967296", b","))
            case 1:
                del text[at : at + rng.randrange(1, 4)]
            case 2:
                text[at:at] = text[: rng.randrange(64)]
            case _:
                text[at : at + 1] = rng.randbytes(1)
    return bytes(text)


def written(rng, name):
    """What to write: good, bad, alike, or noise."""
    known = [text for text, _ in GOOD.get(name, []) + BAD.get(name, [])]
    if name == "map":
        first, last = sorted(rng.randrange(4096) for _ in range(2))
        known.append(f"{first}-{last} {rng.randrange(module.CPUS)}\n")
    match rng.randrange(4):
        case 0 | 1:
            return data(rng.choice(known))
        case 2:
            return mutated(rng, rng.choice(known))
        case _:
            return rng.randbytes(rng.choice((1, 3, 10, 100, 4096)))


def show(name):
    """What a file holds; interfaces may have any names."""
    return (module.FILES / name).read_bytes()


def write(name, text):
    """Writes it; returns the errno, or 0."""
    shown = None if name in MOVING else show(name)
    try:
        module.write_once(name, text)
        return 0
    except OSError as error:
        what = f"{name}: {text[:40]!r}: errno {error.errno}"
        expect(error.errno in REFUSALS, what)
        if shown is not None:
            expect_equal(show(name), shown, f"the file after {what}")
        return error.errno


@test(f"anything is written into any of {len(FILES)} files for {SECONDS} s, with SEED={SEED}")
def _():
    rng = random.Random(SEED)
    taken = refused = 0
    slowest = 0, ""
    with module.module(policy="load"):
        with load:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end or min(taken, refused) < LEAST:
                name = rng.choice(FILES)
                text = written(rng, name)
                began = time.monotonic()
                error = write(name, text)
                slowest = max(slowest, (time.monotonic() - began, f"{name}: {text[:40]!r}"))
                if error:
                    refused += 1
                else:
                    taken += 1
                if rng.randrange(20) == 0:
                    # Whatever is there, it can be read.
                    conns.dump()
                    module.bucket_map()
            # Steering is on again, whatever was written last.
            for name, text in (("enabled", "1"), ("interfaces", ""), ("cpus", f"0-{module.CPUS - 1}"),
                               ("track", "1"), ("max_connections", "1048576")):
                module.write(name, text)
            before = module.total("packets")
            time.sleep(1)
            expect(module.total("packets") > before, "nothing is steered any more")
        sent, drops = load.check()
        module.check_accounts()
    note(f"{taken} writes were taken, {refused} refused; {sent} datagrams, drops {drops or 'none'}")
    note(f"the slowest took {slowest[0]:.2f} s, {slowest[1]}")


@test("control: an errno that is none of these is noticed")
def _():
    with module.module():
        must_fail(write, "cpu0/packets", b"1")


if __name__ == "__main__":
    main()
