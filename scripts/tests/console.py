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


if __name__ == "__main__":
    bad = complaints(open(sys.argv[1], encoding="utf-8", errors="replace").read())
    for where, excerpt in bad:
        print(f"during {where}:\n{excerpt}\n")
    sys.exit(1 if bad else 0)
