#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the documents tell to type, typed: each command of the admin guide, of the command's own
document and of the README works without a complaint, while packets come; what is written to a
file is there then; the recipes have the packets spread; and what a document shows as an answer
is the answer."""

import multiprocessing
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import module
from command import COMMAND
from harness import expect, expect_equal, main, must_fail, note, test
from net import Netns, address, run, wait_for
from rst import markdown_blocks, rst_blocks

TOP = Path(__file__).resolve().parent.parent
# Lines that are not commands, and commands that are run elsewhere, or nowhere: why.
NOT_RUN = {
    r"\d+ (tcp|udp) ": "what a file shows",
    r"flowbucket: ": "what the kernel log shows",
    r"\w+ = ": "a file of settings",
    r"make ": "has made what is tested here",
    r"insmod build/": "control.py loads it",
    r"systemctl |apt |    linux-source": "make test T=packages",
    r"modprobe ": "here insmod loads it",
    r"mpstat ": "another package's",
    r"bpftrace ": "the kernel of the tests runs no such programs",
    r"echo 6d:5a:56:\.\.\.": "abbreviated; control.py writes whole keys",
    r"ethtool -x|key=|echo \"\$key\"": "the devices of guests show no key",
}
# These run until they are told to stop.
ENDLESS = r"cat /sys/kernel/tracing/trace_pipe|flowbucket (top|watch\s*(#|$)|export --listen)"
SCRATCH = Path(tempfile.mkdtemp())
ENVIRONMENT = os.environ | {"PATH": f"{SCRATCH}:{os.environ['PATH']}"}
FORK = multiprocessing.get_context("fork")
FLOWS = 64


def prepare():
    """Two hosts that send: to this one by eth0, and through it from wan0 to lan0."""
    sender, inside = Netns("fbout"), Netns("fbin")
    for device, peer, ns, net in (("eth0", "to-eth0", sender, "192.0.2"), ("wan0", "to-wan0", sender, "198.51.100"),
                                  ("lan0", "to-lan0", inside, "203.0.113")):
        run("ip", "link", "add", device, "type", "veth", "peer", "name", peer, "netns", ns.name)
        run("ip", "link", "set", device, "up")
        run("ip", "addr", "add", f"{net}.1/24", "dev", device)
        ns.ip(f"link set {peer} up")
        address(ns, peer, f"{net}.2/24")
    sender.ip("route add 203.0.113.0/24 via 198.51.100.1")
    inside.ip("route add default via 203.0.113.1")
    run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    run("ip", "link", "set", "lo", "up")
    (SCRATCH / "flowbucket.ko").symlink_to(module.OBJECT)
    (SCRATCH / "flowbucket").symlink_to(COMMAND)
    for path in ("/etc/bash_completion.d", "/var/lib/prometheus/node-exporter", "/usr/local/share/man/man1"):
        Path(path).mkdir(parents=True, exist_ok=True)
    return sender


def send_forever(ns):
    """Datagrams of many flows, a few at a time."""
    sockets = []
    for to in ("192.0.2.1", "203.0.113.2"):
        for _ in range(FLOWS):
            sockets.append(ns.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sockets[-1].connect((to, 9))
    while True:
        for sock in sockets:
            try:
                sock.send(b"x" * 20)
            except OSError:
                pass  # nobody listens, as the last answer told
        time.sleep(0.05)


def documents():
    """(document, chapter, section, its blocks)."""
    for name in ("Documentation/admin-guide.rst", "Documentation/command.rst", "README.md"):
        text = (TOP / name).read_text(encoding="utf-8")
        found = markdown_blocks(text) if name.endswith(".md") else rst_blocks(text)
        for (chapter, section), blocks in groupby(found, key=lambda each: each[:2]):
            yield name, chapter, section, [block for *_, block in blocks]


def reason(line):
    """The entry of NOT_RUN that a line has, if it has one."""
    return next((pattern for pattern in NOT_RUN if re.match(pattern, line)), None)


def check_typed(script):
    """A shell runs this, neither fails nor complains, and what is written to files is there."""
    # The admin guide is in the directory of the files, but for what loads the module.
    cwd = SCRATCH if re.search("^(insmod )?flowbucket", script, re.M) else module.FILES
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=cwd, env=ENVIRONMENT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=150, check=False)
    expect_equal((done.returncode, done.stderr), (0, ""), f"status and complaints of {script!r}")
    plain = re.sub(r"\s+#.*", "", script, flags=re.M)
    written = {file: value for value, file in re.findall(r"^echo ?(.*?) ?>(\S+)$", plain, flags=re.M)}
    for file, value in written.items():
        if file in module.SETTINGS and file != "map" and value != "all":
            expect_equal(module.read(file), value, file)


def check_endless(line):
    """A command goes on in a terminal until Ctrl-C."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    with subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=module.FILES, env=ENVIRONMENT | {"TERM": "xterm"},
                          stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        os.close(slave)
        # What it says is read: it waits for a terminal that is full.
        reader = threading.Thread(target=read_all, args=(master,), daemon=True)
        reader.start()
        try:
            time.sleep(2)
            expect_equal(process.poll(), None, f"status of {line!r}, which is to go on")
            os.killpg(process.pid, signal.SIGINT)
            wait_for(lambda: process.poll() is not None, f"the end of {line!r}")
            expect(process.returncode in (0, -signal.SIGINT), f"{line!r} ends with {process.returncode}")
        finally:
            process.kill()
        reader.join()
    os.close(master)


