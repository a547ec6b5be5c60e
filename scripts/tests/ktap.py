# SPDX-License-Identifier: GPL-2.0
"""Counting what a test program said in KTAP.

A program's verdict is its own test points: lines `ok N ...` and `not ok N ...`
without indentation (indented ones belong to the point that follows them).
Whatever else went wrong with it adds one failed point: an exit status that no
point explains, a plan that was not kept, no output at all.
"""

import re
from dataclasses import dataclass, field

POINT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)(?:\s+#\s*(SKIP|XFAIL|TODO)\b(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*(SKIP.*))?\s*$", re.I)
EXIT_SKIP = 4


@dataclass
class Result:
    """The counts of one program, and what to show of its failures."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = field(default_factory=list)

    def add(self, other):
        """Sums up, for the closing line."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def fail(self, note):
        """One more failed point, with what explains it."""
        self.failed += 1
        self.notes.append(note)

    def summary(self):
        """The closing line."""
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def parse(lines, status):
    """The Result of a program that printed `lines` and ended with `status`.

    `status` is None when the guest died or was stopped during the program.
    """
    result = Result()
    plan = None
    points = 0
    diagnostics = []
    for line in lines:
        line = line.rstrip("\n")
        if match := PLAN.match(line):
            plan = int(match.group(1))
            if plan == 0:
                result.skipped += 1
        elif match := POINT.match(line):
            points += 1
            directive = (match.group(4) or "").upper()
            if directive == "SKIP":
                result.skipped += 1
            elif match.group(1) and directive not in ("XFAIL", "TODO"):
                result.fail("\n".join(diagnostics[-15:] + [line]))
            else:
                result.passed += 1
            diagnostics = []
        elif line and not line.startswith("TAP version") and not line.startswith("KTAP version"):
            diagnostics.append(line)
    if status is None:
        result.fail("\n".join(diagnostics[-15:] + ["the guest ended before the program did"]))
    elif status == EXIT_SKIP and points == 0:
        result.skipped = max(result.skipped, 1)
    elif status != 0 and result.failed == 0 and status != EXIT_SKIP:
        result.fail("\n".join(diagnostics[-15:] + [f"exit status {status} with no failed test point"]))
    elif points == 0 and plan != 0:
        result.fail("\n".join(diagnostics[-15:] + ["no test point was printed"]))
    if plan and points != plan and status is not None:
        result.fail(f"{plan} test points planned, {points} printed")
    return result
