// SPDX-License-Identifier: GPL-2.0

//! Policy `load`.

use crate::check::{comes_to_rest, harmless, near};
use crate::scene::{knobs, scenes, Planner, Scene, FREE};
use crate::wrong::Wrong;
use flowbucket_model::balance::{rest::Rest, Knobs, Policy, FULL};
use proptest::prelude::*;

const LOAD: Policy = Policy::Load;

/// So many buckets of one load, all on the first CPU.
fn piled(buckets: usize, load: u32, cpus: usize) -> Scene {
    Scene::new(&vec![(0, load); buckets], &vec![0; cpus])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn harm_is_not_done(scene in scenes(), knobs in knobs()) {
        prop_assert_eq!(harmless(&LOAD, &scene, &knobs), Ok(()));
    }

    #[test]
    fn rest_is_reached(scene in scenes(), hysteresis in 1u32..100) {
        let knobs = Knobs { hysteresis, ..FREE };
        prop_assert_eq!(comes_to_rest(&LOAD, &scene, &knobs), Ok(()));
    }

    /// Whoever is over by no more than the hysteresis gives nothing.
    #[test]
    fn hysteresis_is_kept(loads in proptest::collection::vec(980u32..1020, 2..9)) {
        let buckets: Vec<(u16, u32)> = (0..).zip(&loads)
            .flat_map(|(cpu, &load)| (0..100).map(move |_| (cpu, load)))
            .collect();
        let mut scene = Scene::new(&buckets, &vec![0; loads.len()]);
        LOAD.plan(&mut scene, &Knobs { hysteresis: 45, ..FREE });
        prop_assert_eq!(scene.moves(), 0);
    }

    #[test]
    fn closed_cpus_are_left(scene in scenes(), open in 1usize..9) {
        let mut scene = scene;
        scene.board().close_after(open);
        LOAD.plan(&mut scene, &FREE);
        let closed = |cpu: u16| scene.cpus[usize::from(cpu)].closed;
        prop_assert!(scene.buckets.iter().all(|bucket| !closed(bucket.cpu)));
        scene.apply();
        LOAD.plan(&mut scene, &Knobs::DEFAULT);
        prop_assert!(scene.buckets.iter().all(|bucket| usize::from(bucket.cpu) < open));
    }
}

#[test]
fn harm_is_noticed() {
    let scene = Scene::new(&[(0, 10), (0, 1), (1, 5), (1, 5)], &[0, 0]);
    let two = Scene::new(&[(0, 6), (0, 5), (1, 5), (1, 5)], &[0, 0]);
    let one = Knobs {
        max_moves: 1,
        ..FREE
    };
    assert!(harmless(&Wrong::Piles, &scene, &FREE).is_err());
    assert!(harmless(&Wrong::Inverts, &scene, &one).is_err());
    assert!(harmless(&Wrong::Scatters, &piled(10, 1, 2), &one)
        .unwrap_err()
        .contains("moves"));
    assert_eq!(harmless(&Wrong::Idle, &scene, &one), Ok(()));
    assert!(comes_to_rest(&Wrong::Fidgets, &two, &FREE).is_err());
}

/// Of buckets as heavy as each other, those go that have been where they are for long; but
/// if no other would do, the others go.
fn goes_to_and_fro(planner: &dyn Planner, resting: &[usize]) -> (usize, usize) {
    let mut scene = piled(100, 1000, 4);
    for &at in resting {
        scene.buckets[at] = scene.buckets[at].resting(true);
    }
    planner.plan(&mut scene, &FREE);
    let moved = |at: &&usize| scene.buckets[**at].cpu != 0;
    (resting.iter().filter(moved).count(), scene.moves())
}

#[test]
fn what_moved_lately_rests() {
    let some: Vec<usize> = (0..100).step_by(4).collect();
    let all: Vec<usize> = (0..100).collect();
    assert_eq!(goes_to_and_fro(&LOAD, &some), (0, 75));
    assert_eq!(goes_to_and_fro(&LOAD, &all), (75, 75));
    assert_ne!(goes_to_and_fro(&Wrong::Scatters, &some).0, 0);
}

/// Two heavy buckets on a CPU, and one that is full of light ones: a heavy one must go where
/// many have to make way for it, which no single step shows.
#[test]
fn heavy_buckets_part() {
    let mut buckets = vec![(0u16, 386u32), (0, 323), (1, 383)];
    buckets.extend([(1, 1); 217]);
    buckets.extend([(2, 1); 540]);
    buckets.extend([(3, 1); 540]);
    let parted = |planner: &dyn Planner| {
        let mut scene = Scene::new(&buckets, &[0; 4]);
        planner.plan(&mut scene, &Knobs::DEFAULT);
        (
            scene.buckets[0].cpu != scene.buckets[1].cpu,
            scene.highest(),
        )
    };
    let (apart, highest) = parted(&LOAD);
    assert!(apart && highest <= 605, "{highest}");
    assert!(!parted(&Policy::Step).0);
    // With few moves there is no room to be made: then they stay.
    let mut scene = Scene::new(&buckets, &[0; 4]);
    let before = scene.highest();
    LOAD.plan(
        &mut scene,
        &Knobs {
            max_moves: 20,
            ..Knobs::DEFAULT
        },
    );
    assert!(scene.highest() <= before);
}

