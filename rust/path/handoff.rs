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

impl Turn<'_> {
    /// Queues one packet, and drops others if that makes too many.
    #[inline]
    fn queue(&self, bucket: usize, packet: Held, hold: bool) {
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
        let (reader, inbox) = (&self.local.reader, &self.lane.inbox);
        while let Some(packet) = reader.take(inbox) {
            reader.prefetch(inbox);
            let bucket = self.table.buckets.of_hash(packet.flow());
            let owner = self.table.buckets.owner(bucket);
            // Not ours any more: then it is leaving, and its packets still run here.
            let hold = owner.cpu() == self.me && !owner.has_arrived();
            self.queue(bucket, packet, hold);
        }
        reader.release(inbox);
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
