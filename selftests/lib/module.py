# SPDX-License-Identifier: GPL-2.0
"""The module: loading it, its files and its counters."""

import atexit
import ctypes
import errno
import os
import time
from contextlib import contextmanager
from pathlib import Path

from harness import Broken, Failed, expect

FILES = Path("/sys/kernel/flowbucket")
OBJECT = os.environ.get("FLOWBUCKET_KO", "")
HASHES = ("skb", "siphash", "crc32c", "toeplitz")
STATES = ("half_open", "established", "closing", "time_wait", "closed", "udp", "other")
SETTINGS = ("enabled", "cpus", "interfaces", "hash", "toeplitz_key", "buckets", "quantum", "limit_packets",
            "limit_bytes", "policy", "interval_ms", "hysteresis", "max_moves", "min_cpus", "track", "max_connections",
            "timer_interval_ms", "keepalive_time", "keepalive_intvl", "keepalive_probes", "delayed_acks",
            *(f"connections/timeout_{state}" for state in STATES), "moves/check_order", "map")
DROPS = ("drop_backlog", "drop_overlimit", "drop_device", "drop_route")
CPUS = os.cpu_count()
LIBC = ctypes.CDLL(None, use_errno=True)


def loaded():
    """Whether the module is there."""
    return Path("/sys/module/flowbucket").exists()


def insmod(*parameters):
    """Loads the module; returns 0 or the errno."""
    image = Path(OBJECT).read_bytes()
    # The call itself and not insmod(8), which would say what it thinks of an errno.
    if LIBC.init_module(image, ctypes.c_ulong(len(image)), " ".join(parameters).encode()):
        return ctypes.get_errno()
    return 0


def load(*parameters, policy="static"):
    """Loads the module or fails the test. Most tests want buckets to stay where they put
    them: then no policy may move any."""
    result = insmod(*parameters)
    if result:
        raise Broken(f"insmod {' '.join(parameters)}: {errno.errorcode[result]}")
    write("policy", policy)


def unload():
    """Removes the module if it is there."""
    if loaded() and LIBC.delete_module(b"flowbucket", os.O_NONBLOCK):
        raise Broken(f"rmmod: {os.strerror(ctypes.get_errno())}")


atexit.register(unload)


def pid(name):
    """The number of a kernel thread of the module."""
    for comm in Path("/proc").glob("[0-9]*/comm"):
        if comm.read_text(encoding="ascii").strip() == name:
            return comm.parent.name
    raise FileNotFoundError(f"thread {name} of the module")


def check_gone():
    """Nothing of the module is there."""
    expect(not loaded(), "/sys/module/flowbucket is there")
    for file in (FILES, Path("/proc/flowbucket")):
        expect(not file.exists(), f"{file} is there")


@contextmanager
def module(*parameters, policy="static"):
    """The module while the block runs."""
    load(*parameters, policy=policy)
    try:
        yield
    finally:
        unload()


def read(name):
    """What a file holds, without the newline at the end."""
    return (FILES / name).read_text(encoding="ascii").rstrip("\n")


def write_once(name, text):
    """One write() of `text`; OSError when the module refuses it."""
    data = text if isinstance(text, bytes) else text.encode()
    fd = os.open(FILES / name, os.O_WRONLY)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def write(name, text):
    """Writes all of `text`, in as many pieces as the file takes; as echo does."""
    data = text if isinstance(text, bytes) else f"{text}\n".encode()
    fd = os.open(FILES / name, os.O_WRONLY)
    try:
        while data:
            data = data[os.write(fd, data):]
    finally:
        os.close(fd)


def bucket_map():
    """The owner of each bucket."""
    owners = []
    for at, line in enumerate(read("map").splitlines()):
        bucket, cpu = map(int, line.split())
        if bucket != at:
            raise Failed(f"line {at} of the map is about bucket {bucket}")
        owners.append(cpu)
    return owners


def all_to(cpu):
    """Gives all buckets to one CPU."""
    write("map", f"0-{int(read('buckets')) - 1} {cpu}")


def settings():
    """All settings, to be compared later."""
    return {name: read(name) for name in SETTINGS}


def counter(name):
    """A counter of all CPUs, in order of CPU."""
    return [int(read(f"cpu{cpu}/{name}")) for cpu in range(CPUS)]


def total(*names):
    """Counters summed up over CPUs and names."""
    return sum(sum(counter(name)) for name in names)


def drops():
    """Packets the module has dropped."""
    return total(*DROPS)


def settle(timeout=20):
    """Waits until no packet waits in the module any more."""
    end = time.monotonic() + timeout
    while total("steered") != total("queued", "drop_device", "drop_overlimit"):
        if time.monotonic() > end:
            raise Failed(f"steered {total('steered')}, but queued {total('queued')}, drop_device "
                         f"{total('drop_device')}, drop_overlimit {total('drop_overlimit')} for {timeout} s")
        time.sleep(0.02)


def check_accounts():
    """Every packet the hook took is accounted for, once the module is at rest."""
    settle()
    # Counters are read one by one: nothing may come in meanwhile.
    enabled = FILES / "enabled"
    before = enabled.read_text()
    enabled.write_text("0\n")
    packets, direct, queued = (total(name) for name in ("packets", "direct", "queued"))
    enabled.write_text(before)
    if packets != direct + queued:
        raise Failed(f"packets {packets} is not direct {direct} + queued {queued}")


@contextmanager
def log_lines():
    """A list that holds, after the block, what the module logged in it."""
    new = []
    fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.lseek(fd, 0, os.SEEK_END)
        yield new
        while True:
            try:
                record = os.read(fd, 8192).decode(errors="replace")
            except BlockingIOError:
                break
            text = record.split(";", 1)[-1].splitlines()[0]
            if text.startswith("flowbucket: "):
                new.append(text)
    finally:
        os.close(fd)
