# SPDX-License-Identifier: GPL-2.0
"""What both sides of the demonstration know: its phases, and how they talk.

They talk through files in $FB_RUN, the directory that the guest and the outside
both see. A file appears whole, being renamed into place.
"""

import json
import os
import time
from pathlib import Path

PHASES = ("off", "rps", "on")
TITLES = {"off": "module off", "rps": "RPS", "on": "flowbucket"}
RUN = Path(os.environ.get("FB_RUN", "."))


def tell(name, what):
    """Leaves a message for the other side."""
    new = RUN / f"demo-{name}.new"
    new.write_text(json.dumps(what))
    new.rename(RUN / f"demo-{name}")


def hear(name, timeout):
    """Waits for a message of the other side."""
    end = time.monotonic() + timeout
    file = RUN / f"demo-{name}"
    while not file.exists():
        if time.monotonic() > end:
            raise SystemExit(f"demo: the other side did not get to '{name}' within {timeout:.0f} s")
        time.sleep(0.2)
    return json.loads(file.read_text())
