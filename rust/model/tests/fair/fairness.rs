// SPDX-License-Identifier: GPL-2.0

//! Equal shares of connections that always have packets.

use crate::broken::{Broken, Fault};
use crate::queue::{Fair, Pkt, Queue, KNOWN};
use flowbucket_model::fair::Limits;

/// (sum of x)^2 / (n * sum of x^2), from 1/n to 1: Jain, Chiu and Hawe, 1984.
fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|x| *x as f64).sum();
    let squares: f64 = shares.iter().map(|x| (*x as f64).powi(2)).sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// Fairness among 16 connections, each with packets of its own size, in as many
/// buckets; each always has four packets queued.
fn index(queue: &mut dyn Queue, buckets: u32, biggest: u32) -> f64 {
    const FLOWS: u32 = 16;
    const QUANTUM: u32 = 1514;
    let limits = Limits {
        quantum: QUANTUM,
        packets: u32::MAX,
        memory: u32::MAX,
    };
    let packet = |flow: u32| Pkt {
        flow,
        bytes: (64 << (flow % 11)).min(biggest),
        memory: 1,
        number: 0,
    };
    let mut shares = vec![0; FLOWS as usize];
    for flow in (0..FLOWS).cycle().take(4 * FLOWS as usize) {
        queue.enqueue(flow % buckets, packet(flow), KNOWN, &limits);
    }
    while shares.iter().sum::<u64>() < u64::from(FLOWS * 20 * (biggest + QUANTUM)) {
        let (bucket, packet) = queue.next(&limits).unwrap();
        shares[packet.flow as usize] += u64::from(packet.bytes);
        queue.enqueue(bucket, packet, KNOWN, &limits);
    }
    jain(&shares)
}

#[test]
fn shares_are_equal() {
    for buckets in [1, 2, 16] {
        for biggest in [65_536, 1514, 64] {
            let index = index(&mut Fair::new(1000, 1000), buckets, biggest);
            assert!(index >= 0.98, "{buckets} buckets: {index}");
        }
    }
}

#[test]
fn unequal_shares_are_noticed() {
    for buckets in [1, 16] {
        let index = index(&mut Broken::new(Fault::Unfair, 1000), buckets, 65_536);
        assert!(index < 0.5, "{buckets} buckets: {index}");
    }
}
