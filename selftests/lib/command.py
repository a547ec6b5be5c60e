# SPDX-License-Identifier: GPL-2.0
"""The command `flowbucket`: running it, and what it is to say."""

import json
import os
import subprocess

from harness import Broken, Failed, expect, expect_equal

COMMAND = os.environ.get("FLOWBUCKET_COMMAND", "")
if not os.path.exists(COMMAND):
    raise Broken("FLOWBUCKET_COMMAND is not the command flowbucket: 'make command' builds it")

# Exit statuses.
DONE, FAILED, USAGE, NOT_LOADED, NO_RIGHTS = range(5)


def run(*words, prefix=()):
    """Runs it: (exit status, output, complaints). `prefix`: a command that runs it."""
    done = subprocess.run([*prefix, COMMAND, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def good(*words):
    """Runs it where it must work, without a complaint; returns the output."""
    status, out, complaints = run(*words)
    if status or complaints:
        raise Failed(f"flowbucket {' '.join(map(str, words))[:200]}: status {status}, {complaints}")
    return out


def data(*words):
    """What it says in JSON."""
    return json.loads(good(*words, "--json"))


def check_refused(words, status, text, prefix=()):
    """It fails with this status and one line, which has `text` in it, and prints nothing else."""
    found, out, complaints = run(*words, prefix=prefix)
    expect_equal((found, out), (status, ""), f"status and output of flowbucket {words}, which says {complaints!r}")
    expect(complaints.startswith("flowbucket: ") and complaints.count("\n") == 1, f"complaints: {complaints!r}")
    expect(text in complaints, f"{text!r} is not in {complaints!r}")


def start(*words):
    """Runs it in the background; its output can be read."""
    return subprocess.Popen([COMMAND, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
