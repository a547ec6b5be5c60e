// SPDX-License-Identifier: GPL-2.0

//! Time per packet: to its key, from key to hash, and both; TCP over IPv4 and over IPv6.
//!
//! The packets of 1,024 flows are hashed in turn, so that neither branch prediction nor the
//! caches know more than they would of real traffic; the figure criterion prints per element is
//! per packet.

#![expect(missing_docs, reason = "criterion's macro writes a function without")]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use flowbucket_model::hash::{siphash, toeplitz, Hasher};
use flowbucket_model::packet::{flow_key, Family, FlowKey, TCP};
use std::hint::black_box;

const FLOWS: u64 = 1024;

/// The next of a sequence of numbers that look random (Knuth's MMIX generator).
fn next(state: &mut u64) -> [u8; 8] {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state ^ *state >> 32).to_be_bytes()
}

/// TCP packets of 64 bytes behind headers that differ in addresses and ports only.
fn packets(family: Family) -> Vec<[u8; 64]> {
    let (fixed, addresses) = match family {
        Family::V4 => (20, 12),
        Family::V6 => (40, 8),
    };
    let mut state = 1;
    (0..FLOWS)
        .map(|_| {
            let mut packet = [0; 64];
            for chunk in packet[addresses..fixed + 4].chunks_mut(8) {
                let random = next(&mut state);
                chunk.copy_from_slice(&random[..chunk.len()]);
            }
            match family {
                Family::V4 => (packet[0], packet[9]) = (0x45, TCP),
                Family::V6 => (packet[0], packet[6]) = (0x60, TCP),
            }
            packet
        })
        .collect()
}

fn bench(c: &mut Criterion) {
    let table = toeplitz::table(&toeplitz::DEFAULT_KEY);
    let hashers: [Hasher<&toeplitz::Table>; 3] = [
        Hasher::SipHash(siphash::Key::new(*b"sixteen bytes...")),
        Hasher::Crc32c,
        Hasher::Toeplitz(&table),
    ];
    for (name, family) in [("v4_tcp", Family::V4), ("v6_tcp", Family::V6)] {
        let packets = packets(family);
        let keys: Vec<FlowKey> = packets
            .iter()
            .map(|p| flow_key(family, &p[..]).expect("a whole packet"))
            .collect();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(FLOWS));
        group.bench_function("parse", |b| {
            b.iter(|| {
                for packet in &packets {
                    black_box(flow_key(family, black_box(&packet[..])));
                }
            });
        });
        for hasher in &hashers {
            let algorithm = hasher.algorithm().name();
            let hasher = black_box(hasher);
            group.bench_function(format!("hash/{algorithm}"), |b| {
                b.iter(|| {
                    for key in &keys {
                        black_box(hasher.hash(black_box(key)));
                    }
                });
            });
            group.bench_function(format!("parse+hash/{algorithm}"), |b| {
                b.iter(|| {
                    for packet in &packets {
                        black_box(hasher.hash_packet(family, black_box(&packet[..])));
                    }
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = bench
}
criterion_main!(benches);
