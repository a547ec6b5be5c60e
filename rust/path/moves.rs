// SPDX-License-Identifier: GPL-2.0

//! The mover: gives any number of buckets to other CPUs in one go.

use super::steer::Engine;
use super::table::Table;
use crate::kapi::{
    bh::{BhGuard, BhOff},
    cpus,
    napi::Napis,
    time, trace,
};
use crate::model::sync::full_barrier;
use core::ops::Range;
use kernel::{time::delay::fsleep, time::Delta};

/// How long to sleep between two looks whether all buckets have arrived. It takes the
/// old owners and then the new a softirq each.
const LOOK: Delta = Delta::from_micros(50);

/// Buckets that move at the same time: what an owner does for one softirq turn.
const AT_ONCE: usize = 1024;

impl Napis<Engine> {
    /// Moves buckets to where `to` says, `None` for those that stay, and returns when
    /// all have arrived. The CPUs must be online and stay so.
    ///
    /// One call at a time: callers hold the settings.
    pub(super) fn move_buckets(&self, to: impl Fn(&Table, usize) -> Option<u32>) {
        let mut first = 0;
        loop {
            let count = {
                let bh = BhGuard::new();
                let table = self.table.read(&bh);
                self.begin(table, first..(first + AT_ONCE).min(table.len()), &to, &bh);
                table.len()
            };
            first += AT_ONCE;
            while !self.all_arrived() {
                fsleep(LOOK);
            }
            if first >= count {
                return;
            }
        }
    }

    fn all_arrived(&self) -> bool {
        let bh = BhGuard::new();
        let table = self.table.read(&bh);
        (0..table.len()).all(|bucket| table.buckets.is_settled(bucket))
    }

    fn begin(
        &self,
        table: &Table,
        buckets: Range<usize>,
        to: &impl Fn(&Table, usize) -> Option<u32>,
        bh: &BhOff,
    ) {
        let now = time::now();
        for bucket in buckets.clone() {
            let (Some(to), Some(more)) = (to(table, bucket), table.more(bucket)) else {
                continue;
            };
            let from = table.owner(bucket);
            if from == to {
                continue;
            }
            more.from.set_relaxed(from as usize);
            more.began.set_relaxed(now as usize);
            table.buckets.announce(bucket, to);
            trace::bucket_move(bucket, from, to);
        }
        full_barrier();
        for bucket in buckets {
            // Nothing else is on its way: one mover at a time.
            if !table.buckets.is_settled(bucket) {
                let from = table.more(bucket).map_or(0, |more| more.from.relaxed());
                if let Some(lane) = self.lanes.get(from as u32) {
                    table.buckets.request(bucket, &lane.mail, lane.inbox.end());
                }
            }
        }
        let (own, _) = self.lanes.local(bh);
        for cpu in cpus::possible() {
            if let Some(lane) = self.lanes.get(cpu) {
                if !lane.mail.is_empty() && lane.inbox.wake() {
                    self.wake_now(cpu, own, bh);
                }
            }
        }
    }
}
