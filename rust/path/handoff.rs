// SPDX-License-Identifier: GPL-2.0

//! The owner's part in moves, and how packets get into its queue; the order of steps
//! is that of [`crate::model::handoff`].

use super::lane::drop_packet;
use super::poll::Turn;
use crate::kapi::{held::Held, skb::DropReason, time, trace};
use crate::model::{
    fair::{Arrival, Fifo, Packet},
    handoff::{Keeper, Mail},
};

/// As many packets as NAPI processes in one poll. If no more wait, sorting them would
/// only cost.
pub(super) const FEW: usize = 64;

/// Packets that are sorted at most for one poll that processes [`FEW`]. If still more
/// come in, sorting them would take the time to process any: then the inbox fills, and
/// those who send them drop them.
const MANY: usize = 4 * FEW;

/// What it takes to sort a packet and to shed it, about, in nanoseconds.
const SORT_NS: u64 = 150;

impl Turn<'_> {
    /// Takes a packet out of the inbox: its bucket, and how it arrives. It must be held if
    /// the bucket is on its way here. (If the bucket is not ours any more it is on its
    /// way elsewhere, and this packet still goes on here, or with it.)
    #[inline]
    pub(super) fn take(&self) -> Option<(usize, Held, Arrival)> {
        let (reader, inbox) = (&self.local.reader, &self.lane.inbox);
        let packet = reader.take(inbox)?;
        reader.prefetch(inbox);
        let bucket = self.table.buckets.of_hash(packet.flow());
        let known =
            (self.local.known.try_borrow_mut()).is_ok_and(|mut known| known.sent(packet.flow()));
        let arrival = Arrival {
            held: self.must_hold(bucket),
            known,
        };
        Some((bucket, packet, arrival))
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
            let Some((bucket, packet, arrival)) = self.take() else {
                break;
            };
            self.queue(bucket, packet, arrival);
        }
        self.local.reader.release(&self.lane.inbox);
    }

    /// How many packets to sort before the next are processed. While much waits of many
    /// connections, what comes in is mostly no better than what there is, and it is
    /// cheapest dropped by those who send it. But some of it may be of connections that
    /// are known: so it is sorted for an eighth of the time that processing takes.
    fn many(&self) -> usize {
        let Ok(queue) = self.local.queue.try_borrow() else {
            return FEW;
        };
        if !queue.is_long(self.limits) || self.lane.inbox.has_hog() {
            return MANY;
        }
        let more = if queue.has_strangers() {
            self.lane.price() / (8 * SORT_NS)
        } else {
            0
        };
        FEW.saturating_mul(1 + more as usize)
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
            let arrival = Arrival {
                held: self.must_hold(bucket),
                known: true,
            };
            while let Some(packet) = packets.pop() {
                if packet.device().is_registered() {
                    self.queue(bucket, packet, arrival);
                } else {
                    self.lane.stats.drop_device.add(1, self.bh);
                    drop_packet(packet, bucket, DropReason::Device);
                }
            }
        }
    }

    /// Queues one packet, and drops others if that makes too many.
    #[inline]
    pub(super) fn queue(&self, bucket: usize, packet: Held, arrival: Arrival) {
        let Ok(mut queue) = self.local.queue.try_borrow_mut() else {
            // Not reached: nobody has it while packets are taken in.
            return drop_packet(packet, bucket, DropReason::Backlog);
        };
        queue.enqueue(
            bucket as u32,
            packet,
            arrival,
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
            self.sort(self.many());
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
        let tracker = (self.napis.tracking).tracker(self.lane, time::coarse_ms());
        more.conns
            .put(self.table.conns.send(bucket, &tracker, self.bh));
        send(&lane.mail);
        if lane.inbox.wake() {
            self.napis.wake_now(to, self.lane, self.bh);
        }
    }

    fn receive(&mut self, bucket: usize) {
        let Some(more) = self.table.more(bucket) else {
            return;
        };
        (self.table.conns).receive(bucket, more.conns.take(), self.bh);
        // What came first, then what was held here meanwhile.
        let mut packets = more.parcel.take();
        if let Ok(mut queue) = self.local.queue.try_borrow_mut() {
            packets.append(queue.collect(bucket as u32));
        }
        let mut held = 0;
        // They were found a place once: they are not strangers.
        let arrival = Arrival {
            held: false,
            known: true,
        };
        while let Some(packet) = packets.pop() {
            held += 1;
            self.queue(bucket, packet, arrival);
        }
        let ns = time::now().saturating_sub(more.began.relaxed() as u64);
        more.moves.set_relaxed(more.moves.relaxed() + 1);
        more.held.set_relaxed(more.held.relaxed() + held);
        more.ns.set_relaxed(more.ns.relaxed() + ns as usize);
        self.lane.stats.moves.add(1, self.bh);
        self.lane.stats.held.add(held as u64, self.bh);
        self.lane.move_ns.add(ns, self.bh);
        trace::bucket_moved(bucket, more.from.relaxed() as u32, self.me, held as u32, ns);
    }
}
