// SPDX-License-Identifier: GPL-2.0

//! Time of one plan: 4,096 buckets on 256 CPUs unless it says otherwise.

#![expect(missing_docs, reason = "criterion's macro writes a function without")]

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use flowbucket_model::balance::{Board, Bucket, Cpu, Knobs, Policy, FULL};
use std::hint::black_box;

/// What a plan begins with.
#[derive(Clone)]
struct Scene {
    cpus: Vec<Cpu>,
    buckets: Vec<Bucket>,
    order: Vec<u16>,
}

impl Scene {
    /// Buckets have a load by their weight, 60 % of all CPUs in all.
    fn new(count: usize, weights: &[f64], owner: impl Fn(usize) -> usize) -> Self {
        let scale = FULL as f64 * 0.6 * count as f64 / weights.iter().sum::<f64>();
        let load = |weight: f64| (weight * scale).min(FULL as f64 * 0.8) as u32;
        let buckets = weights.iter().enumerate();
        let cpu = |at: usize| Cpu::new((at * 4 / count) as u32, 0);
        Self {
            cpus: (0..count).map(cpu).collect(),
            buckets: (buckets.map(|(at, &weight)| Bucket::new(owner(at) as u16, load(weight))))
                .collect(),
            order: vec![0; weights.len()],
        }
    }

    fn plan(&mut self, policy: Policy, knobs: &Knobs) -> u32 {
        let mut board = Board {
            cpus: &mut self.cpus,
            buckets: &mut self.buckets,
            order: &mut self.order,
        };
        board.plan(policy, knobs)
    }
}

fn bench(c: &mut Criterion) {
    const CPUS: usize = 256;
    const BUCKETS: usize = 4096;
    // Knuth's MMIX generator.
    let mut state: u64 = 1;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    let mut weights = |count: usize, skew: f64| -> Vec<f64> {
        (0..count).map(|_| (1e-4 + random()).powf(-skew)).collect()
    };
    let blocks = |at: usize| at * CPUS / BUCKETS;
    let any = Knobs {
        max_moves: u32::MAX,
        ..Knobs::DEFAULT
    };
    let mut group = c.benchmark_group("balance");
    let mut run = |name: &str, scene: Scene, policy: Policy, knobs: Knobs| {
        println!("{name}: {} moves", scene.clone().plan(policy, &knobs));
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || scene.clone(),
                |scene| black_box(scene.plan(policy, &knobs)),
                BatchSize::SmallInput,
            );
        });
    };
    let equal = vec![1.0; BUCKETS];
    let skewed = weights(BUCKETS, 0.7);
    let heavy = weights(BUCKETS, 1.2);
    let large = weights(65_536, 0.7);
    let on_one = |_| 7;
    let default = Knobs::DEFAULT;
    run(
        "load, balanced",
        Scene::new(CPUS, &equal, blocks),
        Policy::Load,
        default,
    );
    run(
        "load, random skew",
        Scene::new(CPUS, &skewed, blocks),
        Policy::Load,
        any,
    );
    run(
        "load, heavy skew",
        Scene::new(CPUS, &heavy, blocks),
        Policy::Load,
        default,
    );
    run(
        "load, heavy skew, no limit",
        Scene::new(CPUS, &heavy, blocks),
        Policy::Load,
        any,
    );
    run(
        "load, all on one CPU",
        Scene::new(CPUS, &skewed, on_one),
        Policy::Load,
        default,
    );
    run(
        "load, all on one CPU, no limit",
        Scene::new(CPUS, &skewed, on_one),
        Policy::Load,
        any,
    );
    run(
        "load, all on one CPU, heavy skew, no limit",
        Scene::new(CPUS, &heavy, on_one),
        Policy::Load,
        any,
    );
    let blocks_large = |at: usize| at * CPUS / 65_536;
    run(
        "load, 65,536 buckets",
        Scene::new(CPUS, &large, blocks_large),
        Policy::Load,
        default,
    );
    run(
        "proportional",
        Scene::new(CPUS, &skewed, blocks),
        Policy::Proportional,
        any,
    );
    run("step", Scene::new(CPUS, &skewed, blocks), Policy::Step, any);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = bench
}
criterion_main!(benches);
