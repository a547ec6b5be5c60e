// SPDX-License-Identifier: GPL-2.0

//! Policies `static`, `proportional` and `step`; names; how many CPUs to use.

use crate::check::{harmless, not_inverted};
use crate::scene::{knobs, scenes, Planner, Scene, FREE};
use crate::wrong::Wrong;
use flowbucket_model::balance::active::active;
use flowbucket_model::balance::{Bucket, Knobs, Policy, FULL};
use proptest::prelude::*;

/// 4,096 buckets in equal parts on CPUs of these loads, in per cent.
fn worked(loads: &[u64]) -> Scene {
    let place = |at: usize| (at * loads.len() / 4096) as u16;
    let buckets: Vec<(u16, u32)> = (0..4096).map(|at| (place(at), 0)).collect();
    let other: Vec<u64> = loads.iter().map(|load| load * FULL / 100).collect();
    Scene::new(&buckets, &other)
}

/// The example of the published formula: u = 10, 15, 11, 28 gives d = 54, 49, 53, 36 of 192.
#[test]
fn worked_example() {
    let mut scene = worked(&[10, 15, 11, 28]);
    Policy::Proportional.plan(&mut scene, &FREE);
    assert_eq!(scene.counts(), [1152, 1045, 1131, 768]);
    // As many as the last has too many: the others only get more.
    assert_eq!(scene.moves(), 256);
    // Another planner does not get it by chance.
    for wrong in [Wrong::Idle, Wrong::Scatters, Wrong::Piles] {
        let mut scene = worked(&[10, 15, 11, 28]);
        wrong.plan(&mut scene, &FREE);
        assert_ne!(scene.counts(), [1152, 1045, 1131, 768], "{wrong:?}");
    }
}

#[test]
fn shares_of_few_or_idle_cpus() {
    for (loads, counts) in [
        (&[0, 0, 0][..], &[1366, 1365, 1365][..]),
        (&[50], &[4096]),
        (&[0], &[4096]),
        (&[100, 0], &[0, 4096]),
        (&[30, 10], &[1024, 3072]),
    ] {
        let mut scene = worked(loads);
        Policy::Proportional.plan(&mut scene, &FREE);
        assert_eq!(scene.counts(), counts, "{loads:?}");
    }
}

/// As few as the surplus of those that have too many.
fn fewest(before: &Scene, after: &mut Scene) -> bool {
    let surplus = before.counts().into_iter().zip(after.counts());
    let surplus: u32 = surplus
        .map(|(before, after)| before.saturating_sub(after))
        .sum();
    after.moves() == surplus as usize
}

proptest! {
    #[test]
    fn proportional_makes_the_fewest_moves(scene in scenes(), knobs in knobs()) {
        let mut after = scene.clone();
        Policy::Proportional.plan(&mut after, &knobs);
        prop_assert!(fewest(&scene, &mut after));
        prop_assert!(after.moves() <= knobs.max_moves as usize);
        let mut all = scene.clone();
        Policy::Proportional.plan(&mut all, &FREE);
        prop_assert_eq!(all.counts().iter().sum::<u32>() as usize, scene.buckets.len());
        // Utilization is what counts: the more of it, the fewer buckets.
        let (loads, counts) = (scene.loads(), all.counts());
        for (a, more) in loads.iter().enumerate() {
            for (b, less) in loads.iter().enumerate() {
                prop_assert!(more.min(&FULL) <= less.min(&FULL) || counts[a] <= counts[b] + 1);
            }
        }
    }

    #[test]
    fn step_does_not_invert(scene in scenes(), knobs in knobs()) {
        prop_assert_eq!(not_inverted(&Policy::Step, &scene, &knobs), Ok(()));
        let one = Knobs { max_moves: 1, ..knobs };
        prop_assert_eq!(harmless(&Policy::Step, &scene, &one), Ok(()));
    }

    #[test]
    fn static_is_static(scene in scenes(), knobs in knobs()) {
        let mut after = scene.clone();
        Policy::Static.plan(&mut after, &knobs);
        prop_assert_eq!(after.moves(), 0);
    }

    #[test]
    fn active_stays_where_it_is(now in 0usize..300, load in 0u64..300_000_000_000, min in 0usize..300, all in 1usize..300) {
        let count = active(now, load, min, all);
        prop_assert!(count >= min.min(all).max(1) || now == 0, "{}", count);
        prop_assert!(count <= all);
        prop_assert_eq!(active(count, load, min, all), count);
    }
}

/// A bucket on a CPU that is not on the board: put there by hand, or left over.
#[test]
fn only_static_leaves_a_bucket_where_it_should_not_be() {
    for policy in [
        Policy::Static,
        Policy::Proportional,
        Policy::Step,
        Policy::Load,
    ] {
        let mut scene = Scene::new(&[(0, 5), (1, 5)], &[0, 0]);
        scene.buckets.push(Bucket::homeless(1, 5));
        scene.order.push(0);
        let moves = scene.board().plan(policy, &FREE);
        assert_eq!(moves > 0, policy != Policy::Static, "{policy:?}");
    }
}

#[test]
fn an_exchange_that_is_not_the_fewest_is_noticed() {
    let scene = Scene::new(&[(0, 6), (0, 5), (1, 5), (1, 5)], &[0, 0]);
    let mut after = scene.clone();
    Wrong::Fidgets.plan(&mut after, &FREE);
    assert!(!fewest(&scene, &mut after));
}

#[test]
fn inversion_is_noticed() {
    let scene = Scene::new(&[(0, 10), (0, 1), (1, 5)], &[0, 0]);
    assert!(not_inverted(&Wrong::Inverts, &scene, &FREE).is_err());
    assert_eq!(not_inverted(&Policy::Step, &scene, &FREE), Ok(()));
}

#[test]
fn names() {
    for name in ["static", "proportional", "step", "load"] {
        let policy = Policy::parse(name.as_bytes()).expect(name);
        assert_eq!(policy.name(), name);
        assert_eq!(Policy::parse(format!("{name}\n").as_bytes()), Some(policy));
    }
    for text in ["", "\n", "loa", "loads", "Load", "load step", "0"] {
        assert_eq!(Policy::parse(text.as_bytes()), None, "{text:?}");
    }
}
