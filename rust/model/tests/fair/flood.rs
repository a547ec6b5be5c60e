// SPDX-License-Identifier: GPL-2.0

//! Ever new connections beside one that was there before.

use crate::broken::{Broken, Fault};
use crate::check::ensure;
use crate::queue::{Fair, Pkt, Queue, KNOWN, STRANGE};
use flowbucket_model::fair::Limits;

const QUANTUM: u32 = 1514;

/// A connection with a backlog of packets of `old` bytes, in a bucket where, or beside
/// buckets where, new connections send one packet of `new` bytes each. Fails if the old
/// one has less than a fifth of the bytes.
fn check(queue: &mut dyn Queue, own_buckets: bool, old: u32, new: u32) -> Result<(), String> {
    const OLD: u32 = u32::MAX;
    let limits = Limits {
        quantum: QUANTUM,
        packets: u32::MAX,
        memory: u32::MAX,
    };
    let packet = |flow: u32, bytes: u32| Pkt {
        flow,
        bytes,
        memory: bytes,
        number: 0,
    };
    for _ in 0..50 {
        queue.enqueue(70_000, packet(OLD, old), KNOWN, &limits);
    }
    for _ in 0..10 {
        queue.next(&limits);
        queue.enqueue(70_000, packet(OLD, old), KNOWN, &limits);
    }
    let mut flow = 0u32;
    let (mut total, mut share, mut row) = (0u64, 0u64, 0);
    let slack = 10 * u64::from(QUANTUM) + u64::from(old) + u64::from(new);
    for step in 0.. {
        for _ in 0..if step == 0 { 20 } else { 1 } {
            flow += 1;
            let bucket = if own_buckets { flow % 65_536 } else { 70_000 };
            let shed = queue.enqueue(bucket, packet(flow, new), STRANGE, &limits);
            ensure!(shed.is_empty(), "full at {flow}");
        }
        let (_, sent) = queue.next(&limits).unwrap();
        total += u64::from(sent.bytes);
        if sent.flow == OLD {
            (share, row) = (share + u64::from(old), 0);
            queue.enqueue(70_000, packet(OLD, old), KNOWN, &limits);
        } else {
            row += 1;
        }
        if new <= QUANTUM && old <= QUANTUM {
            // Until it has had a turn, one that ended before the flood may count.
            let most = if share == 0 { 8 } else { 4 };
            ensure!(row <= most, "{row} new ones in a row");
        }
        ensure!(
            share + slack >= total / 5,
            "{share} of {total} after {step}"
        );
        // Long enough for nothing at all to be less than the bound.
        if total > 10 * slack {
            break;
        }
    }
    Ok(())
}

const SIZES: [(u32, u32); 6] = [
    (1000, 60),
    (1000, 1000),
    (1514, 1514),
    (1000, 65_536),
    (65_536, 60),
    (65_536, 65_536),
];

#[test]
fn a_flood_of_new_ones_leaves_a_fifth() {
    for own_buckets in [false, true] {
        for (old, new) in SIZES {
            let queue = &mut Fair::new(16_384, 16_384);
            assert_eq!(check(queue, own_buckets, old, new), Ok(()), "{old}, {new}");
        }
    }
}

#[test]
fn starving_is_noticed() {
    for own_buckets in [false, true] {
        for (old, new) in SIZES {
            for fault in [Fault::NewFirst, Fault::Reverses] {
                let queue = &mut Broken::new(fault, 16_384);
                let found = check(queue, own_buckets, old, new);
                assert!(found.is_err(), "{fault:?}, {old}, {new}");
            }
        }
    }
}
