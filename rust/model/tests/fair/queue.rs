// SPDX-License-Identifier: GPL-2.0

//! What is driven: the fair queue, or a broken one, behind one trait.

use flowbucket_model::fair::{index_len, Arrival, Bucket, FairQueue, Fifo, Flow, Limits, Packet};
use std::collections::VecDeque;

/// A packet of its own `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pkt {
    pub(crate) flow: u32,
    pub(crate) bytes: u32,
    pub(crate) memory: u32,
    pub(crate) number: u64,
}

impl Packet for Pkt {
    fn flow(&self) -> u32 {
        self.flow
    }

    fn bytes(&self) -> u32 {
        self.bytes
    }

    fn memory(&self) -> u32 {
        self.memory
    }
}

/// Of a connection that has sent before, in a bucket that is not held.
pub(crate) const KNOWN: Arrival = Arrival {
    held: false,
    known: true,
};

/// Of one that has not.
pub(crate) const STRANGE: Arrival = Arrival {
    held: false,
    known: false,
};

/// Packets and their buckets.
pub(crate) type Shed = Vec<(u32, Pkt)>;

pub(crate) trait Queue {
    /// Returns what was shed.
    fn enqueue(&mut self, bucket: u32, packet: Pkt, arrival: Arrival, limits: &Limits) -> Shed;
    fn next(&mut self, limits: &Limits) -> Option<(u32, Pkt)>;
    fn collect(&mut self, bucket: u32) -> Vec<Pkt>;
    fn release(&mut self, bucket: u32);
    fn waiting(&self, bucket: u32) -> bool;
    /// Packets, memory, packets that are not held.
    fn counts(&self) -> (u32, u32, u32);
}

#[derive(Debug, Default)]
pub(crate) struct Deque(VecDeque<Pkt>);

impl Fifo for Deque {
    type Packet = Pkt;

    fn push(&mut self, packet: Pkt) {
        self.0.push_back(packet);
    }

    fn pop(&mut self) -> Option<Pkt> {
        self.0.pop_front()
    }

    fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(crate) struct Fair(FairQueue<Vec<Flow<Deque>>, Vec<Bucket>, Vec<u16>>);

impl Fair {
    pub(crate) fn new(flows: usize, buckets: usize) -> Self {
        let entries = (0..flows).map(|_| Flow::default()).collect();
        let places = (0..buckets).map(|_| Bucket::default()).collect();
        Self(FairQueue::new(entries, places, vec![0; index_len(flows)], 0x1234_5678).unwrap())
    }
}

impl Queue for Fair {
    fn enqueue(&mut self, bucket: u32, packet: Pkt, arrival: Arrival, limits: &Limits) -> Shed {
        let mut shed = Vec::new();
        self.0
            .enqueue(bucket, packet, arrival, limits, |b, p| shed.push((b, p)));
        shed
    }

    fn next(&mut self, limits: &Limits) -> Option<(u32, Pkt)> {
        self.0.next(limits)
    }

    fn collect(&mut self, bucket: u32) -> Vec<Pkt> {
        self.0.collect(bucket).0.into()
    }

    fn release(&mut self, bucket: u32) {
        self.0.release(bucket);
    }

    fn waiting(&self, bucket: u32) -> bool {
        self.0.waiting(bucket)
    }

    fn counts(&self) -> (u32, u32, u32) {
        let len = self.0.len();
        assert_eq!(self.0.is_empty(), len == 0);
        (len, self.0.memory(), self.0.runnable())
    }
}

#[test]
fn only_lengths_that_fit_are_taken() {
    let queue = |flows: usize, buckets: usize, index: usize| {
        let entries = (0..flows)
            .map(|_| Flow::<Deque>::default())
            .collect::<Vec<_>>();
        let places = (0..buckets).map(|_| Bucket::default()).collect::<Vec<_>>();
        FairQueue::new(entries, places, vec![0; index], 0).is_some()
    };
    for flows in [1, 2, 3, 1000, 4096, 32_768] {
        assert!(queue(flows, flows, index_len(flows)), "{flows}");
    }
    assert!(queue(4096, 64, index_len(4096)), "few buckets");
    assert!(!queue(0, 0, index_len(0)));
    assert!(!queue(4096, 0, index_len(4096)));
    assert!(!queue(4096, 4097, index_len(4096)));
    assert!(!queue(4096, 4096, index_len(4096) / 2));
    assert!(!queue(32_769, 32_769, index_len(32_769)));
}
