# SPDX-License-Identifier: GPL-2.0
"""Runs the tests and counts them.

    run.py          host, lint, and the selftests in the x86 guest;
                    TEST_UNTIL=SECONDS (since 1970): no guest begins after that
    run.py NAME     one group (host, lint, x86, debug, rt, uml, debian13, packages)
                    or one selftest by its name without .sh or .py
    KERNEL=debian   as x86, with Debian's own kernel as packaged (or debian-1: the
                    one before); there are no other guests then

The selftests' Makefile says what runs where: TEST_PROGS in the x86 guest with
4 CPUs, TEST_PROGS_DEBUG in the debug kernel's, TEST_PROGS_RT in one with
PREEMPT_RT, TEST_PROGS_UML in user-mode Linux. The debug kernel takes as long
to build as all the rest and its guest is several times slower, and the other two
have kernels of their own again: their groups run when they are named. Each group boots
once; when a guest dies, the program that ran then has failed and the rest goes on in a
new one. A guest's console is a test point too.
Logs: build/test/.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import console
import ktap

TOP = Path(__file__).resolve().parents[2]
LOGS = TOP / "build" / "test"
GUESTS = {"x86": "TEST_PROGS", "debug": "TEST_PROGS_DEBUG", "rt": "TEST_PROGS_RT", "uml": "TEST_PROGS_UML"}
GUEST_TIME = {"x86": 3600, "debug": 2400, "rt": 300, "uml": 900}
if KERNEL := os.environ.get("KERNEL"):
    GUESTS = {KERNEL: GUESTS["x86"]}
    GUEST_TIME[KERNEL] = GUEST_TIME["x86"]
BEGIN = re.compile(r"^=== begin (\S+)$")
END = re.compile(r"^=== end (\S+) (\d+)$")


def say(text):
    print(text, flush=True)


def programs(variable):
    """The words of a variable in selftests/Makefile; plain assignments only."""
    makefile = TOP / "selftests" / "Makefile"
    if not makefile.exists():
        return []
    text = makefile.read_text().replace("\\\n", " ")
    found = re.findall(rf"^{variable}\s*[:+?]?=([^#\n]*)", text, re.M)
    return [word for line in found for word in line.split()]


def report(name, result, seconds):
    """One line for what ran, and its failures in full."""
    word = "FAIL" if result.failed else "ok" if result.passed else "skip"
    say(f"{word:4} {name}: {result.summary()} ({seconds:.0f} s)")
    for note in result.notes:
        for line in note.splitlines():
            say(f"     {line}")
    return result


def stream(command, log, echo=True):
    """Runs a command with its output in `log`; returns (exit status, text)."""
    lines = []
    with open(log, "w", encoding="utf-8") as out:
        with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, errors="replace") as process:
            for line in process.stdout:
                out.write(line)
                lines.append(line)
                if echo:
                    say("  | " + line.rstrip("\n"))
    return process.returncode, "".join(lines)


def run_host():
    """cargo's tests, the fuzzers for a moment, and the tests of these scripts."""
    total = ktap.Result()
    for name, command, pattern in (
        ("host/cargo", ["make", "--no-print-directory", "host-test"],
         r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored"),
        ("host/fuzz", ["env", "FUZZ_SECONDS=10", "scripts/fuzz"], r"^(\d+) passed, (\d+) failed()$"),
        ("host/fuzz-control", ["env", "FUZZ_SECONDS=60", "scripts/fuzz", "--control"],
         r"^(\d+) passed, (\d+) failed()$"),
        ("host/scripts", [sys.executable, "-B", "-m", "unittest", "discover", "-v", "-s", "scripts/tests"],
         None),
    ):
        start = time.monotonic()
        status, text = stream(command, LOGS / (name.replace("/", "-") + ".log"), echo=False)
        result = ktap.Result()
        if pattern:
            for passed, failed, ignored in re.findall(pattern, text, re.M):
                result.add(ktap.Result(int(passed), int(failed), int(ignored or 0)))
        else:
            result.passed = len(re.findall(r" \.\.\. ok$", text, re.M))
            result.failed = len(re.findall(r" \.\.\. (?:FAIL|ERROR)$", text, re.M))
        if result.failed or status:
            result.notes.append("\n".join(text.splitlines()[-60:]))
            result.failed = max(result.failed, 1)
        elif not result.passed:
            result.fail("nothing ran")
        total.add(report(name, result, time.monotonic() - start))
    return total


def run_lint():
    """Formatting and lints, each one test point."""
    total = ktap.Result()
    for target in ("fmt-check", "clippy", "host-clippy"):
        start = time.monotonic()
        status, text = stream(["make", "--no-print-directory", target], LOGS / f"{target}.log", echo=False)
        result = ktap.Result(passed=1)
        if status or re.search(r"^warning\b", text, re.M):
            result = ktap.Result(failed=1, notes=["\n".join(text.splitlines()[-40:])])
        total.add(report(f"lint/{target}", result, time.monotonic() - start))
    return total


def boot(flavour, names, keep):
    """One boot that runs `names`; yields (name, lines, status, seconds)."""
    command = ["scripts/boot", flavour, "--timeout", str(GUEST_TIME[flavour]), "--keep", str(keep),
               "--", "scripts/tests/in-guest", *names]
    name, lines, start = None, [], 0
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=sys.stderr,
                          stdin=subprocess.DEVNULL, text=True, errors="replace") as process:
        for line in process.stdout:
            if match := BEGIN.match(line):
                name, lines, start = match.group(1), [], time.monotonic()
                say(f"     {flavour}/{name} ...")
            elif match := END.match(line):
                yield name, lines, int(match.group(2)), time.monotonic() - start
                name = None
            else:
                lines.append(line)
    if name:
        yield name, lines, None, time.monotonic() - start