def read_all(file):
    """Reads until nobody can write any more, which a terminal tells by an error."""
    try:
        while os.read(file, 65536):
            pass
    except OSError:
        pass


def check_answer(block):
    """After `# command` comes what it says."""
    done = subprocess.run(["bash", "-c", block[0].removeprefix("# ")], env=ENVIRONMENT, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    expect_equal(done.stdout.splitlines(), block[1:], f"what {block[0]!r} says")


def shares():
    """Of the next thousand packets, how many each CPU processes."""
    before = module.counter("packets")
    wait_for(lambda: module.total("packets") - sum(before) > 1000, "packets come")
    return [now - then for now, then in zip(module.counter("packets"), before)]


def check_spread(most=0.9):
    """Packets are processed by several CPUs, none of which has nearly all, and none is lost. The
    policy knows the CPUs after some periods; what guests have to wait for is load at first."""
    end = time.monotonic() + 20
    while max(found := shares()) >= most * sum(found) and time.monotonic() < end:
        pass
    expect(max(found) < most * sum(found), f"packets by CPU: {found}")
    expect_equal(module.drops(), 0, "drops")


def type_block(block, recipe):
    """A block of a document: what of it is to be typed."""
    if block[0].startswith("# "):
        check_answer(block)
        return
    lines = [line for line in block if not reason(line)]
    for line in lines:
        if re.match(ENDLESS, line):
            check_endless(re.sub(r"\s+#.*", "", line))
    script = "\n".join(line for line in lines if not re.match(ENDLESS, line))
    if "insmod flowbucket.ko" in script:
        module.unload()
    if script.strip():
        check_typed(script)
    if recipe:
        check_spread()


@contextmanager
def packets():
    """The module, and packets that come while the block runs."""
    sender = FORK.Process(target=send_forever, args=(outside,), daemon=True)
    sender.start()
    try:
        with module.module(policy="load"):
            yield
    finally:
        sender.kill()
        sender.join()


def declare(name, chapter, section, blocks):
    """One test point."""
    @test(f"{name}: {section}")
    def _():
        # The file that the answers are about.
        settings = [line for block in blocks for line in block if re.match(r"\w+ = ", line)]
        with packets():
            for block in blocks:
                Path("/etc/flowbucket.toml").write_text("\n".join(settings) + "\n", encoding="utf-8")
                if block[0] == "# flowbucket apply":
                    wrong = "\n".join(settings).replace("limit_packets = 2000", "limit_packets = 20")
                    Path("/etc/flowbucket.toml").write_text(wrong, encoding="utf-8")
                type_block(block, chapter == "Recipes")


outside = prepare()
POINTS = [(name, chapter, section, blocks) for name, chapter, section, blocks in documents()
          if any(not reason(line) for block in blocks for line in block)]
for each in POINTS:
    declare(*each)


def check_tuning(row):
    """A row of the tuning table has the setting's default, and names files that there are."""
    name, default, rest = row
    expect_equal(module.read(name), default, f"default of {name}")
    for file in re.findall("``(.*?)``", rest):
        expect((module.FILES / file).exists() or (module.FILES / "cpu0" / file).exists(), f"there is no {file}")


@test("the tuning table has the module's defaults and files")
def _():
    text = (TOP / "Documentation/admin-guide.rst").read_text(encoding="utf-8")
    # A row goes on in lines that begin with spaces.
    rows = re.findall(r"^``(\w+)`` +(\d+) +(\S.*\n(?: .*\n)*)", text, re.M)
    expect(len(rows) >= 10, f"{len(rows)} rows found")
    with module.module():
        for row in rows:
            check_tuning(row)
        must_fail(check_tuning, ("quantum", "1515", ""))
        must_fail(check_tuning, ("quantum", "1514", "``cpu0``, ``ticks``"))


@test("each reason not to run a line has a line")
def _():
    lines = [line for *_, blocks in documents() for block in blocks for line in block]
    expect_equal([pattern for pattern in NOT_RUN if pattern not in map(reason, lines)], [], "reasons without a line")
    for pattern, why in NOT_RUN.items():
        note(f"{sum(reason(line) == pattern for line in lines)} lines not run: {why}")


@test("control: a wrong command, value, answer and share are found")
def _():
    with packets():
        for script in ("cat no_such_file", "echo 20 >limit_packets", "flowbucket set hash=md5", "false | true"):
            must_fail(check_typed, script)
        must_fail(check_typed, "echo 2000 >quantum\necho 3000 >./quantum")
        must_fail(check_answer, ["# flowbucket set hash=md5", "flowbucket: hash: no"])
        must_fail(check_endless, "true")
        module.write("policy", "static")
        module.all_to(1)
        must_fail(check_spread)


if __name__ == "__main__":
    main()
