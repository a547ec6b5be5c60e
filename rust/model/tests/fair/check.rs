// SPDX-License-Identifier: GPL-2.0

//! Drives a queue through operations and compares it with what it must be.

use crate::queue::{Pkt, Queue, KNOWN};
use flowbucket_model::fair::known::{Known, Place};
use flowbucket_model::fair::{Arrival, Limits};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who has less memory queued is short.
const SHORT: u32 = 1 << 14;

/// What is done to a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Enqueue {
        bucket: u32,
        flow: u32,
        bytes: u32,
        memory: u32,
    },
    Next,
    Collect(u32),
    /// From now on the bucket's packets come as held.
    Hold(u32),
    Release(u32),
    Limits(Limits),
}

/// Fails with what was found.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err(format!($($what)+));
        }
    };
}
pub(crate) use ensure;

/// What must be in a queue.
#[derive(Default)]
struct Expected {
    flows: BTreeMap<(u32, u32), VecDeque<Pkt>>,
    /// Connections none of whose packets was of a known one.
    strangers: BTreeSet<(u32, u32)>,
    /// Buckets the queue was told are held.
    held: BTreeSet<u32>,
    number: u64,
}

impl Expected {
    fn sum(&self, what: impl Fn(u32, &Pkt) -> u32) -> u32 {
        let of = |((bucket, _), packets): (&(u32, u32), &VecDeque<Pkt>)| {
            packets
                .iter()
                .map(|packet| what(*bucket, packet))
                .sum::<u32>()
        };
        self.flows.iter().map(of).sum()
    }

    fn memory(&self, bucket: u32, flow: u32) -> u32 {
        let packets = self.flows.get(&(bucket, flow));
        packets.map_or(0, |packets| packets.iter().map(|p| p.memory.max(1)).sum())
    }

    /// A packet came out: it must be the first of its connection.
    fn out(&mut self, bucket: u32, packet: Pkt) -> Result<(), String> {
        let key = (bucket, packet.flow);
        let first = self.flows.get_mut(&key).and_then(VecDeque::pop_front);
        ensure!(first == Some(packet), "{packet:?} before {first:?}");
        self.flows.retain(|_, packets| !packets.is_empty());
        Ok(())
    }

    fn counts(&self, queue: &dyn Queue) -> Result<(), String> {
        let expected = (
            self.sum(|_, _| 1),
            self.sum(|_, packet| packet.memory.max(1)),
            self.sum(|bucket, _| u32::from(!self.held.contains(&bucket))),
        );
        let counts = queue.counts();
        ensure!(counts == expected, "counts {counts:?}, not {expected:?}");
        for bucket in 0..10 {
            let waits = self.flows.keys().any(|(b, _)| *b == bucket);
            ensure!(queue.waiting(bucket) == waits, "{bucket} waits: {waits}");
        }
        Ok(())
    }

    /// One that is to lose packets: of a crowd the newest stranger, else one that has more
    /// than half of what the longest has.
    fn victim(&self, key: (u32, u32)) -> Result<(), String> {
        let memory = |key: &(u32, u32)| self.memory(key.0, key.1);
        let longest = self.flows.keys().map(memory).max().unwrap_or(0);
        let newest = self
            .flows
            .iter()
            .filter(|(key, _)| self.strangers.contains(key));
        let newest = newest.max_by_key(|(_, packets)| packets[0].number);
        match newest {
            Some((newest, _)) if longest < SHORT => {
                ensure!(
                    key == *newest,
                    "shed of {key:?}, the newest stranger is {newest:?}"
                );
            }
            _ => {
                let has = memory(&key);
                ensure!(
                    2 * has > longest,
                    "shed from {has}, the longest has {longest}"
                );
            }
        }
        Ok(())
    }

