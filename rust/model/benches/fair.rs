// SPDX-License-Identifier: GPL-2.0

//! Time per packet in the fair queue: into it and out of it.
//!
//! The figure criterion prints per element is per packet. Packets come in blocks of 64,
//! as a softirq takes them: all in, then all out.

#![expect(missing_docs, reason = "criterion's macro writes a function without")]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use flowbucket_model::fair::{index_len, Arrival, Bucket, FairQueue, Fifo, Flow, Limits, Packet};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const ENTRIES: usize = 4096;
const BUCKETS: u32 = 4096;
const FLOWS: usize = 800_000;
const BLOCK: usize = 64;
const QUANTUM: u32 = 1514;

/// What stands for an sk_buff. Relaxed accesses are plain ones.
#[repr(align(64))]
struct Skb {
    flow: AtomicU32,
    bytes: AtomicU32,
    next: AtomicU32,
}

static SKBS: [Skb; 2 * ENTRIES] = [const {
    Skb {
        flow: AtomicU32::new(0),
        bytes: AtomicU32::new(0),
        next: AtomicU32::new(0),
    }
}; 2 * ENTRIES];

/// The number of an sk_buff, plus 1.
struct Held(u32);

impl Held {
    fn skb(&self) -> &'static Skb {
        &SKBS[self.0 as usize - 1]
    }
}

impl Packet for Held {
    fn flow(&self) -> u32 {
        self.skb().flow.load(Relaxed)
    }

    fn bytes(&self) -> u32 {
        self.skb().bytes.load(Relaxed)
    }

    fn memory(&self) -> u32 {
        self.bytes() + 640
    }
}

/// As in the module: linked through the packets, two words.
#[derive(Default)]
struct List {
    head: usize,
    tail: usize,
}

impl Fifo for List {
    type Packet = Held;

    fn push(&mut self, packet: Held) {
        packet.skb().next.store(0, Relaxed);
        match self.tail {
            0 => self.head = packet.0 as usize,
            tail => SKBS[tail - 1].next.store(packet.0, Relaxed),
        }
        self.tail = packet.0 as usize;
    }

    fn pop(&mut self) -> Option<Held> {
        let head = self.head.checked_sub(1)?;
        self.head = SKBS[head].next.load(Relaxed) as usize;
        if self.head == 0 {
            self.tail = 0;
        }
        Some(Held(head as u32 + 1))
    }

    fn append(&mut self, mut other: Self) {
        while let Some(packet) = other.pop() {
            self.push(packet);
        }
    }

    fn is_empty(&self) -> bool {
        self.head == 0
    }
}

/// The queue and the packets that are not in it.
struct Bench {
    queue: FairQueue<Vec<Flow<List>>, Vec<Bucket>, Vec<u16>>,
    free: Vec<Held>,
}

const KNOWN: Arrival = Arrival {
    held: false,
    known: true,
};

const LIMITS: Limits = Limits {
    quantum: QUANTUM,
    packets: ENTRIES as u32,
    memory: 32 << 20,
};

impl Bench {
    fn new() -> Self {
        let flows = (0..ENTRIES).map(|_| Flow::default()).collect();
        let buckets = (0..ENTRIES).map(|_| Bucket::default()).collect();
        let index = vec![0; index_len(ENTRIES)];
        let queue = FairQueue::new(flows, buckets, index, 0x9e37_79b9_7f4a_7c15);
        Self {
            queue: queue.expect("lengths that fit"),
            free: (1..=SKBS.len() as u32).map(Held).collect(),
        }
    }

    fn put(&mut self, flow: u32, bytes: u32) {
        let packet = self.free.pop().expect("more packets than entries");
        packet.skb().flow.store(flow, Relaxed);
        packet.skb().bytes.store(bytes, Relaxed);
        let free = &mut self.free;
        self.queue
            .enqueue(flow % BUCKETS, packet, KNOWN, &LIMITS, |_, gone| {
                free.push(gone);
            });
    }

    fn take(&mut self) {
        if let Some((bucket, packet)) = self.queue.next(&LIMITS) {
            black_box(bucket);
            self.free.push(packet);
        }
    }

    fn block(&mut self, packets: impl Iterator<Item = (u32, u32)>) {
        for (flow, bytes) in packets {
            self.put(flow, bytes);
        }
        for _ in 0..BLOCK {
            self.take();
        }
    }
}

fn bench(c: &mut Criterion) {
    println!(
        "entries: connection {} bytes, bucket {} bytes",
        size_of::<Flow<List>>(),
        size_of::<Bucket>()
    );
    // Knuth's MMIX generator.
    let random = |state: &mut u64| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 32) as u32
    };
    let mut state = 1;
    let flows: Vec<u32> = (0..FLOWS).map(|_| random(&mut state)).collect();
    let mut at = (0..FLOWS).cycle().step_by(BLOCK);
    let mut some = |flows: &[u32]| -> Vec<u32> {
        let at = at.next().unwrap_or(0).min(FLOWS - BLOCK);
        flows[at..at + BLOCK].to_vec()
    };
    let mut group = c.benchmark_group("fair");
    group.throughput(Throughput::Elements(BLOCK as u64));

    let mut bench = Bench::new();
    group.bench_function("one packet each of 800,000 connections", |b| {
        b.iter(|| bench.block(some(&flows).iter().map(|flow| (*flow, 100))));
    });

    // The same with 1,000 packets waiting in front.
    let mut bench = Bench::new();
    for flow in &flows[..1000] {
        bench.put(*flow, 100);
    }
    group.bench_function("the same behind a backlog", |b| {
        b.iter(|| bench.block(some(&flows).iter().map(|flow| (*flow, 100))));
    });

    for (name, bytes) in [("1,500 bytes", 1500), ("64 KB", 65_536)] {
        let mut bench = Bench::new();
        group.bench_function(format!("an elephant, {name}"), |b| {
            b.iter(|| bench.block((0..BLOCK).map(|_| (7, bytes))));
        });
        let mut bench = Bench::new();
        for _ in 0..4 {
            (0..16).for_each(|elephant| bench.put(elephant * BUCKETS, bytes));
        }
        group.bench_function(format!("16 elephants of a bucket, {name}"), |b| {
            b.iter(|| {
                bench.block((0..BLOCK as u32).map(|i| (i % 16 * BUCKETS, bytes)));
            });
        });
    }

    // Each packet is of a connection of its own and sheds another.
    let mut bench = Bench::new();
    flows.iter().for_each(|flow| bench.put(*flow, 100));
    group.bench_function("a flood into a full queue", |b| {
        b.iter(|| some(&flows).iter().for_each(|flow| bench.put(*flow, 100)));
    });

    let bench = Bench::new();
    group.bench_function("whether a bucket waits, empty", |b| {
        b.iter(|| {
            for bucket in 0..BLOCK as u32 {
                black_box(bench.queue.waiting(bucket));
            }
        });
    });
    let mut bench = Bench::new();
    (0..1000).for_each(|flow| bench.put(flow, 100));
    group.bench_function("whether a bucket waits, 1,000 do", |b| {
        b.iter(|| {
            for flow in &flows[..BLOCK] {
                black_box(bench.queue.waiting(flow % BUCKETS));
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = bench
}
criterion_main!(benches);
