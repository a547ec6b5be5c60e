// SPDX-License-Identifier: GPL-2.0

//! The owner's part in moves, and how packets get into its queue; the order of steps
//! is that of [`crate::model::handoff`].

use super::lane::drop_packet;
use super::poll::Turn;
use crate::kapi::{held::Held, skb::DropReason, time, trace};
use crate::model::{
    fair::{Fifo, Packet},
    handoff::{Keeper, Mail},
};

/// As many packets as NAPI processes in one poll. If no more wait, sorting them would
/// only cost.
pub(super) const FEW: usize = 64;

/// Packets that are sorted at most for one poll that processes [`FEW`]. If still more
/// come in, sorting them would take the time to process any: then the inbox fills, and
/// those who send them drop them.
const MANY: usize = 4 * FEW;

impl Turn<'_> {
    /// Takes a packet out of the inbox: its bucket, and whether that is on its way here,
    /// so that the packet must be held. (If the bucket is not ours any more it is on its
    /// way elsewhere, and this packet still goes on here, or with it.)
    #[inline]
    pub(super) fn take(&self) -> Option<(usize, Held, bool)> {
        let (reader, inbox) = (&self.local.reader, &self.lane.inbox);
        let packet = reader.take(inbox)?;
        reader.prefetch(inbox);
        let bucket = self.table.buckets.of_hash(packet.flow());
        Some((bucket, packet, self.must_hold(bucket)))
    }

    /// Whether a bucket is on its way here.
    #[inline]
    fn must_hold(&self, bucket: usize) -> bool {
        let owner = self.table.buckets.owner(bucket);
        owner.cpu() == self.me && !owner.has_arrived()
    }

    /// Takes up to `most` packets out of the inbox and queues them.
    fn sort(&self, most: usize) {
        for _ in 0..most {
            let Some((bucket, packet, hold)) = self.take() else {
                break;
            };
            self.queue(bucket, packet, hold);
        }
        self.local.reader.release(&self.lane.inbox);
    }

    /// Whether much waits, of many connections: then what comes in is no better than what
    /// there is, and it is cheapest dropped by those who send it.
    fn is_full(&self) -> bool {
        let long = (self.local.queue.try_borrow()).is_ok_and(|queue| queue.is_long(self.limits));
        long && !self.lane.inbox.has_hog()
    }

    /// While much waits, tells those who send packets of whom it is.
    fn watch_hog(&self) {
        if let Ok(mut queue) = self.local.queue.try_borrow_mut() {
            let long = queue.is_long(self.limits);
            self.lane
                .inbox
                .set_hog(if long { queue.hog() } else { None });
        }
    }

    /// Drops what waits here of devices that are no longer registered. What is left is
    /// queued anew, in its order.
    pub(super) fn sweep(&self) {
        self.sort(usize::MAX);
        for bucket in 0..self.table.len() {
            if !self.local.is_queued(bucket) {
                continue;
            }
            let Ok(mut queue) = self.local.queue.try_borrow_mut() else {
                return;
            };
            let mut packets = queue.collect(bucket as u32);
            drop(queue);
            let hold = self.must_hold(bucket);
            while let Some(packet) = packets.pop() {
                if packet.device().is_registered() {
                    self.queue(bucket, packet, hold);
                } else {
                    self.lane.stats.drop_device.add(1, self.bh);
                    drop_packet(packet, bucket, DropReason::Device);
                }
            }
        }
    }

    /// Queues one packet, and drops others if that makes too many.
    #[inline]
    pub(super) fn queue(&self, bucket: usize, packet: Held, hold: bool) {
        let Ok(mut queue) = self.local.queue.try_borrow_mut() else {
            // Not reached: nobody has it while packets are taken in.
            return drop_packet(packet, bucket, DropReason::Backlog);
        };
        queue.enqueue(
            bucket as u32,
            packet,
            hold,
            self.limits,
            |bucket, packet| {
                self.lane.stats.drop_overlimit.add(1, self.bh);
                drop_packet(packet, bucket as usize, DropReason::Backlog);
            },
        );
    }
}

impl Keeper for Turn<'_> {
    fn take_in(&mut self) {
        let nothing = (self.local.queue.try_borrow()).is_ok_and(|queue| queue.is_empty());
        if self.local.leaving.get() != 0 {
            // It is waited for that the inbox is taken up to some place.
            self.sort(usize::MAX);
        } else if !nothing || self.local.reader.backlog(&self.lane.inbox) > FEW {
            self.sort(if self.is_full() { FEW } else { MANY });
        }
        self.watch_hog();
    }

    fn passed(&self, end: usize) -> bool {
        self.local.reader.passed(end)
    }

    fn send(&mut self, bucket: usize, to: u32, send: impl FnOnce(&Mail)) {
        let (Some(more), Some(lane)) = (self.table.more(bucket), self.napis.lanes.get(to)) else {
            return;
        };
        if let Ok(mut queue) = self.local.queue.try_borrow_mut() {
            more.parcel.put(queue.collect(bucket as u32));
        }
        send(&lane.mail);
        if lane.inbox.wake() {
            self.napis.wake_now(to, self.lane, self.bh);
        }
    }

    fn receive(&mut self, bucket: usize) {
        let Some(more) = self.table.more(bucket) else {
            return;
        };
        // What came first, then what was held here meanwhile.
        let mut packets = more.parcel.take();
        if let Ok(mut queue) = self.local.queue.try_borrow_mut() {
            packets.append(queue.collect(bucket as u32));
        }
        let mut held = 0;
        while let Some(packet) = packets.pop() {
            held += 1;
            self.queue(bucket, packet, false);
        }
        let ns = time::now().saturating_sub(more.began.relaxed() as u64);
        more.moves.set_relaxed(more.moves.relaxed() + 1);
        more.held.set_relaxed(more.held.relaxed() + held);
        self.lane.stats.moves.add(1, self.bh);
        self.lane.stats.held.add(held as u64, self.bh);
        self.lane.move_ns.add(ns, self.bh);
        trace::bucket_moved(bucket, more.from.relaxed() as u32, self.me, held as u32, ns);
    }
}