    fn enqueue(
        &mut self,
        queue: &mut dyn Queue,
        (bucket, packet): (u32, Pkt),
        arrival: Arrival,
        (limits, places): (&Limits, u32),
    ) -> Result<(), String> {
        let most = limits.packets.min(places);
        let memory = packet.memory.max(1);
        let alone = memory > limits.memory || most == 0;
        let mut victim = None;
        let shed = queue.enqueue(bucket, packet, arrival, limits);
        for (at, (from, gone)) in shed.iter().enumerate() {
            if alone {
                ensure!(shed.len() == 1 && *gone == packet, "shed {gone:?}");
                return Ok(());
            }
            let len = self.sum(|_, _| 1);
            let over = len >= most || self.sum(|_, p| p.memory.max(1)) > limits.memory - memory;
            let longest = self.flows.keys().map(|(b, f)| self.memory(*b, *f)).max();
            if *gone == packet {
                let crowd = longest.is_none_or(|longest| longest < SHORT);
                ensure!(over && crowd && !arrival.known, "shed {gone:?} itself");
                return Ok(());
            }
            // Within one go, up to 64 from the same, the limits may be met already.
            if victim != Some((*from, gone.flow, at / 64)) {
                ensure!(over, "shed without need");
                self.victim((*from, gone.flow))?;
                victim = Some((*from, gone.flow, at / 64));
            }
            self.out(*from, *gone)?;
        }
        if arrival.held {
            self.held.insert(bucket);
        }
        let key = (bucket, packet.flow);
        if !arrival.known && !self.flows.contains_key(&key) {
            self.strangers.insert(key);
        } else if arrival.known {
            self.strangers.remove(&key);
        }
        let entry = self.flows.entry(key).or_default();
        entry.push_back(packet);
        let (len, memory, _) = queue.counts();
        ensure!(
            len <= most && memory <= limits.memory,
            "{len}, {memory} of {limits:?}"
        );
        Ok(())
    }

    fn next(&mut self, queue: &mut dyn Queue, limits: &Limits) -> Result<bool, String> {
        let runnable = self.sum(|bucket, _| u32::from(!self.held.contains(&bucket)));
        match queue.next(limits) {
            Some((bucket, packet)) => {
                ensure!(
                    !self.held.contains(&bucket),
                    "ran {packet:?}, which is held"
                );
                self.out(bucket, packet)?;
                Ok(true)
            }
            None => {
                ensure!(runnable == 0, "nothing of {runnable}");
                Ok(false)
            }
        }
    }

    fn collect(&mut self, queue: &mut dyn Queue, bucket: u32) -> Result<(), String> {
        let packets = queue.collect(bucket);
        let mut flows: Vec<u32> = packets.iter().map(|packet| packet.flow).collect();
        flows.dedup();
        let different: BTreeSet<u32> = flows.iter().copied().collect();
        ensure!(
            different.len() == flows.len(),
            "not flow by flow: {flows:?}"
        );
        for packet in packets {
            self.out(bucket, packet)?;
        }
        self.held.remove(&bucket);
        Ok(())
    }
}

/// All that must hold whatever is done to a queue with `places` places.
pub(crate) fn check(queue: &mut dyn Queue, places: u32, ops: &[Op]) -> Result<(), String> {
    let mut expected = Expected::default();
    let mut held = BTreeSet::new();
    let mut known = Known::new(
        vec![Place::default(); 1024],
        [0x5bd1_e995_9e37_79b9, 0x8546_53c7_1b87_3593],
    )
    .unwrap();
    let mut limits = Limits {
        quantum: 1514,
        packets: u32::MAX,
        memory: u32::MAX,
    };
    for op in ops {
        match *op {
            Op::Enqueue {
                bucket,
                flow,
                bytes,
                memory,
            } => {
                expected.number += 1;
                let packet = Pkt {
                    flow,
                    bytes,
                    memory,
                    number: expected.number,
                };
                let arrival = Arrival {
                    held: held.contains(&bucket),
                    known: known.sent(flow),
                };
                expected.enqueue(queue, (bucket, packet), arrival, (&limits, places))?;
            }
            Op::Next => drop(expected.next(queue, &limits)?),
            Op::Collect(bucket) => expected.collect(queue, bucket)?,
            Op::Hold(bucket) => drop(held.insert(bucket)),
            Op::Release(bucket) => {
                queue.release(bucket);
                held.remove(&bucket);
                expected.held.remove(&bucket);
            }
            Op::Limits(new) => limits = new,
        }
        expected.counts(queue)?;
    }
    for bucket in core::mem::take(&mut expected.held) {
        queue.release(bucket);
    }
    while expected.next(queue, &limits)? {}
    expected.counts(queue)
}

/// A queue that was used and is empty has all its `places` for as many connections.
pub(crate) fn check_places(queue: &mut dyn Queue, places: u32) -> Result<(), String> {
    let limits = Limits {
        quantum: 1514,
        packets: u32::MAX,
        memory: u32::MAX,
    };
    for round in 0..3 {
        for flow in 0..places {
            let packet = Pkt {
                flow: flow + round * 1000,
                bytes: 100,
                memory: 100,
                number: 0,
            };
            let shed = queue.enqueue(flow, packet, KNOWN, &limits);
            ensure!(shed.is_empty(), "full with {flow} of {places}");
        }
        for left in (1..=places).rev() {
            ensure!(queue.next(&limits).is_some(), "{left} are left");
        }
        ensure!(queue.next(&limits).is_none(), "more than went in");
    }
    Ok(())
}
