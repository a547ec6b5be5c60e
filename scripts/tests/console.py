# SPDX-License-Identifier: GPL-2.0
"""What must never be on a guest's console: the kernel complaining about itself."""

import re
import sys

BAD = re.compile(
    r"BUG:|WARNING:|\bOops\b|KASAN|UBSAN|INFO: task .* blocked|INFO: rcu|self-detected stall"
    r"|possible (circular locking|recursive locking|irq lock inversion|deadlock)"
    r"|inconsistent lock state|suspicious RCU usage|unreferenced object|new suspected memory leaks"
    r"|refcount_t|general protection fault|Kernel panic|scheduling while atomic|ODEBUG"
    r"|sleeping function called|soft lockup|hard LOCKUP|unregister_netdevice: waiting"
)

# Lines that contain such words without being a complaint.
HARMLESS = re.compile(
    r"KASAN\b.*(initialized|init)|KernelAddressSanitizer initialized|Command line:|command line:"
    r"|kmemleak: (Kernel memory leak detector initialized|Automatic memory scanning)"
    r"|Unknown kernel command line parameters"
)

# QEMU before 8.1, when it emulates CPUs, sometimes has one run the breakpoint by which the kernel
# patches itself after it was taken away again: the first byte at the place (before the one in
# brackets) is none. Kernels built here do not patch themselves for tracepoints and the like;
# Debian's do.
EMULATOR = re.compile(r".*Oops: int3: 0000 \[#1\](?:.*\n){1,12}?.*RIP: 0010:(?!.*\[flowbucket\]).*\n.*Code: .*(?<!cc) <")

MARK = "flowbucket-test: "
CONTEXT = 12


def complaints(text):
    """(test that was running, excerpt) for each complaint in `text`."""
    lines = text.splitlines()
    found = []
    test = "boot"
    skip_to = 0
    for at, line in enumerate(lines):
        if MARK in line:
            test = line.split(MARK, 1)[1].strip()
        elif at >= skip_to and BAD.search(line) and not HARMLESS.search(line):
            found.append((test, "\n".join(lines[at : at + CONTEXT])))
            skip_to = at + CONTEXT
    return found


def before_emulator_fault(text):
    """What came before the end of a guest that the emulator has killed; None if it has not."""
    found = EMULATOR.search(text)
    return text[: found.start()] if found else None


if __name__ == "__main__":
    bad = complaints(open(sys.argv[1], encoding="utf-8", errors="replace").read())
    for where, excerpt in bad:
        print(f"during {where}:\n{excerpt}\n")
    sys.exit(1 if bad else 0)