#[test]
fn a_move_is_noticed() {
    let mut rest = Rest::default();
    assert!(!rest.found(3) && !rest.found(3));
    assert!(rest.found(2));
    let periods = (0..1000).take_while(|_| rest.found(2)).count();
    assert!((8..64).contains(&periods), "{periods}");
    assert!(!rest.found(2) && rest.found(3));
}

#[test]
fn a_pile_is_spread() {
    for (buckets, cpus) in [
        (4096, 4),
        (4096, 256),
        (65_536, 256),
        (7, 7),
        (1, 1),
        (100, 1),
    ] {
        let scene = piled(buckets, 1_000_000, cpus);
        assert_eq!(
            near(&LOAD, &scene, &FREE, 10),
            Ok(()),
            "{buckets} on {cpus}"
        );
        if cpus > 1 {
            for wrong in [Wrong::Idle, Wrong::Piles] {
                assert!(near(&wrong, &scene, &FREE, 10).is_err(), "{wrong:?}");
            }
        }
    }
}

#[test]
fn nothing_to_do() {
    for mut scene in [
        piled(4096, 0, 4),
        piled(1, 900_000_000, 4),
        piled(100, 1000, 1),
        Scene::new(&[], &[0, 0]),
        Scene::new(&[(0, u32::MAX)], &[0]),
    ] {
        LOAD.plan(&mut scene, &FREE);
        assert_eq!(scene.moves(), 0);
    }
}

/// Skewed loads come near the bound with far fewer moves than there are buckets.
#[test]
fn few_moves_suffice() {
    // The i-th has load 1 / sqrt(i); neighbours on one CPU, so the first has far too much.
    let load = |at: usize| (5e7 / (at as f64 + 1.0).sqrt()) as u32;
    let buckets: Vec<(u16, u32)> = (0..4096).map(|at| ((at / 256) as u16, load(at))).collect();
    let scene = Scene::new(&buckets, &[0; 16]);
    assert_eq!(near(&LOAD, &scene, &Knobs::DEFAULT, 25), Ok(()));
    assert!(near(&Wrong::Scatters, &scene, &Knobs::DEFAULT, 25).is_err());
    let mut after = scene.clone();
    LOAD.plan(&mut after, &Knobs::DEFAULT);
    assert!(after.moves() < 500, "{}", after.moves());
}

/// What a program takes of a CPU counts: buckets leave, and come back when it ends.
#[test]
fn hogs_are_avoided() {
    let buckets: Vec<(u16, u32)> = (0..400).map(|at| (at / 100, 5_000_000)).collect();
    let mut scene = Scene::new(&buckets, &[0, FULL, 0, 0]);
    assert_eq!(near(&LOAD, &scene, &Knobs::DEFAULT, 25), Ok(()));
    assert!(near(&Wrong::Idle, &scene, &Knobs::DEFAULT, 25).is_err());
    LOAD.plan(&mut scene, &Knobs::DEFAULT);
    assert!(scene.counts()[1] < 5, "{:?}", scene.counts());
    scene.apply();
    scene.cpus[1].other = 0;
    LOAD.plan(&mut scene, &Knobs::DEFAULT);
    assert!(
        scene
            .counts()
            .iter()
            .all(|count| (97..=104).contains(count)),
        "{:?}",
        scene.counts()
    );
}

/// A bucket that is more than a fair share gets a CPU for itself, by moving the others.
#[test]
fn a_heavy_bucket_is_alone() {
    let mut buckets: Vec<(u16, u32)> = (0..400).map(|at| (at % 4, 1_000_000)).collect();
    buckets[10].1 = 700_000_000;
    let mut scene = Scene::new(&buckets, &[0; 4]);
    let own = scene.buckets[10].cpu;
    LOAD.plan(&mut scene, &FREE);
    assert_eq!(scene.buckets[10].cpu, own);
    assert_eq!(scene.counts()[usize::from(own)], 1);
    assert_eq!(scene.moves(), 99);
    // Two of them on one CPU are parted.
    buckets[14].1 = 600_000_000;
    let scene = Scene::new(&buckets, &[0; 4]);
    assert_eq!(near(&LOAD, &scene, &FREE, 10), Ok(()));
    assert!(near(&Policy::Step, &scene, &FREE, 10).is_err());
}

/// Within the memory node, if that helps as well.
#[test]
fn moves_stay_in_a_node() {
    let mut scene = Scene::new(&[(0, 1000); 100], &[0, 0, 0, 0]);
    scene
        .buckets
        .extend([flowbucket_model::balance::Bucket::new(2, 1000); 100]);
    scene.order.resize(200, 0);
    let plan = |nodes: [u32; 4]| {
        let mut scene = scene.clone();
        for (cpu, node) in scene.cpus.iter_mut().zip(nodes) {
            cpu.node = node;
        }
        LOAD.plan(&mut scene, &FREE);
        let node = |cpu: u16| nodes[usize::from(cpu)];
        let across =
            |bucket: &&flowbucket_model::balance::Bucket| node(bucket.from) != node(bucket.cpu);
        assert_eq!(scene.counts(), [50; 4]);
        scene.buckets.iter().filter(across).count()
    };
    assert_eq!(plan([0, 0, 1, 1]), 0);
    // With one CPU a node there is no other way.
    assert_eq!(plan([0, 1, 2, 3]), 100);
}
