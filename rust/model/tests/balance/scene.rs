// SPDX-License-Identifier: GPL-2.0

//! CPUs and buckets to plan for, and who plans.

use flowbucket_model::balance::{Board, Bucket, Cpu, Knobs, Policy};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) order: Vec<u16>,
}

/// Plans; a policy or something wrong.
pub(crate) trait Planner {
    fn plan(&self, scene: &mut Scene, knobs: &Knobs);
}

impl Planner for Policy {
    fn plan(&self, scene: &mut Scene, knobs: &Knobs) {
        let moves = scene.board().plan(*self, knobs);
        assert_eq!(moves as usize, scene.moves());
    }
}

/// No limits.
pub(crate) const FREE: Knobs = Knobs {
    hysteresis: 0,
    max_moves: u32::MAX,
};

impl Scene {
    /// Of (owner, load) of buckets, and other load of CPUs.
    pub(crate) fn new(buckets: &[(u16, u32)], other: &[u64]) -> Self {
        let bucket = |&(cpu, load): &(u16, u32)| Bucket::new(cpu, load);
        Self {
            cpus: other.iter().map(|&other| Cpu::new(0, other)).collect(),
            buckets: buckets.iter().map(bucket).collect(),
            order: vec![0; buckets.len()],
        }
    }

    pub(crate) fn board(&mut self) -> Board<'_> {
        Board {
            cpus: &mut self.cpus,
            buckets: &mut self.buckets,
            order: &mut self.order,
        }
    }

    pub(crate) fn moves(&mut self) -> usize {
        self.board().moves().count()
    }

    /// Of each CPU, counted anew.
    pub(crate) fn loads(&self) -> Vec<u64> {
        let mut loads: Vec<u64> = self.cpus.iter().map(|cpu| cpu.other).collect();
        for bucket in &self.buckets {
            loads[usize::from(bucket.cpu)] += u64::from(bucket.load);
        }
        loads
    }

    pub(crate) fn highest(&self) -> u64 {
        self.loads().into_iter().max().unwrap_or(0)
    }

    pub(crate) fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.cpus.len()];
        for bucket in &self.buckets {
            counts[usize::from(bucket.cpu)] += 1;
        }
        counts
    }

    /// What was planned is done.
    pub(crate) fn apply(&mut self) {
        self.buckets
            .iter_mut()
            .for_each(|bucket| bucket.from = bucket.cpu);
    }
}

/// Loads that are like each other, very uneven, or nothing.
fn load() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 900u32..1100,
        4 => (0u32..20).prop_map(|power| 1 << power),
        2 => 0u32..1_000_000,
        1 => Just(0),
        1 => 0u32..1_000_000_000,
    ]
}

/// Anything.
pub(crate) fn scenes() -> impl Strategy<Value = Scene> {
    (1usize..10).prop_flat_map(|cpus| {
        let buckets = vec((0..cpus as u16, load()), 1..200);
        let rests = vec(any::<bool>(), 200);
        let other = vec(
            (
                prop_oneof![3 => Just(0u64), 1 => 0u64..1_000_000_000],
                0u32..2,
            ),
            cpus,
        );
        (buckets, rests, other).prop_map(|(buckets, rests, other)| {
            let loads: Vec<u64> = other.iter().map(|other| other.0).collect();
            let mut scene = Scene::new(&buckets, &loads);
            for (bucket, rests) in scene.buckets.iter_mut().zip(rests) {
                *bucket = bucket.resting(rests);
            }
            for (cpu, (_, node)) in scene.cpus.iter_mut().zip(&other) {
                cpu.node = *node;
            }
            scene
        })
    })
}

pub(crate) fn knobs() -> impl Strategy<Value = Knobs> {
    let limit = prop_oneof![0u32..30, Just(u32::MAX)];
    (0u32..200, limit).prop_map(|(hysteresis, max_moves)| Knobs {
        hysteresis,
        max_moves,
    })
}
