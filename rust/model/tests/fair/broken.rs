// SPDX-License-Identifier: GPL-2.0

//! A queue that is simple and not fair, and can be broken in one way at a time.

use crate::queue::{Pkt, Queue, Shed};
use flowbucket_model::fair::{Arrival, Limits};
use std::collections::{BTreeSet, HashSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Keeps all promises but those of fairness.
    Unfair,
    /// Every tenth packet is gone.
    Loses,
    /// The newest packet comes first.
    Reverses,
    /// At a limit the packet that comes is shed.
    TailDrop,
    /// At a limit the oldest packet is shed, whosever it is.
    ShedsOldest,
    /// Sheds one packet too many.
    ShedsMore,
    /// Knows no limits.
    Hoards,
    /// Takes no notice of held buckets.
    RunsHeld,
    /// Forgets memory that is collected.
    Miscounts,
    /// Sometimes has nothing though there is something.
    Pauses,
    /// Says that a bucket waits when any does.
    Confuses,
    /// Has a place less each time it runs empty.
    Leaks,
    /// Connections that were not seen before come first, and once.
    NewFirst,
    /// Sheds from the longest, though all are short and some are not known.
    Estranges,
}

pub(crate) struct Broken {
    fault: Fault,
    places: u32,
    packets: Vec<(u32, Pkt)>,
    held: BTreeSet<u32>,
    known: HashSet<(u32, u32)>,
    strangers: HashSet<(u32, u32)>,
    lost_memory: u32,
    calls: u32,
}

impl Broken {
    pub(crate) fn new(fault: Fault, places: u32) -> Self {
        Self {
            fault,
            places,
            packets: Vec::new(),
            held: BTreeSet::new(),
            known: HashSet::new(),
            strangers: HashSet::new(),
            lost_memory: 0,
            calls: 0,
        }
    }

    fn runs(&self, bucket: u32) -> bool {
        self.fault == Fault::RunsHeld || !self.held.contains(&bucket)
    }

    fn memory(&self) -> u64 {
        self.packets
            .iter()
            .map(|(_, p)| u64::from(p.memory.max(1)))
            .sum()
    }

    fn of(&self, bucket: u32, flow: u32) -> u64 {
        let own = |(b, p): &&(u32, Pkt)| *b == bucket && p.flow == flow;
        let packets = self.packets.iter().filter(own);
        packets.map(|(_, p)| u64::from(p.memory.max(1))).sum()
    }

    /// Everybody has less than 16 KB.
    fn is_crowd(&self) -> bool {
        let short = |(b, p): &(u32, Pkt)| self.of(*b, p.flow) < 16_384;
        self.fault != Fault::Estranges && self.packets.iter().all(short)
    }

    fn shed_one(&mut self) -> (u32, Pkt) {
        let stranger = |(b, p): &(u32, Pkt)| self.strangers.contains(&(*b, p.flow));
        let newest = self.packets.iter().rposition(stranger);
        let at = match (self.fault, newest) {
            (Fault::ShedsOldest, _) => 0,
            (_, Some(newest)) if self.is_crowd() => {
                // The first of that connection.
                let key = |(b, p): &(u32, Pkt)| (*b, p.flow);
                let whose = key(&self.packets[newest]);
                self.packets
                    .iter()
                    .position(|each| key(each) == whose)
                    .unwrap()
            }
            _ => {
                let all = self.packets.iter();
                let most = all.map(|(b, p)| self.of(*b, p.flow)).max();
                let longest = |(b, p): &(u32, Pkt)| Some(self.of(*b, p.flow)) == most;
                self.packets.iter().position(longest).unwrap()
            }
        };
        self.packets.remove(at)
    }
}

impl Queue for Broken {
    fn enqueue(&mut self, bucket: u32, packet: Pkt, arrival: Arrival, limits: &Limits) -> Shed {
        let mut shed = Vec::new();
        let most = limits.packets.min(self.places) as usize;
        if self.fault != Fault::Hoards {
            if packet.memory.max(1) > limits.memory || most == 0 {
                return vec![(bucket, packet)];
            }
            let room = u64::from(limits.memory - packet.memory.max(1));
            let over = |queue: &Self| queue.packets.len() >= most || queue.memory() > room;
            if self.fault == Fault::TailDrop && over(self) {
                return vec![(bucket, packet)];
            }
            let mut more = self.fault == Fault::ShedsMore;
            while over(self) || (more && !shed.is_empty() && !self.packets.is_empty()) {
                if over(self) && !arrival.known && self.is_crowd() {
                    shed.push((bucket, packet));
                    return shed;
                }
                more = more && over(self);
                shed.push(self.shed_one());
            }
        }
        if arrival.held {
            self.held.insert(bucket);
        }
        let key = (bucket, packet.flow);
        if arrival.known || (self.of(bucket, packet.flow) > 0 && !self.strangers.contains(&key)) {
            self.strangers.remove(&key);
        } else {
            self.strangers.insert(key);
        }
        self.calls += 1;
        if self.fault != Fault::Loses || self.calls % 10 != 0 {
            self.packets.push((bucket, packet));
        }
        shed
    }

    fn next(&mut self, _: &Limits) -> Option<(u32, Pkt)> {
        self.calls += 1;
        if self.fault == Fault::Pauses && self.calls % 10 == 0 {
            return None;
        }
        let runs = |(bucket, _): &(u32, Pkt)| self.runs(*bucket);
        let at = match self.fault {
            Fault::Reverses => self.packets.iter().rposition(runs)?,
            Fault::NewFirst => {
                let new =
                    |(b, p): &(u32, Pkt)| runs(&(*b, *p)) && !self.known.contains(&(*b, p.flow));
                let at = self.packets.iter().position(new);
                at.or_else(|| self.packets.iter().position(runs))?
            }
            _ => self.packets.iter().position(runs)?,
        };
        let (bucket, packet) = self.packets.remove(at);
        if self.fault == Fault::NewFirst {
            self.known.insert((bucket, packet.flow));
        }
        if self.fault == Fault::Leaks && self.packets.is_empty() {
            self.places = self.places.saturating_sub(1).max(1);
        }
        Some((bucket, packet))
    }

    fn collect(&mut self, bucket: u32) -> Vec<Pkt> {
        self.held.remove(&bucket);
        let (mut own, others): (Vec<_>, Vec<_>) =
            self.packets.drain(..).partition(|(b, _)| *b == bucket);
        self.packets = others;
        own.sort_by_key(|(_, packet)| packet.flow);
        let own: Vec<Pkt> = own.into_iter().map(|(_, packet)| packet).collect();
        if self.fault == Fault::Miscounts {
            self.lost_memory += own.iter().map(|p| p.memory.max(1)).sum::<u32>();
        }
        own
    }

    fn release(&mut self, bucket: u32) {
        self.held.remove(&bucket);
    }

    fn waiting(&self, bucket: u32) -> bool {
        let any = self.fault == Fault::Confuses;
        self.packets.iter().any(|(b, _)| any || *b == bucket)
    }

    fn counts(&self) -> (u32, u32, u32) {
        let held = |(b, _): &&(u32, Pkt)| !self.held.contains(b);
        let runnable = self.packets.iter().filter(held).count();
        let memory = self.memory() as u32 + self.lost_memory;
        (self.packets.len() as u32, memory, runnable as u32)
    }
}
