// SPDX-License-Identifier: GPL-2.0

//! Smoothing of loads, by itself and before policy `load`.

use crate::check::ensure;
use crate::scene::{Planner, Scene};
use flowbucket_model::balance::smooth::{Smooth, Sum, Tempo};
use flowbucket_model::balance::{Bucket, Knobs, Policy};
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};

/// A way to smooth the loads of all buckets.
trait Smoother {
    /// Of what was measured, by bucket; `map` says whose it is.
    fn smooth(&mut self, measured: &[u32], map: &[u16]) -> Vec<u32>;
}

struct Ours {
    loads: Vec<Smooth>,
    sums: Vec<Sum>,
    tempo: Tempo,
}

impl Ours {
    fn new(buckets: usize, cpus: usize) -> Self {
        Self {
            loads: vec![Smooth::default(); buckets],
            sums: vec![Sum::default(); cpus],
            tempo: Tempo::default(),
        }
    }
}

impl Smoother for Ours {
    fn smooth(&mut self, measured: &[u32], map: &[u16]) -> Vec<u32> {
        self.sums.iter_mut().for_each(Sum::begin);
        for ((load, &now), &cpu) in self.loads.iter().zip(measured).zip(map) {
            self.sums[usize::from(cpu)].add(load, now);
        }
        self.tempo.take(self.sums.iter());
        let all = self.loads.iter_mut().zip(measured).zip(map);
        let smooth = |((load, &now), &cpu): ((&mut Smooth, &u32), &u16)| {
            load.add(now, self.sums[usize::from(cpu)].jumped(), &self.tempo)
        };
        all.map(smooth).collect()
    }
}

/// Believes everything.
struct Not;

impl Smoother for Not {
    fn smooth(&mut self, measured: &[u32], _: &[u16]) -> Vec<u32> {
        measured.to_vec()
    }
}

/// Learns a sixty-fourth at a time.
struct Slow(Vec<f64>);

impl Smoother for Slow {
    fn smooth(&mut self, measured: &[u32], _: &[u16]) -> Vec<u32> {
        if self.0.is_empty() {
            self.0 = measured.iter().map(|&now| f64::from(now)).collect();
        }
        for (level, &now) in self.0.iter_mut().zip(measured) {
            *level += (f64::from(now) - *level) / 64.0;
        }
        self.0.iter().map(|level| *level as u32).collect()
    }
}

/// About a mean, by less than so many thousandths of it, triangular.
fn noisy(random: &mut TestRng, mean: u32, thousandths: u32) -> u32 {
    let range = u64::from(mean) * u64::from(thousandths) / 1000;
    let part = |random: &mut TestRng| (u64::from(random.next_u32()) * range) >> 32;
    (u64::from(mean) + part(random) - part(random)) as u32
}

const CPUS: usize = 8;
const BUCKETS: usize = 512;
const MEAN: u32 = 8_000_000;

/// Steady noisy load causes no moves once it is known.
fn rests(smoother: &mut dyn Smoother) -> Result<(), String> {
    let mut runner = TestRunner::deterministic();
    let random = runner.rng();
    let buckets: Vec<(u16, u32)> = (0..BUCKETS).map(|at| ((at / 64) as u16, 0)).collect();
    let mut scene = Scene::new(&buckets, &[0; CPUS]);
    for period in 0..1000 {
        let mean = |at: usize| MEAN / (1 + at as u32 % 7);
        let measured: Vec<u32> = (0..BUCKETS)
            .map(|at| noisy(random, mean(at), 300))
            .collect();
        let map: Vec<u16> = scene.buckets.iter().map(|bucket| bucket.cpu).collect();
        let loads = smoother.smooth(&measured, &map);
        scene.buckets = (map.iter().zip(&loads))
            .map(|(&cpu, &load)| Bucket::new(cpu, load))
            .collect();
        Policy::Load.plan(&mut scene, &Knobs::DEFAULT);
        ensure!(
            period < 150 || scene.moves() == 0,
            "{} moves in period {period}",
            scene.moves()
        );
        scene.apply();
    }
    Ok(())
}

