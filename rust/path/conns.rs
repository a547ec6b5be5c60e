// SPDX-License-Identifier: GPL-2.0

//! The connections: each CPU has the tables of the buckets it owns, and hands a bucket's table
//! over with it ([`super::handoff`]). So what a CPU finds here is its own.

use super::round::Round;
use super::timers::TimerStats;
use super::track::Tracking;
use crate::kapi::{
    bh::BhOff,
    cache::prefetch,
    percpu::PerCpu,
    room::{at_once, Softirq},
};
use crate::model::{
    conn::{self, walk::Visit, Conn, Ms, Seen, Tracked},
    sync::Word,
};
use core::cell::{Cell, RefCell, RefMut};
use kernel::{cpu::nr_cpu_ids, prelude::*};

/// The connections of one bucket.
pub(super) type ConnTable = conn::Table<Softirq>;

/// Those of all buckets.
pub(super) struct Conns {
    own: PerCpu<(), Own>,
    /// How many there may be by now: CPUs help themselves to some at a time.
    used: Word,
}

/// What one CPU has.
struct Own {
    tables: RefCell<Tables>,
    /// Connections that it may add, taken from [`Conns::used`].
    credit: Cell<usize>,
}

struct Tables {
    /// By bucket; those that it owns and that have any connections.
    slots: KVVec<Option<KBox<ConnTable>>>,
    /// The last packet, whose record is on its way from memory into the cache: it is tracked
    /// when the next one comes, or when anybody looks.
    last: Option<(usize, Seen, Ms)>,
}

/// Connections that a CPU helps itself to at once, if there may be many.
const BATCH: usize = 64;

/// So many buckets without a table cost as much to pass as a record.
const EMPTY: usize = 16;

/// What it takes to track a packet.
#[derive(Clone, Copy)]
pub(super) struct Tracker<'a> {
    pub(super) tracking: &'a Tracking,
    pub(super) timers: &'a TimerStats,
    pub(super) now: Ms,
}

impl Conns {
    /// None yet, for so many buckets. Errors: `ENOMEM`.
    pub(super) fn new(buckets: usize) -> Result<Self> {
        let own = PerCpu::new(|_cpu| {
            let mut slots = KVVec::with_capacity(buckets, GFP_KERNEL)?;
            for _ in 0..buckets {
                slots.push(None, GFP_KERNEL)?;
            }
            let own = Own {
                tables: RefCell::new(Tables { slots, last: None }),
                credit: Cell::new(0),
            };
            Ok(((), own))
        })?;
        Ok(Self {
            own,
            used: Word::new(0),
        })
    }

