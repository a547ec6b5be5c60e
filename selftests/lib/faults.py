# SPDX-License-Identifier: GPL-2.0
"""The kernel's fault injection, aimed at what the module allocates and at nothing else."""

import itertools
import re
import threading
from contextlib import contextmanager
from pathlib import Path

from harness import Skipped

DEBUG = Path("/sys/kernel/debug")
KINDS = ("failslab", "fail_page_alloc")
NO_END = (1 << 64) - 1
# The innermost place of the module in the stack of an allocation that failed.
FRAME = re.compile(r"^[^;]*;\s+(?:\? )?([\w.$]+\+0x[0-9a-f]+)/0x[0-9a-f]+ \[flowbucket\]")
FAULT = "FAULT_INJECTION: forcing a failure"


def _set(name, value):
    for kind in KINDS:
        file = DEBUG / kind / name
        if file.exists():
            file.write_text(f"{value}\n", encoding="ascii")


def prepare():
    """Sees to it that only allocations of the module may fail, whatever they may wait for."""
    if not (DEBUG / KINDS[0] / "require-start").exists():
        raise Skipped("the kernel has no fault injection with a filter by stack")
    # Modules are above the kernel; there is but this one.
    aim(_symbols()["_end"], NO_END)
    for name, value in (("stacktrace-depth", 32), ("ignore-gfp-wait", "N"), ("ignore-gfp-highmem", "N"),
                        ("min-order", 0), ("verbose", 2), ("verbose_ratelimit_interval_ms", 0), ("probability", 0),
                        ("times", -1)):
        _set(name, value)


def aim(start, end):
    """Only what is called from these addresses may fail."""
    _set("require-start", hex(start))
    _set("require-end", hex(end))


def aim_at(function):
    """Only what a function of the kernel calls may fail. For where the module's part is over with
    the call, so that it is not in the stack."""
    aim(*_code(function))


def _code(function):
    """From where to where a function of the kernel goes."""
    symbols = _symbols()
    start = symbols[function]
    return start, min(address for address in symbols.values() if address > start)


def _symbols():
    """The addresses of the kernel's symbols."""
    lines = Path("/proc/kallsyms").read_text(encoding="ascii").splitlines()
    return {name: int(address, 16) for address, _, name, *_ in map(str.split, lines)}


class Nth:
    """Has the n-th allocation of a thread fail; `hit` says afterwards whether there was one."""

    def __init__(self, nth, thread="thread-self"):
        self.file = Path(f"/proc/{thread}/fail-nth")
        self.nth = nth
        self.hit = False

    def __enter__(self):
        self.file.write_text(f"{self.nth}\n", encoding="ascii")
        return self

    def __exit__(self, *_):
        self.hit = self.left() == 0
        self.file.write_text("0\n", encoding="ascii")

    def left(self):
        """How many allocations from now on fails; 0: it has."""
        return int(self.file.read_text(encoding="ascii"))


def each(action, step=1, first=1, thread="thread-self"):
    """Calls action() with its first, second, ... allocation failing, until none is left to;
    with `step`, only every so many. Returns how many failed."""
    for count in itertools.count():
        with Nth(first + count * step, thread) as fault:
            action()
        if not fault.hit:
            return count


@contextmanager
def often(percent):
    """So many of a hundred allocations fail while the block runs, but for those of who writes into
    a file of sysfs."""
    start, end = _code("kernfs_fop_write_iter")
    for name, value in (("verbose", 0), ("reject-start", hex(start)), ("reject-end", hex(end)),
                        ("probability", percent)):
        _set(name, value)
    try:
        yield
    finally:
        for name, value in (("probability", 0), ("reject-start", 0), ("reject-end", 0), ("verbose", 2)):
            _set(name, value)


@contextmanager
def sites():
    """A set that holds, after the block, the places in the module whose allocations failed in
    it, but for those that are to fail silently."""
    found = set()
    over = threading.Event()

    def read():
        searching = False
        with open("/dev/kmsg", "rb", buffering=0) as log:
            log.seek(0, 2)
            begun.set()
            while True:
                try:
                    line = log.read(8192).decode("utf-8", "replace")
                except BrokenPipeError:
                    continue  # lines were lost
                if over.is_set() and "faults: over" in line:
                    return
                if FAULT in line:
                    searching = True
                elif searching and (frame := FRAME.match(line)):
                    found.add(frame.group(1))
                    searching = False

    begun = threading.Event()
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    begun.wait()
    try:
        yield found
    finally:
        over.set()
        Path("/dev/kmsg").write_text("faults: over\n", encoding="ascii")
        thread.join()
