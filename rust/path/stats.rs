// SPDX-License-Identifier: GPL-2.0

//! What one CPU counts.

use crate::kapi::{bh::BhOff, counter::Counter, sysfs::Page};
use core::fmt::Write;
use kernel::prelude::*;

/// Counts of durations: entry n counts those of less than 2^n nanoseconds that are
/// not in an entry before; the last one all the rest.
pub(super) struct Histogram([Counter; Histogram::ENTRIES]);

impl Histogram {
    pub(super) const ENTRIES: usize = 36;

    /// An empty one.
    pub(super) const fn new() -> Self {
        Self([const { Counter::new() }; Self::ENTRIES])
    }

    /// Counts a duration.
    pub(super) fn add(&self, ns: u64, bh: &BhOff) {
        let entry = (u64::BITS - ns.leading_zeros()) as usize;
        if let Some(entry) = self.0.get(entry.min(Self::ENTRIES - 1)) {
            entry.add(1, bh);
        }
    }

    /// Lines "nanoseconds count" of what `of` tells for each entry, but for empty ones.
    pub(super) fn show(page: &mut Page<'_>, of: impl Fn(usize) -> u64) -> Result {
        for entry in 0..Self::ENTRIES {
            let count = of(entry);
            if count != 0 {
                writeln!(page, "{} {}", 1u64 << entry, count)?;
            }
        }
        Ok(())
    }

    /// What an entry has counted.
    pub(super) fn get(&self, entry: usize) -> u64 {
        self.0.get(entry).map_or(0, Counter::get)
    }
}

/// Counters of one CPU, written by it alone.
pub(super) struct Stats {
    /// Nanoseconds that packets of this CPU's buckets took, see [`super::measure`].
    pub(super) busy: Counter,
    /// Packets this CPU let go on as their bucket's owner.
    pub(super) packets: Counter,
    /// Their bytes, from the network header on.
    pub(super) bytes: Counter,
    /// Those of them that came in on this CPU and went straight on.
    pub(super) direct: Counter,
    /// Those of them that were taken from the inbox.
    pub(super) queued: Counter,
    /// Packets that came in on this CPU and were put into an inbox.
    pub(super) steered: Counter,
    /// Interrupts sent to wake other CPUs.
    pub(super) ipis: Counter,
    /// Drops on this CPU: the owner's inbox was full.
    pub(super) drop_backlog: Counter,
    /// Drops on this CPU: too much waited, and this was of the longest queue.
    pub(super) drop_overlimit: Counter,
    /// Drops on this CPU: the device was going away.
    pub(super) drop_device: Counter,
    /// Drops on this CPU: the packet's route or socket was going away.
    pub(super) drop_route: Counter,
    /// Packets seen (one in [`super::steer::RPS_SAMPLE`]) from a device with RPS on.
    pub(super) rps: Counter,
    /// Buckets that moved here.
    pub(super) moves: Counter,
    /// Packets that came with them or waited for them here.
    pub(super) held: Counter,
    /// Packets that went on here after a later one of their connection.
    pub(super) violations: Counter,
}

impl Stats {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            busy: Counter::new(),
            packets: Counter::new(),
            bytes: Counter::new(),
            direct: Counter::new(),
            queued: Counter::new(),
            steered: Counter::new(),
            ipis: Counter::new(),
            drop_backlog: Counter::new(),
            drop_overlimit: Counter::new(),
            drop_device: Counter::new(),
            drop_route: Counter::new(),
            rps: Counter::new(),
            moves: Counter::new(),
            held: Counter::new(),
            violations: Counter::new(),
        }
    }
}