/// A change of one bucket in eight is known within 3 periods, to a tenth.
fn follows(smoother: &mut dyn Smoother) -> Result<(), String> {
    let mut runner = TestRunner::deterministic();
    let random = runner.rng();
    let map: Vec<u16> = (0..BUCKETS).map(|at| (at / 64) as u16).collect();
    for period in 0..203 {
        let mean = |at: usize| {
            if period >= 200 && at % 8 == 0 {
                3 * MEAN
            } else {
                MEAN
            }
        };
        let measured: Vec<u32> = (0..BUCKETS)
            .map(|at| noisy(random, mean(at), 300))
            .collect();
        let loads = smoother.smooth(&measured, &map);
        if period == 202 {
            let sum = |what: &dyn Fn(usize) -> u32| {
                (0..BUCKETS)
                    .step_by(8)
                    .map(|at| u64::from(what(at)))
                    .sum::<u64>()
            };
            let (known, true_sum) = (sum(&|at| loads[at]), sum(&mean));
            ensure!(
                known.abs_diff(true_sum) < true_sum / 10,
                "{known} of {true_sum}"
            );
        }
    }
    Ok(())
}

#[test]
fn noise_is_smoothed_and_changes_are_followed() {
    assert_eq!(rests(&mut Ours::new(BUCKETS, CPUS)), Ok(()));
    assert_eq!(follows(&mut Ours::new(BUCKETS, CPUS)), Ok(()));
}

#[test]
fn too_little_and_too_much_smoothing_are_noticed() {
    assert!(rests(&mut Not).is_err());
    assert_eq!(follows(&mut Not), Ok(()));
    assert!(follows(&mut Slow(Vec::new())).is_err());
}

#[test]
fn what_ends_comes_down_to_nothing() {
    let mut load = Smooth::default();
    let tempo = Tempo::default();
    for _ in 0..100 {
        load.add(1000, false, &tempo);
    }
    assert_eq!(load.get(), 1000);
    for _ in 0..100 {
        load.add(0, false, &tempo);
    }
    assert_eq!(load.get(), 0);
}

proptest! {
    /// Never beyond what was measured, whatever that was.
    #[test]
    fn between_what_was_measured(measured in proptest::collection::vec(any::<u32>(), 1..100), jumped in any::<bool>()) {
        let mut load = Smooth::default();
        let mut tempo = Tempo::default();
        let mut sum = Sum::default();
        let limit = |now: &u32| (*now).min(i32::MAX as u32);
        let (least, most) = (measured.iter().map(limit).min().unwrap(), measured.iter().map(limit).max().unwrap());
        for &now in &measured {
            sum.begin();
            sum.add(&load, now);
            tempo.take([sum].iter());
            let smoothed = load.add(now, jumped, &tempo);
            prop_assert!((least..=most).contains(&smoothed));
        }
    }
}

#[test]
fn the_first_period_of_a_change_counts_a_quarter() {
    let tempo = Tempo::default();
    let mut load = Smooth::default();
    for measured in [1000, 1000, 1000, 1000] {
        load.add(measured, false, &tempo);
    }
    let levels = [(4000, true), (3000, false), (3800, false)]
        .map(|(measured, jumped)| load.add(measured, jumped, &tempo));
    // (4000 / 4 + 3000) * 4 / 5; (4000 / 4 + 3000 + 3800) * 4 / 9, away from what was.
    assert_eq!(levels, [4000, 3200, 3467]);
}

/// A hundred buckets that fluctuate by two fifths; then, in the last period, some get twice as
/// much and as many nothing, so that neither one of them is far off nor their sum.
fn is_noticed(changed: u32) -> bool {
    let tempo = Tempo::default();
    let mut loads = vec![Smooth::default(); 100];
    let mut jumped = false;
    for period in 0..=40 {
        let measured = |at: u32| match at % 2 {
            _ if period < 40 || at >= changed => 1000 - 400 + 800 * ((at / 2 + period) % 2),
            0 => 2000,
            _ => 0,
        };
        let mut sum = Sum::default();
        for (load, at) in loads.iter_mut().zip(0..) {
            sum.add(load, measured(at));
        }
        jumped = sum.jumped();
        // Until it is learnt that they fluctuate, anything may be.
        assert!(!(20..40).contains(&period) || !jumped, "in period {period}");
        for (load, at) in loads.iter_mut().zip(0..) {
            load.add(measured(at), jumped, &tempo);
        }
    }
    jumped
}

#[test]
fn a_change_of_many_that_leaves_their_sum_is_noticed() {
    assert!(is_noticed(80));
    assert!(!is_noticed(10));
}