    /// This CPU's tables, with all packets in them.
    fn settled<'a>(
        &'a self,
        tracker: &Tracker<'_>,
        bh: &'a BhOff,
    ) -> Option<(&'a Own, RefMut<'a, Tables>)> {
        let ((), own) = self.own.local(bh);
        let mut tables = own.tables.try_borrow_mut().ok()?;
        if let Some((bucket, seen, now)) = tables.last.take() {
            let tracker = Tracker { now, ..*tracker };
            own.track(self, &mut tables, bucket, &seen, &tracker, bh);
        }
        Some((own, tables))
    }

    /// A packet of one of this CPU's buckets goes on.
    #[inline]
    pub(super) fn track(&self, bucket: usize, seen: &Seen, tracker: &Tracker<'_>, bh: &BhOff) {
        let Some((_, mut tables)) = self.settled(tracker, bh) else {
            return;
        };
        if let Some(Some(table)) = tables.slots.get(bucket) {
            if let Some(conn) = table.likely(seen.hash) {
                prefetch(conn);
            }
        }
        tables.last = Some((bucket, *seen, tracker.now));
    }

    /// A bucket leaves this CPU: what it has.
    pub(super) fn send(
        &self,
        bucket: usize,
        tracker: &Tracker<'_>,
        bh: &BhOff,
    ) -> Option<KBox<ConnTable>> {
        let (_, mut tables) = self.settled(tracker, bh)?;
        tables.slots.get_mut(bucket)?.take()
    }

    /// A bucket has come to this CPU, with this.
    pub(super) fn receive(&self, bucket: usize, table: Option<KBox<ConnTable>>, bh: &BhOff) {
        let ((), own) = self.own.local(bh);
        let Ok(mut tables) = own.tables.try_borrow_mut() else {
            return;
        };
        if let Some(slot) = tables.slots.get_mut(bucket) {
            *slot = table;
        }
    }

    /// Runs `f` on a bucket's table, if this CPU has it.
    pub(super) fn with<R>(
        &self,
        bucket: usize,
        tracker: &Tracker<'_>,
        bh: &BhOff,
        f: impl FnOnce(&ConnTable) -> R,
    ) -> Option<R> {
        let (_, tables) = self.settled(tracker, bh)?;
        Some(f(tables.slots.get(bucket)?.as_ref()?))
    }

    /// Goes on with a round through what this CPU has: for about `most` records, then it is
    /// for packets again. `visit` is asked about those that are not idle for too long.
    pub(super) fn walk(
        &self,
        round: &mut Round,
        most: u32,
        tracker: &Tracker<'_>,
        bh: &BhOff,
        mut visit: impl FnMut(&mut Conn) -> Visit,
    ) -> bool {
        let Some((own, mut tables)) = self.settled(tracker, bh) else {
            return true;
        };
        let mut left = most;
        let max = tracker.tracking.max();
        while let Some(slot) = tables.slots.get_mut(round.bucket) {
            if left == 0 {
                return false;
            }
            if round.bucket % EMPTY == 0 {
                left -= 1;
            }
            if let Some(table) = slot {
                // To look whether it is due costs as much as a record does.
                left = left.saturating_sub(1);
                if !round.go_on(table, &mut left, &mut visit, |n| own.settle(self, n, max)) {
                    continue;
                }
                if table.is_empty() {
                    *slot = None;
                }
            }
            round.bucket += 1;
        }
        true
    }
}

impl Own {
    /// Tracks a packet and counts what becomes of it.
    #[inline]
    fn track(
        &self,
        all: &Conns,
        tables: &mut Tables,
        bucket: usize,
        seen: &Seen,
        tracker: &Tracker<'_>,
        bh: &BhOff,
    ) {
        let Tracker {
            tracking,
            timers,
            now,
        } = *tracker;
        let table = match tables.slots.get_mut(bucket) {
            Some(Some(table)) => table,
            Some(slot) => match KBox::new(ConnTable::default(), at_once()) {
                Ok(table) => slot.insert(table),
                Err(_) => return timers.untracked.add(1, bh),
            },
            None => return,
        };
        let before = table.len();
        let look_after = |state| tracking.look_after(state);
        let room = || self.has_credit(all, tracking.max());
        let tracked = table.track(seen, now, look_after, room);
        match tracked {
            Tracked::Known(..) => {}
            Tracked::New(_) => timers.added.add(1, bh),
            Tracked::Instead(_) => {
                timers.added.add(1, bh);
                timers.evicted.add(1, bh);
            }
            Tracked::Full => timers.untracked.add(1, bh),
        }
        if !matches!(tracked, Tracked::Known(..)) {
            self.settle(all, table.len() as isize - before as isize, tracking.max());
        }
        if tracking.delayed_acks.relaxed() != 0 {
            // It may have to be acknowledged.
            table.set_due(now);
        }
    }

    /// Whether there may be one more.
    fn has_credit(&self, all: &Conns, max: u32) -> bool {
        if self.credit.get() > 0 {
            return true;
        }
        let batch = batch(max);
        let mut used = all.used.relaxed();
        while used + batch <= max as usize {
            match all.used.exchange(used, used + batch) {
                Ok(()) => {
                    self.credit.set(batch);
                    return true;
                }
                Err(now) => used = now,
            }
        }
        false
    }

    /// There are so many more, or fewer.
    fn settle(&self, all: &Conns, more: isize, max: u32) {
        let credit = self.credit.get().saturating_add_signed(-more);
        let batch = batch(max);
        self.credit.set(credit);
        if credit <= 2 * batch {
            return;
        }
        self.credit.set(batch);
        all.used.update(|used| used.saturating_sub(credit - batch));
    }
}

/// How many connections a CPU helps itself to at once.
fn batch(max: u32) -> usize {
    let share = (max as usize).checked_div(8 * nr_cpu_ids() as usize);
    share.unwrap_or(1).clamp(1, BATCH)
}
