// SPDX-License-Identifier: GPL-2.0

//! What must hold whatever is done; and that broken queues are found out.

use crate::broken::{Broken, Fault};
use crate::check::{check, check_places, Op};
use crate::queue::{Fair, Queue};
use flowbucket_model::fair::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Few, so that they run out.
const PLACES: u32 = 12;

fn op() -> impl Strategy<Value = Op> {
    let size = prop_oneof![0u32..2000, 60_000u32..70_000, Just(524_288)];
    let limits = (
        prop_oneof![Just(1u32), Just(1514), Just(u32::MAX), 0u32..10_000],
        prop_oneof![Just(u32::MAX), 0u32..30],
        prop_oneof![Just(u32::MAX), 0u32..200_000],
    );
    let limits = limits.prop_map(|(quantum, packets, memory)| {
        Op::Limits(Limits {
            quantum,
            packets,
            memory,
        })
    });
    prop_oneof![
        30 => (0u32..8, prop_oneof![0u32..6, 0u32..1 << 31], size.clone(), size).prop_map(|(bucket, flow, bytes, memory)| {
            Op::Enqueue { bucket, flow, bytes, memory }
        }),
        24 => Just(Op::Next),
        1 => (0u32..8).prop_map(Op::Collect),
        1 => (0u32..8).prop_map(Op::Hold),
        2 => (0u32..8).prop_map(Op::Release),
        1 => limits,
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 0..400)
}

/// Whether any of a hundred sequences of operations finds something.
fn found_out(fault: Fault) -> Option<String> {
    let mut runner = TestRunner::deterministic();
    (0..100).find_map(|_| {
        let ops = ops().new_tree(&mut runner).unwrap().current();
        check(&mut Broken::new(fault, PLACES), PLACES, &ops).err()
    })
}

#[test]
fn broken_queues_are_found_out() {
    for (fault, what) in [
        (Fault::Loses, "counts"),
        (Fault::Reverses, "before"),
        (Fault::TailDrop, "shed"),
        (Fault::ShedsOldest, "the longest has"),
        (Fault::Estranges, "the newest stranger is"),
        (Fault::ShedsMore, "shed without need"),
        (Fault::Hoards, "of Limits"),
        (Fault::RunsHeld, "which is held"),
        (Fault::Miscounts, "counts"),
        (Fault::Pauses, "nothing of"),
        (Fault::Confuses, "waits"),
    ] {
        let found = found_out(fault);
        let found = found.unwrap_or_else(|| panic!("{fault:?} passes"));
        assert!(found.contains(what), "{fault:?}: {found}");
    }
    assert_eq!(found_out(Fault::Unfair), None);
}

#[test]
fn a_lost_place_is_found_out() {
    let mut broken = Broken::new(Fault::Leaks, PLACES);
    assert!(check_places(&mut broken, PLACES).is_err());
    let mut whole = Broken::new(Fault::Unfair, PLACES);
    assert_eq!(check_places(&mut whole, PLACES), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn promises_are_kept(ops in ops()) {
        let mut queue = Fair::new(PLACES as usize, PLACES as usize);
        prop_assert_eq!(check(&mut queue, PLACES, &ops), Ok(()));
        prop_assert_eq!(check_places(&mut queue, PLACES), Ok(()));
        prop_assert_eq!(queue.counts(), (0, 0, 0));
    }

    #[test]
    fn promises_are_kept_with_few_buckets(ops in ops()) {
        let mut queue = Fair::new(PLACES as usize, 8);
        prop_assert_eq!(check(&mut queue, PLACES, &ops), Ok(()));
    }
}
