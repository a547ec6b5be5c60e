// SPDX-License-Identifier: GPL-2.0

//! The owner's softirq: takes packets from the inbox into the fair queue, passes
//! buckets on, and lets packets go on in the order that the queue says. No more than
//! fit into one turn are not sorted: they go on as they came.

use super::handoff::FEW;
use super::lane::{drop_packet, Lane, Local};
use super::steer::Engine;
use super::table::Table;
use crate::kapi::{
    bh::BhOff,
    cpus,
    held::Held,
    napi::{Napis, Poll},
    resume::Resume,
    skb::DropReason,
    time,
};
use crate::model::fair::{self, Packet};

impl Poll for Engine {
    fn poll(&self, napis: &Napis<Self>, budget: u32, bh: &BhOff) -> u32 {
        let (lane, local) = self.lanes.local(bh);
        if lane.waking.relaxed() != 0 {
            for cpu in local.wakes.take() {
                napis.wake_now(cpu, lane, bh);
            }
            lane.waking.set_release(0);
        }
        let limits = self.limits.now();
        let table = self.table.read(bh);
        let mut turn = Turn {
            napis,
            table,
            lane,
            local,
            limits: &limits,
            me: cpus::current(bh),
            bh,
        };
        let mut done = 0;
        loop {
            table.buckets.turn(&lane.mail, &local.leaving, &mut turn);
            if lane.sweep.acquire() != 0 {
                // A place that is taken and not written yet hides those behind it.
                let end = lane.inbox.end();
                turn.sweep();
                if local.reader.passed(end) {
                    lane.sweep.set_release(0);
                }
            }
            let some = self.run(&turn, budget - done);
            done += some;
            if some == 0 || done >= budget {
                return done;
            }
        }
    }

    fn idle(&self, bh: &BhOff) -> bool {
        let (lane, local) = self.lanes.local(bh);
        let more = || !lane.mail.is_empty() || lane.sweep.acquire() != 0;
        local.reader.rest(&lane.inbox, more) || lane.waking.relaxed() != 0
    }
}

/// What a CPU has at hand in its softirq.
pub(super) struct Turn<'a> {
    pub(super) napis: &'a Napis<Engine>,
    pub(super) table: &'a Table,
    pub(super) lane: &'a Lane,
    pub(super) local: &'a Local,
    pub(super) limits: &'a fair::Limits,
    pub(super) me: u32,
    pub(super) bh: &'a BhOff,
}

impl Turn<'_> {
    /// The next packet to go on, and its bucket.
    #[inline]
    fn next(&self) -> Option<(usize, Held)> {
        let queued = {
            let mut queue = self.local.queue.try_borrow_mut().ok()?;
            queue.next(self.limits)
        };
        match queued {
            Some((bucket, packet)) => Some((bucket as usize, packet)),
            // What is sorted only as far as buckets that leave must be is taken first.
            None if self.local.leaving.get() != 0 => None,
            None => self.next_unsorted(),
        }
    }

    /// The next packet from the inbox, past those that are held.
    #[inline]
    fn next_unsorted(&self) -> Option<(usize, Held)> {
        loop {
            let (bucket, packet, arrival) = self.take()?;
            if !arrival.held {
                return Some((bucket, packet));
            }
            self.queue(bucket, packet, arrival);
        }
    }
}

impl Engine {
    /// Processes up to `budget` packets of the queue; returns how many.
    fn run(&self, turn: &Turn<'_>, budget: u32) -> u32 {
        let (lane, bh) = (turn.lane, turn.bh);
        let mut resume = Resume::new(bh);
        let mut done = 0;
        let mut bytes = 0;
        // Whose packets they are, to be charged when it is known what they took.
        let mut payers = [0; FEW];
        turn.local.resuming.set(true);
        let mut next = turn.next();
        let start = next.as_ref().map(|_| time::now());
        let track = self.tracking.on.relaxed() != 0;
        let tracker = self.tracking.tracker(lane, time::coarse_ms());
        while let Some((bucket, packet)) = next {
            done += 1;
            // One ahead, so that its headers are in the cache in time.
            next = if done < budget { turn.next() } else { None };
            if let Some((_, ahead)) = &next {
                ahead.prefetch();
            }
            if let Some(payer) = payers.get_mut(done as usize - 1) {
                *payer = bucket;
            }
            if !packet.device().is_registered() {
                lane.stats.drop_device.add(1, bh);
                drop_packet(packet, bucket, DropReason::Device);
                continue;
            }
            self.checks
                .processed(packet.flow(), packet.stamp(), lane, bh);
            bytes += u64::from(packet.len());
            if let Some(load) = turn.table.load(bucket) {
                load.count(packet.len(), bh);
            }
            if track {
                tracker.packet(
                    (turn.table, bucket),
                    (packet.family(), &packet),
                    (packet.device(), packet.flow(), packet.len()),
                    bh,
                );
            }
            resume.packet(packet);
            // When it is through, so that who waits for all that was steered finds it all.
            lane.stats.packets.add(1, bh);
            lane.stats.queued.add(1, bh);
        }
        turn.local.resuming.set(false);
        if let Some(start) = start {
            let each = lane.took(time::now().saturating_sub(start), done, bh);
            for &payer in payers.iter().take(done as usize) {
                if let Some(load) = turn.table.load(payer) {
                    load.ns.add(each, bh);
                }
            }
        }
        turn.local.reader.release(&lane.inbox);
        lane.stats.bytes.add(bytes, bh);
        done
    }
}
