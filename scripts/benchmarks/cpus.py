# SPDX-License-Identifier: GPL-2.0
"""What more CPUs give, in emulated guests with 1 to 16 of them: counts, since there are fewer
real CPUs than that, and times would be those of the emulator.

Datagrams of 4,096 flows, one as busy as the other, come in on CPU 0. The figures: how many times
as many packets as the mean the busiest CPU has, and interrupts between CPUs per 1,000 packets.
"""

import machine
import meter
import steer

FLOWS = 4096
# Nanoseconds between packets: what an emulated CPU can take in.
DELAY = 50_000
# Interrupts per 1,000 packets below which there are none, so that ratios can be taken.
LEAST = 0.001
# Seconds until it goes evenly.
SETTLE = 2

KIND = ("pkt_size 60", "src_min 10.0.0.1", "src_max 10.0.0.1", "udp_src_min 1024", f"udp_src_max {1024 + FLOWS}",
        f"delay {DELAY}", "flag !SHARED")


def measured(setup):
    """(busiest, interrupts) under `setup`."""
    def side():
        setup()
        with steer.Load(kinds=(KIND,)):
            machine.rate(machine.udp_received, settle=SETTLE, seconds=0.1)
            with meter.shares(None) as parts, meter.Meter(machine.udp_received) as counted:
                machine.rate(machine.udp_received)
        return max(parts) * len(parts), max(counted.figures["ipis"], LEAST)
    return side


def case(compare, rounds):
    """On as many CPUs as there are."""
    steer.device()
    machine.load()
    count = len(meter.CPUS)
    name = f"{count} CPU" + ("s" if count > 1 else "")
    # Buckets stay as they are dealt: a policy would count what CPU 0 does to send, and take in,
    # all packets, and give it fewer of them.
    sides = (measured(steer.with_rps(f"{(1 << count) - 1:x}")),
             measured(steer.with_flowbucket(f"0-{count - 1}", track=1)))
    rows = compare(f"{name}, busiest", "of mean", sides, rounds, lower_is_better=True,
                   also=((f"{name}, interrupts", "per 1,000", True),))
    # There is nobody to interrupt if there is one.
    yield from rows if count > 1 else rows[:1]
    machine.flowbucket_off()


# A boot each, with so many CPUs.
cpus_1 = cpus_2 = cpus_4 = cpus_8 = cpus_16 = case
