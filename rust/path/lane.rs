// SPDX-License-Identifier: GPL-2.0

//! What each CPU has: the inbox for packets of the buckets it owns, its counters,
//! and notes that only it may touch.

use super::limits::POOL;
use super::stats::{Histogram, Stats};
use super::timers::TimerStats;
use crate::kapi::{
    bh::BhOff,
    held::Held,
    inbox::{PacketInbox, PacketReader},
    packets::PacketList,
    percpu::PerCpu,
    random,
    skb::DropReason,
    trace,
};
use crate::model::{
    fair::{
        self,
        known::{Known, Place},
        FairQueue,
    },
    handoff::Mail,
    sync::Word,
};
use core::cell::{Cell, RefCell};
use kernel::{cpu::nr_cpu_ids, prelude::*};

/// Packets that can wait for one CPU to sort them into its queue: what may come in
/// between two of its softirqs.
pub(super) const INBOX_PACKETS: usize = 2048;

/// Places to note connections in that have sent: 32 KB for each CPU.
const KNOWN: usize = 8192;

/// All CPUs' lanes.
pub(super) type Lanes = PerCpu<Lane, Local>;

/// The half that all CPUs see.
pub(super) struct Lane {
    /// Producers: the hook on any CPU. Consumer: this CPU's poll.
    pub(super) inbox: PacketInbox,
    /// Buckets that come and are to go.
    pub(super) mail: Mail,
    /// 1 while this CPU is asked to drop packets of devices that are gone.
    pub(super) sweep: Word,
    /// 1 while this CPU has noted CPUs to wake and not woken them.
    pub(super) waking: Word,
    /// Nanoseconds that a packet takes from here on, lately.
    price: Word,
    pub(super) stats: Stats,
    /// How long buckets took that moved here.
    pub(super) move_ns: Histogram,
    /// Of its connections, and the thread that looks after them.
    pub(super) timers: TimerStats,
}

impl Lane {
    /// Nanoseconds that a packet takes, lately.
    #[inline]
    pub(super) fn price(&self) -> u64 {
        self.price.relaxed() as u64
    }

    /// Sets that. Written by the CPU itself or, when that has not measured it for long, by
    /// the balancer; which of them comes last does not matter.
    pub(super) fn set_price(&self, ns: u64) {
        self.price.set_relaxed(ns as usize);
    }

    /// So many packets have taken so long. Returns the nanoseconds to charge for each: not
    /// much more than usual, for then somebody else had the CPU meanwhile, an interrupt or a
    /// hypervisor.
    #[inline]
    pub(super) fn took(&self, ns: u64, packets: u32, bh: &BhOff) -> u64 {
        let usual = self.price();
        let each = ns.checked_div(u64::from(packets)).unwrap_or(usual);
        if usual == 0 {
            self.set_price(each);
            return self.charge(each, packets, bh);
        }
        let each = each.min(8 * usual);
        // An average over the last eight turns or so.
        self.set_price((7 * usual + each).div_ceil(8));
        self.charge(each, packets, bh)
    }

    /// Counts that so many packets took so long each. Returns that.
    #[inline]
    pub(super) fn charge(&self, each: u64, packets: u32, bh: &BhOff) -> u64 {
        self.stats.busy.add(each * u64::from(packets), bh);
        each
    }
}

/// The fair queue of one CPU.
pub(super) type Queue = FairQueue<KVVec<fair::Flow<PacketList>>, KVVec<fair::Bucket>, KVVec<u16>>;

fn seed() -> u64 {
    u64::from_ne_bytes(random::bytes())
}

/// An empty queue. Errors: `ENOMEM`.
fn queue() -> Result<Queue> {
    let flows = filled(POOL)?;
    let buckets = filled(POOL)?;
    let index = filled(fair::index_len(POOL))?;
    FairQueue::new(flows, buckets, index, seed()).ok_or(EINVAL)
}

fn filled<T: Default>(count: usize) -> Result<KVVec<T>> {
    let mut vec = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        vec.push(T::default(), GFP_KERNEL)?;
    }
    Ok(vec)
}

/// The half that only this CPU touches, with bottom halves off.
pub(super) struct Local {
    pub(super) reader: PacketReader,
    /// What is to go on here. Nobody has it while a packet is in the stack.
    pub(super) queue: RefCell<Queue>,
    /// Whose packets have been in the inbox.
    pub(super) known: RefCell<Known<KVVec<Place>>>,
    /// Buckets that are to go, see [`crate::model::handoff::Buckets::turn`].
    pub(super) leaving: Cell<usize>,
    /// CPUs to wake at the end of this softirq round.
    pub(super) wakes: Wakes,
    /// Set while a packet from the inbox goes through the stack: what that makes
    /// the stack receive again (a bridge's inner pass) is not steered again.
    pub(super) resuming: Cell<bool>,
    /// This CPU is going away: wake others at once, its next softirq may not come.
    pub(super) going: Cell<bool>,
    /// Counts packets for sampling.
    pub(super) seen: Cell<u32>,
    /// Packets stamped here.
    pub(super) stamps: Cell<u64>,
}

impl Local {
    /// Whether nothing is in the queue but what is held for buckets on their way.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.queue
            .try_borrow()
            .is_ok_and(|queue| queue.runnable() == 0)
    }

    /// Whether packets of a bucket wait in the queue.
    #[inline]
    pub(super) fn is_queued(&self, bucket: usize) -> bool {
        self.queue
            .try_borrow()
            .map_or(true, |queue| queue.waiting(bucket as u32))
    }
}

/// Drops a packet, for the tracepoint and the drop monitor to see.
#[cold]
pub(super) fn drop_packet(packet: Held, bucket: usize, reason: DropReason) {
    trace::dropped(&packet, bucket, reason);
    packet.drop_with(reason);
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
            mail: Mail::default(),
            sweep: Word::new(0),
            waking: Word::new(0),
            price: Word::new(0),
            stats: Stats::new(),
            move_ns: Histogram::new(),
            timers: TimerStats::new(),
        };
        let local = Local {
            reader,
            queue: RefCell::new(queue()?),
            known: RefCell::new(Known::new(filled(KNOWN)?, [seed(), seed()]).ok_or(EINVAL)?),
            leaving: Cell::new(0),
            wakes: Wakes {
                cpus,
                len: Cell::new(0),
            },
            resuming: Cell::new(false),
            going: Cell::new(false),
            seen: Cell::new(0),
            stamps: Cell::new(0),
        };
        Ok((lane, local))
    })
}