def console_of(keep):
    """What a guest printed on its console."""
    return (keep / "console").read_text(errors="replace") if (keep / "console").exists() else ""


def run_guest(flavour, names):
    """The selftests of a guest, and its console."""
    total = ktap.Result()
    start = time.monotonic()
    if time.time() > float(os.environ.get("TEST_UNTIL", "inf")):
        total.skipped += len(names)
        total.notes.append(f"it is past TEST_UNTIL; left out: {shlex.join(names)}")
        return report(f"{flavour}/boot", total, 0)
    if subprocess.run(["scripts/module", flavour], cwd=TOP, stdout=subprocess.DEVNULL,
                      stdin=subprocess.DEVNULL, check=False).returncode:
        total.fail("the module was not built")
        return report(f"{flavour}/build", total, time.monotonic() - start)
    if any("from command import" in (TOP / "selftests" / name).read_text() for name in names):
        status, text = stream(["make", "--no-print-directory", "command"], LOGS / "command-build.log", echo=False)
        if status:
            total.fail("the command was not built:\n" + "\n".join(text.splitlines()[-40:]))
            return report(f"{flavour}/build", total, time.monotonic() - start)
    left, repeated = list(names), set()
    while left:
        before = len(left)
        keep = LOGS / flavour
        shutil.rmtree(keep, ignore_errors=True)
        start = time.monotonic()
        for name, lines, status, seconds in boot(flavour, left, keep):
            text = console_of(keep)
            if status is None and name not in repeated and console.before_emulator_fault(text) is not None:
                say(f"     {flavour}/{name}: killed by a fault of the emulator, see console.py; once more")
                repeated.add(name)
                (keep / "console").write_text(console.before_emulator_fault(text))
                before += 1
                continue
            left.remove(name)
            (LOGS / f"{flavour}-{name}.log").write_text("".join(lines))
            total.add(report(f"{flavour}/{name}", ktap.parse(lines, status), seconds))
        result = ktap.Result()
        text = console_of(keep)
        if len(left) == before and "boot" not in repeated and console.before_emulator_fault(text) is not None:
            say(f"     {flavour}: the boot was ended by a fault of the emulator, see console.py; once more")
            repeated.add("boot")
            continue
        bad = console.complaints(text)
        for test, excerpt in bad:
            result.fail(f"during {test}:\n{excerpt}")
        if not text.strip():
            result.fail("the guest printed nothing on its console")
        elif not bad:
            result.passed += 1
        total.add(report(f"{flavour}/console", result, time.monotonic() - start))
        if len(left) == before:
            result = ktap.Result()
            result.fail(f"the guest ran no test; not run: {shlex.join(left)}")
            total.add(report(f"{flavour}/boot", result, time.monotonic() - start))
            break
    return total


def run_debian13():
    """The same build with Debian 13's tool chain."""
    start = time.monotonic()
    status, text = stream(["scripts/debian13"], LOGS / "debian13.log")
    result = ktap.Result(passed=1)
    if status:
        result = ktap.Result(failed=1, notes=["\n".join(text.splitlines()[-30:])])
    return report("debian13", result, time.monotonic() - start)


def run_packages():
    """Debian's packages, from installing to purging, and in a booted guest."""
    start = time.monotonic()
    status, text = stream(["scripts/tests/packages"], LOGS / "packages.log")
    return report("packages", ktap.parse(text.splitlines(), status), time.monotonic() - start)


def main(wanted):
    LOGS.mkdir(parents=True, exist_ok=True)
    plain = {"host": run_host, "lint": run_lint, "debian13": run_debian13, "packages": run_packages}
    tests = {flavour: programs(variable) for flavour, variable in GUESTS.items()}
    if wanted in plain:
        jobs = [plain[wanted]]
    else:
        if wanted and wanted not in GUESTS:
            tests = {flavour: [n for n in names if n.rsplit(".", 1)[0] == wanted or n == wanted]
                     for flavour, names in tests.items()}
        elif wanted:
            tests = {wanted: tests[wanted]}
        if not wanted:
            first = next(iter(GUESTS))
            tests = {first: tests[first]}
        jobs = [] if wanted else [run_host, run_lint]
        jobs += [lambda f=f, n=n: run_guest(f, n) for f, n in tests.items() if n]
    if not jobs:
        everything = [n.rsplit(".", 1)[0] for v in GUESTS.values() for n in programs(v)]
        sys.exit(f"no test is called '{wanted}'; there are: {' '.join([*plain, *GUESTS, *everything])}")
    total = ktap.Result()
    for job in jobs:
        total.add(job())
    say(total.summary())
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    os.chdir(TOP)
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
