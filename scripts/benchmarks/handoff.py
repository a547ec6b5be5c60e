# SPDX-License-Identifier: GPL-2.0
"""An overloaded CPU gives its hot bucket away: how long that takes.

One elephant, as in the case `fair`, of which CPU 1 is offered twice what it can take,
so that its queue is full. Its bucket goes to CPU 0 and comes back, 100 times a round;
the module's tracepoint tells how long each hand-over away from CPU 1 took, and how many
packets moved with it. The peer is a bound and not a mechanism: the time that CPU 1
would have needed to run those packets first, and a millisecond.
"""

import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import fair
import machine
import steer

TRACE = Path("/sys/kernel/tracing")
EVENT = TRACE / "events/flowbucket/bucket_moved"
MOVES = 100
# To fill the queue again; and to stay away.
FILL, AWAY = 0.03, 0.01


class HandOvers:
    """Measures hand-overs; remembers what was seen of all."""

    def __init__(self, delay):
        self.delay = delay
        self.held, self.late, self.overload = [], 0, []

    def __call__(self):
        """Of the 99th percentile and of the median: its bound and itself, in microseconds."""
        fair.with_flowbucket()
        with steer.Load([fair.elephant(self.delay)]) as load:
            offered, rate = machine.rates([load.sent, machine.udp_received], settle=0.5)
            self.overload.append(round(offered / rate, 2))
            (TRACE / "trace").write_text("")
            (EVENT / "enable").write_text("1")
            for _ in range(MOVES):
                time.sleep(FILL)
                machine.knob("map", f"{fair.BUCKET} 0")
                time.sleep(AWAY)
                machine.knob("map", f"{fair.BUCKET} 1")
            (EVENT / "enable").write_text("0")
        pattern = rf"bucket_moved: bucket={fair.BUCKET} from=1 to=0 held=(\d+) ns=(\d+)"
        moves = [(int(ns) / 1e3, int(held)) for held, ns in re.findall(pattern, (TRACE / "trace").read_text())]
        if len(moves) != MOVES:
            sys.exit(f"bench: {MOVES} moves, but {len(moves)} traced")
        self.held += [held for _, held in moves]
        self.late += sum(us > self.bound(held, rate) for us, held in moves)
        picked = [machine.rank(moves, share) for share in (0.99, 0.5)]
        return [self.bound(held, rate) for _, held in picked], [us for us, _ in picked]

    @staticmethod
    def bound(held, rate):
        """The time to run what was queued, and 1 ms; in microseconds."""
        return held / rate * 1e6 + 1000


def handoff(compare, rounds):
    """99th percentile and median of the hand-over, against the time to run the packets
    that were queued plus 1 ms."""
    steer.device()
    fair.tcp.network()
    with ExitStack() as stack:
        for each in (fair.real_time(), fair.dear_processing(), fair.one_bucket()):
            stack.enter_context(each)
        measure = HandOvers(fair.twice_too_much(fair.elephant(0)))
        rows = compare("handoff", "us", measure, rounds, lower_is_better=True,
                       also=[("handoff/median", "us", True)])
        rows[0].update(moves=len(measure.held), over_their_bound=measure.late, held_least=min(measure.held),
                       held_median=machine.rank(measure.held, 0.5), overload=measure.overload)
        yield from rows
