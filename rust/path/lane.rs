// SPDX-License-Identifier: GPL-2.0

//! What each CPU has: the inbox for packets of the buckets it owns, its counters,
//! and notes that only it may touch.

use crate::kapi::counter::Counter;
use crate::kapi::inbox::{PacketInbox, PacketReader};
use crate::kapi::percpu::PerCpu;
use crate::model::sync::Word;
use core::cell::Cell;
use kernel::{cpu::nr_cpu_ids, prelude::*};

/// Packets that can wait for one CPU. Four times the backlog that RPS has by
/// default: a bucket that moves brings its packets along.
pub(super) const INBOX_PACKETS: usize = 4096;

/// All CPUs' lanes.
pub(super) type Lanes = PerCpu<Lane, Local>;

/// The half that all CPUs see.
pub(super) struct Lane {
    /// Producers: the hook on any CPU. Consumer: this CPU's poll.
    pub(super) inbox: PacketInbox,
    /// 1 while this CPU has noted CPUs to wake and not woken them.
    pub(super) waking: Word,
    pub(super) stats: Stats,
}

/// Counters of one CPU, written by it alone.
pub(super) struct Stats {
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
    /// Drops on this CPU: the device was going away.
    pub(super) drop_device: Counter,
    /// Drops on this CPU: the packet's route or socket was going away.
    pub(super) drop_route: Counter,
    /// Packets seen (one in [`super::steer::RPS_SAMPLE`]) from a device with RPS on.
    pub(super) rps: Counter,
}

/// The half that only this CPU touches, with bottom halves off.
pub(super) struct Local {
    pub(super) reader: PacketReader,
    /// CPUs to wake at the end of this softirq round.
    pub(super) wakes: Wakes,
    /// Set while a packet from the inbox goes through the stack: what that makes
    /// the stack receive again (a bridge's inner pass) is not steered again.
    pub(super) resuming: Cell<bool>,
    /// This CPU is going away: wake others at once, its next softirq may not come.
    pub(super) leaving: Cell<bool>,
    /// Counts packets for sampling.
    pub(super) seen: Cell<u32>,
}

/// A small set of CPUs. Each is added at most once between two rounds, since an
/// inbox tells only one producer to wake its owner.
pub(super) struct Wakes {
    cpus: KVec<Cell<u32>>,
    len: Cell<usize>,
}

impl Wakes {
    /// Adds `cpu`; false if there is no room.
    #[inline]
    pub(super) fn push(&self, cpu: u32) -> bool {
        let Some(slot) = self.cpus.get(self.len.get()) else {
            return false;
        };
        slot.set(cpu);
        self.len.set(self.len.get() + 1);
        true
    }

    /// Empties the set.
    #[inline]
    pub(super) fn take(&self) -> impl Iterator<Item = u32> + '_ {
        self.cpus.iter().take(self.len.replace(0)).map(Cell::get)
    }
}

/// Makes the lanes of all possible CPUs. Errors: `ENOMEM`.
pub(super) fn new() -> Result<Lanes> {
    PerCpu::new(|_cpu| {
        let (inbox, reader) = PacketInbox::new(INBOX_PACKETS)?;
        let mut cpus = KVec::new();
        for _ in 0..nr_cpu_ids() {
            cpus.push(Cell::new(0), GFP_KERNEL)?;
        }
        let lane = Lane {
            inbox,
            waking: Word::new(0),
            stats: Stats {
                packets: Counter::new(),
                bytes: Counter::new(),
                direct: Counter::new(),
                queued: Counter::new(),
                steered: Counter::new(),
                ipis: Counter::new(),
                drop_backlog: Counter::new(),
                drop_device: Counter::new(),
                drop_route: Counter::new(),
                rps: Counter::new(),
            },
        };
        let local = Local {
            reader,
            wakes: Wakes {
                cpus,
                len: Cell::new(0),
            },
            resuming: Cell::new(false),
            leaving: Cell::new(false),
            seen: Cell::new(0),
        };
        Ok((lane, local))
    })
}
