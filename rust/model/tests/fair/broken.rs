// SPDX-License-Identifier: GPL-2.0

//! A queue that is simple and not fair, and can be broken in one way at a time.

use crate::queue::{Pkt, Queue, Shed};
use flowbucket_model::fair::Limits;
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
}

pub(crate) struct Broken {
    fault: Fault,
    places: u32,
    packets: Vec<(u32, Pkt)>,
    held: BTreeSet<u32>,
    known: HashSet<(u32, u32)>,
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

    fn shed_one(&mut self) -> (u32, Pkt) {
        let of = |bucket: u32, flow: u32| {
            let own = |(b, p): &&(u32, Pkt)| *b == bucket && p.flow == flow;
            let packets = self.packets.iter().filter(own);
            packets
                .map(|(_, p)| u64::from(p.memory.max(1)))
                .sum::<u64>()
        };
        let at = match self.fault {
            Fault::ShedsOldest => 0,
            _ => {
                let most = self.packets.iter().map(|(b, p)| of(*b, p.flow)).max();
                let longest = |(b, p): &(u32, Pkt)| Some(of(*b, p.flow)) == most;
                self.packets.iter().position(longest).unwrap()
            }
        };
        self.packets.remove(at)
    }
}

impl Queue for Broken {
    fn enqueue(&mut self, bucket: u32, packet: Pkt, held: bool, limits: &Limits) -> Shed {
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
                more = more && over(self);
                shed.push(self.shed_one());
            }
        }
        if held {
            self.held.insert(bucket);
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
