// SPDX-License-Identifier: GPL-2.0

//! Packets, connections and buckets come and go: what keeps the parts of the queue in
//! step.

use super::entry::{Bucket, Entry, Flow};
use super::list::{Which, NONE};
use super::{FairQueue, Fifo, Packet};
use core::ops::DerefMut;

/// The most packets that are shed at a time, as fq_codel does.
const BATCH: u16 = 64;

impl<F, FV, BV, IV> FairQueue<FV, BV, IV>
where
    F: Fifo,
    FV: DerefMut<Target = [Flow<F>]>,
    BV: DerefMut<Target = [Bucket]>,
    IV: DerefMut<Target = [u16]>,
{
    /// Takes all packets of a bucket out, one connection after the other, the packets
    /// of each in order. The bucket is forgotten, also that it was held. Costs as much
    /// as the bucket has connections.
    pub fn collect(&mut self, bucket: u32) -> F {
        let mut all = F::default();
        let Some(at) = self.find(bucket) else {
            return all;
        };
        while let Some((flow, entry)) = self.flow_of(at) {
            all.append(core::mem::take(&mut entry.packets));
            let (count, before) = (entry.len, entry.memory);
            self.longest.update(self.flows.all(), flow, |entry| {
                (entry.len, entry.memory) = (0, 0);
            });
            if count > 0 {
                self.lost(at, count, before);
            }
            self.forget_flow(flow);
        }
        self.forget_bucket(at);
        all
    }

    /// A bucket that was held takes part in the rounds from now on.
    pub fn release(&mut self, bucket: u32) {
        let Some(at) = self.find(bucket) else {
            return;
        };
        let Some(entry) = self.buckets.get(at).filter(|entry| entry.is_held()) else {
            return;
        };
        self.held = self.held.saturating_sub(u32::from(entry.len));
        self.rounds.join(self.buckets.all(), at);
    }

    /// The entry of a bucket, a new one if it has none; held if it is to be. It is not
    /// among the idle, since it is to get a packet.
    #[inline]
    pub(super) fn bucket(&mut self, bucket: u32, held: bool, quantum: i32) -> Option<u16> {
        let Some(at) = self.find(bucket) else {
            if !self.buckets.has_free() {
                self.forget_bucket(self.idle.first());
            }
            let at = self.buckets.add(&mut self.index, NONE, bucket, quantum)?;
            if !held {
                self.rounds.join(self.buckets.all(), at);
            }
            return Some(at);
        };
        if held {
            self.hold(at);
        }
        if self.buckets.get(at)?.is_empty() {
            self.idle.remove(self.buckets.all(), Which::Size, at);
        }
        Some(at)
    }

    fn hold(&mut self, at: u16) {
        if let Some(entry) = self.buckets.get(at).filter(|entry| !entry.is_held()) {
            self.held = self.held.saturating_add(u32::from(entry.len));
            self.rounds.leave(self.buckets.all(), at);
        }
    }

    /// The entry of a connection, a new one if it has none. It is not among those
    /// without packets, since it is to get one.
    #[inline]
    fn flow(&mut self, at: u16, flow: u32, quantum: i32) -> Option<u16> {
        if let Some(found) = self.flows.find(&self.index, at, flow) {
            if self.flows.get(found)?.is_empty() {
                self.longest.leave(self.flows.all(), found);
            }
            return Some(found);
        }
        if !self.flows.has_free() {
            self.forget_flow(self.longest.idle()?);
        }
        let new = self.flows.add(&mut self.index, at, flow, quantum)?;
        let bucket = self.buckets.get_mut(at)?;
        bucket.rounds.join(self.flows.all(), new);
        Some(new)
    }

    /// Any connection of a bucket.
    fn flow_of(&mut self, at: u16) -> Option<(u16, &mut Flow<F>)> {
        let flow = self.buckets.get(at)?.rounds.any();
        Some((flow, self.flows.get_mut(flow)?))
    }

    /// Puts a packet into a bucket. Gives it back if there is no entry left, which
    /// cannot be: there are fewer packets than entries.
    #[inline]
    pub(super) fn push(
        &mut self,
        at: u16,
        packet: F::Packet,
        known: bool,
        quantum: i32,
    ) -> Result<(), F::Packet> {
        let Some(flow) = self.flow(at, packet.flow(), quantum) else {
            self.lost(at, 0, 0);
            return Err(packet);
        };
        let Some(entry) = self.flows.get_mut(flow) else {
            return Err(packet);
        };
        let memory = packet.memory().max(1);
        let first = entry.is_empty();
        entry.packets.push(packet);
        let change = |entry: &mut Flow<F>| {
            entry.memory = entry.memory.saturating_add(memory);
            entry.len = entry.len.saturating_add(1);
            entry.stranger = !known && (first || entry.stranger);
        };
        if first {
            change(entry);
            self.longest.enter(self.flows.all(), flow);
        } else {
            self.longest.update(self.flows.all(), flow, change);
        }
        self.gained(at, memory);
        Ok(())
    }

    /// Takes the first packet of a connection out.
    #[inline]
    pub(super) fn pop(&mut self, flow: u16) -> Option<F::Packet> {
        let entry = self.flows.get_mut(flow)?;
        let packet = entry.packets.pop()?;
        let memory = packet.memory().max(1);
        let at = entry.node().of;
        self.longest.update(self.flows.all(), flow, |entry| {
            entry.memory = entry.memory.saturating_sub(memory);
            entry.len = entry.len.saturating_sub(1);
        });
        self.lost(at, 1, memory);
        Some(packet)
    }

    #[inline]
    fn gained(&mut self, at: u16, memory: u32) {
        self.len = self.len.saturating_add(1);
        self.memory = self.memory.saturating_add(memory);
        if let Some(entry) = self.buckets.get_mut(at) {
            entry.len = entry.len.saturating_add(1);
            if entry.is_held() {
                self.held = self.held.saturating_add(1);
            }
        }
    }

    #[inline]
    fn lost(&mut self, at: u16, count: u16, memory: u32) {
        self.len = self.len.saturating_sub(u32::from(count));
        self.memory = self.memory.saturating_sub(memory);
        if let Some(entry) = self.buckets.get_mut(at) {
            entry.len = entry.len.saturating_sub(count);
            let last = entry.len == 0;
            if entry.is_held() {
                self.held = self.held.saturating_sub(u32::from(count));
            }
            if last {
                self.idle.push(self.buckets.all(), Which::Size, at);
            }
        }
    }

    /// Forgets a connection, which must have no packets.
    #[inline]
    pub(super) fn forget_flow(&mut self, flow: u16) {
        if let Some(entry) = self.flows.get(flow) {
            let at = entry.node().of;
            if let Some(bucket) = self.buckets.get_mut(at) {
                bucket.rounds.leave(self.flows.all(), flow);
            }
            self.longest.leave(self.flows.all(), flow);
            self.flows.forget(&mut self.index, flow);
        }
    }

    /// Forgets a bucket, which must have no packets, and its connections.
    pub(super) fn forget_bucket(&mut self, at: u16) {
        while let Some((flow, _)) = self.flow_of(at) {
            self.forget_flow(flow);
        }
        if self.buckets.get(at).is_some() {
            self.rounds.leave(self.buckets.all(), at);
            self.idle.remove(self.buckets.all(), Which::Size, at);
            self.buckets.forget(&mut self.index, at);
        }
    }

    /// Sheds packets of the one to lose some. False if there is none.
    #[cold]
    pub(super) fn shed(&mut self, shed: &mut impl FnMut(u32, F::Packet)) -> bool {
        let Some(flow) = self.longest.victim(self.flows.all()) else {
            return false;
        };
        let Some(entry) = self.flows.get(flow) else {
            return false;
        };
        let bucket = self.buckets.get(entry.node().of);
        let bucket = bucket.map_or(0, |bucket| bucket.node().key);
        let mut some = false;
        for _ in 0..(entry.len / 2).clamp(1, BATCH) {
            if let Some(packet) = self.pop(flow) {
                some = true;
                shed(bucket, packet);
            }
        }
        some
    }
}
