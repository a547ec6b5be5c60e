// SPDX-License-Identifier: GPL-2.0

//! What mice notice of an elephant.

use crate::broken::{Broken, Fault};
use crate::check::ensure;
use crate::queue::{Fair, Pkt, Queue, KNOWN};
use flowbucket_model::fair::Limits;
use std::collections::BTreeMap;

const MICE: u32 = 100;
const QUANTUM: u32 = 1514;
const ELEPHANT: u32 = MICE;
const BIG: u32 = 65_536;
const SMALL: u32 = 1000;

/// The bound that the queue's documentation gives, for a packet of a mouse.
fn bound() -> u64 {
    let (n, q) = (u64::from(MICE) + 1, u64::from(QUANTUM));
    let packets = u64::from(BIG) + u64::from(MICE * SMALL);
    10 * n * q + packets + 10 * q + u64::from(BIG)
}

/// One elephant with a deep backlog and mice that send a packet when they have had the
/// one before for a while. Fails if a mouse's packet waits for longer than `bound`
/// bytes, or is shed.
fn check(queue: &mut dyn Queue, buckets: u32, limits: &Limits, depth: u32) -> Result<u64, String> {
    let packet = |flow: u32, bytes: u32| Pkt {
        flow,
        bytes,
        memory: bytes + 256,
        number: 0,
    };
    let mut served = 0u64;
    let mut longest = 0;
    // When a mouse sends next, or when it sent.
    let mut idle: BTreeMap<u32, u64> = (0..MICE).map(|m| (m, u64::from(m) * 40_000)).collect();
    let mut sent = BTreeMap::new();
    let mut elephant = 0;
    for step in 0..5000u32 {
        let enough = if step == 0 { depth } else { 2 };
        for _ in 0..enough {
            if elephant < depth {
                elephant += 1;
                let packet = packet(ELEPHANT, BIG);
                for (_, gone) in queue.enqueue(ELEPHANT % buckets, packet, KNOWN, limits) {
                    ensure!(gone.flow == ELEPHANT, "a mouse's packet was shed");
                    elephant -= 1;
                }
            }
        }
        for mouse in 0..MICE {
            if idle.get(&mouse).is_some_and(|at| *at <= served) {
                idle.remove(&mouse);
                sent.insert(mouse, served);
                let packet = packet(mouse, 60 + (mouse * 37 + step) % (SMALL - 60));
                for (_, gone) in queue.enqueue(mouse % buckets, packet, KNOWN, limits) {
                    ensure!(gone.flow == ELEPHANT, "a mouse's packet was shed");
                    elephant -= 1;
                }
            }
        }
        let (_, packet) = queue.next(limits).unwrap();
        match sent.remove(&packet.flow) {
            Some(since) => {
                longest = longest.max(served - since);
                // Some come back at once, some after a while.
                let pause = u64::from(packet.flow % 4) * u64::from(BIG) * 3;
                idle.insert(packet.flow, served + pause);
            }
            None => elephant -= 1,
        }
        served += u64::from(packet.bytes);
        for since in sent.values() {
            ensure!(served - since <= bound(), "waits for {}", served - since);
        }
    }
    Ok(longest)
}

fn limits(memory: u32) -> Limits {
    Limits {
        quantum: QUANTUM,
        packets: u32::MAX,
        memory,
    }
}

#[test]
fn mice_do_not_wait_for_an_elephant() {
    for buckets in [1, 7, MICE + 1] {
        let queue = &mut Fair::new(4096, 4096);
        let longest = check(queue, buckets, &limits(u32::MAX), 1000).unwrap();
        assert!(longest > 0);
    }
}

#[test]
fn mice_lose_nothing_to_an_elephant() {
    for buckets in [1, MICE + 1] {
        // More than the limit comes in all the time.
        let queue = &mut Fair::new(4096, 4096);
        check(queue, buckets, &limits(8 << 20), 1000).unwrap();
        let limits = Limits {
            packets: 200,
            ..limits(u32::MAX)
        };
        let queue = &mut Fair::new(4096, 4096);
        check(queue, buckets, &limits, 1000).unwrap();
    }
}

#[test]
fn waiting_behind_an_elephant_is_noticed() {
    for buckets in [1, MICE + 1] {
        let queue = &mut Broken::new(Fault::Unfair, 4096);
        let found = check(queue, buckets, &limits(u32::MAX), 1000).unwrap_err();
        assert!(found.contains("waits for"), "{found}");
    }
}

#[test]
fn losses_of_mice_are_noticed() {
    for fault in [Fault::TailDrop, Fault::ShedsOldest] {
        // So small that waiting does not fail first.
        let queue = &mut Broken::new(fault, 4096);
        let found = check(queue, 1, &limits(1 << 20), 1000).unwrap_err();
        assert!(found.contains("was shed"), "{found}");
    }
}
