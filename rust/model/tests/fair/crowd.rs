// SPDX-License-Identifier: GPL-2.0

//! Crowds: more connections than there is room for, each with little.

use crate::broken::{Broken, Fault};
use crate::check::ensure;
use crate::queue::{Fair, Pkt, Queue};
use flowbucket_model::fair::known::{Known, Place};
use flowbucket_model::fair::{Arrival, Limits};

const LIMITS: Limits = Limits {
    quantum: 1514,
    packets: 100,
    memory: u32::MAX,
};
const OLD: u32 = u32::MAX;

const SEEDS: [u64; 2] = [0x0123_4567_89ab_cdef, 0xc2b2_ae3d_27d4_eb4f];

fn known(places: usize) -> Known<Vec<Place>> {
    Known::new(vec![Place::default(); places], SEEDS).unwrap()
}

/// A connection with `window` big packets on their way, beside twice as many spoofed small
/// ones as there is time for, in buckets of their own: it loses none, and has the part
/// that is its due.
fn check(queue: &mut dyn Queue, window: u32) -> Result<(), String> {
    let mut known = known(1024);
    let (mut flow, mut passed, mut number) = (0, 0, 0);
    let mut put = |queue: &mut dyn Queue, flow: u32, memory: u32| {
        number += 1;
        let packet = Pkt {
            flow,
            bytes: memory / 2,
            memory,
            number,
        };
        let arrival = Arrival {
            held: false,
            known: known.sent(flow),
        };
        queue.enqueue(flow % 65_536, packet, arrival, &LIMITS)
    };
    for _ in 0..window {
        put(queue, OLD, 2304);
    }
    let steps = 20_000;
    for step in 0..steps {
        for _ in 0..2 {
            flow += 1;
            let shed = put(queue, flow, 768);
            ensure!(
                shed.iter().all(|(_, gone)| gone.flow != OLD),
                "lost one at {step}"
            );
        }
        let (_, packet) = queue.next(&LIMITS).ok_or("empty")?;
        if packet.flow == OLD {
            passed += 1;
            let shed = put(queue, OLD, 2304);
            ensure!(
                shed.iter().all(|(_, gone)| gone.flow != OLD),
                "lost one at {step}"
            );
        }
    }
    ensure!(passed > steps / 10, "{passed} in {steps} steps");
    Ok(())
}

#[test]
fn who_was_there_loses_nothing_to_a_flood() {
    for window in [2, 4, 7] {
        assert_eq!(
            check(&mut Fair::new(4096, 4096), window),
            Ok(()),
            "{window}"
        );
    }
}

#[test]
fn losses_are_noticed() {
    for fault in [Fault::Estranges, Fault::TailDrop, Fault::ShedsOldest] {
        let found = check(&mut Broken::new(fault, 4096), 4);
        assert!(found.is_err(), "{fault:?}");
    }
}

#[test]
fn an_elephant_pays_before_strangers_do() {
    let mut queue = Fair::new(4096, 4096);
    let packet = |flow, number| Pkt {
        flow,
        bytes: 1000,
        memory: 2304,
        number,
    };
    for number in 0..100 {
        let flow = if number < 20 { OLD } else { number as u32 };
        let known = flow == OLD;
        let arrival = Arrival { held: false, known };
        assert!(queue
            .enqueue(3, packet(flow, number), arrival, &LIMITS)
            .is_empty());
    }
    let stranger = Arrival {
        held: false,
        known: false,
    };
    let shed = queue.enqueue(3, packet(1000, 100), stranger, &LIMITS);
    assert!(!shed.is_empty() && shed.iter().all(|(_, gone)| gone.flow == OLD));
}

#[test]
fn who_sends_twice_is_known_and_stays_so_in_a_flood() {
    let mut known = known(8192);
    let flows = || (0..100u32).map(|flow| flow.wrapping_mul(0x9e37_79b1));
    assert_eq!(
        flows().filter(|flow| known.sent(*flow)).count(),
        0,
        "first packets"
    );
    assert_eq!(
        flows().filter(|flow| known.sent(*flow)).count(),
        100,
        "second ones"
    );
    // Of a million strangers some have the tag of somebody who is in their place.
    let taken = (1u32 << 20..1 << 21)
        .filter(|flow| known.sent(*flow))
        .count();
    assert!(taken < 100, "{taken} strangers are taken for known");
    let left = flows().filter(|flow| known.sent(*flow)).count();
    assert!(left > 90, "{left} of 100 are still known");
}

#[test]
fn a_table_is_a_power_of_two() {
    for (places, taken) in [
        (0, false),
        (1, false),
        (2, true),
        (3, false),
        (65_536, true),
        (131_072, false),
    ] {
        let table = Known::new(vec![Place::default(); places], SEEDS);
        assert_eq!(table.is_some(), taken, "{places}");
    }
}
