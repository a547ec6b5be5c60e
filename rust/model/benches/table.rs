// SPDX-License-Identifier: GPL-2.0

//! What a packet costs in the table of connections: a million of them in 4,096 buckets, in
//! random order, so that hardly anything is in a cache.

#![expect(missing_docs, reason = "criterion's macro writes a function without")]

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use flowbucket_model::conn::state::Says;
use flowbucket_model::conn::{Key, Seen, Table};
use flowbucket_model::packet::{Flow, FlowKey};
use std::hint::black_box;

/// The same memory as in the tests.
#[path = "../tests/conn/host.rs"]
mod host;
use host::Host;

const BUCKETS: usize = 4096;
const ALL: u32 = 1_000_000;

fn packet(at: u32) -> Seen {
    let flow = Flow {
        src: 0x0a00_0000 + at,
        dst: 0x0b00_0001,
        sport: 1024 + (at % 60_000) as u16,
        dport: 80,
        proto: 17,
        ported: true,
    };
    let (key, down) = Key::of(&FlowKey::V4(flow));
    let mixed = u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Seen {
        key,
        down,
        says: Says::Udp,
        hash: (mixed >> 32) as u32 ^ (mixed >> 13) as u32,
        len: 46,
        net: 1,
        interface: 2,
    }
}

fn track(tables: &mut [Table<Host>], seen: &Seen) {
    let table = &mut tables[seen.hash as usize % BUCKETS];
    black_box(table.track(seen, 1, |_| 60_000, || true));
}

fn empty() -> Vec<Table<Host>> {
    (0..BUCKETS).map(|_| Table::default()).collect()
}

fn table(c: &mut Criterion) {
    let order: Vec<Seen> = (0..ALL)
        .map(|at| packet((u64::from(at) * 611_953 % u64::from(ALL)) as u32))
        .collect();
    let mut group = c.benchmark_group("a million connections");
    group.sample_size(10);
    group.bench_function("insert all", |b| {
        b.iter_batched_ref(
            empty,
            |tables| order.iter().for_each(|seen| track(tables, seen)),
            BatchSize::LargeInput,
        )
    });
    let mut tables = empty();
    order.iter().for_each(|seen| track(&mut tables, seen));
    let memory: usize = tables.iter().map(Table::memory).sum();
    println!("memory: {} bytes each", memory / ALL as usize);
    group.bench_function("look up all", |b| {
        b.iter(|| order.iter().for_each(|seen| track(&mut tables, seen)))
    });
    group.finish();
}

criterion_group!(benches, table);
criterion_main!(benches);
