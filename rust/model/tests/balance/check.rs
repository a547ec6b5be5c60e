// SPDX-License-Identifier: GPL-2.0

//! What must hold of a plan.

use crate::scene::{Planner, Scene};
use flowbucket_model::balance::Knobs;

/// Fails with what was found.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err(format!($($what)+));
        }
    };
}
pub(crate) use ensure;

/// The highest load does not rise, and no more buckets move than may.
pub(crate) fn harmless(planner: &dyn Planner, scene: &Scene, knobs: &Knobs) -> Result<(), String> {
    let mut after = scene.clone();
    planner.plan(&mut after, knobs);
    let (before, now) = (scene.highest(), after.highest());
    ensure!(now <= before, "highest {before} rose to {now}");
    let moves = after.moves();
    ensure!(moves <= knobs.max_moves as usize, "{moves} moves");
    let places = after.cpus.len();
    let known = after
        .buckets
        .iter()
        .all(|bucket| usize::from(bucket.cpu) < places);
    ensure!(known, "a CPU that is none");
    Ok(())
}

/// At most one bucket moves, from the most loaded CPU, to one that is not more loaded then.
pub(crate) fn not_inverted(
    planner: &dyn Planner,
    scene: &Scene,
    knobs: &Knobs,
) -> Result<(), String> {
    let mut after = scene.clone();
    planner.plan(&mut after, knobs);
    ensure!(after.moves() <= 1, "{} moves", after.moves());
    let loads = after.loads();
    for bucket in after.buckets.iter().filter(|b| b.cpu != b.from) {
        let (from, to) = (usize::from(bucket.from), usize::from(bucket.cpu));
        let all = scene.loads().into_iter().zip(&scene.cpus);
        let giving = all.filter(|(load, cpu)| *load > cpu.other);
        ensure!(
            giving.map(|(load, _)| load).max() == Some(scene.loads()[from]),
            "not from the most loaded"
        );
        ensure!(
            loads[from] >= loads[to],
            "{} and {}",
            loads[from],
            loads[to]
        );
    }
    Ok(())
}

/// The lowest highest load, of liquid or of the heaviest bucket.
pub(crate) fn bound(scene: &Scene) -> u64 {
    let mut others: Vec<u64> = scene
        .cpus
        .iter()
        .filter(|c| !c.closed)
        .map(|c| c.other)
        .collect();
    others.sort_unstable();
    let liquid: u64 = scene.buckets.iter().map(|b| u64::from(b.load)).sum();
    let level =
        |count: usize| (liquid + others[..count].iter().sum::<u64>()).div_ceil(count as u64);
    let level = (1..=others.len()).map(level).min().unwrap_or(0);
    let heaviest = scene
        .buckets
        .iter()
        .map(|b| u64::from(b.load))
        .max()
        .unwrap_or(0);
    let busiest = scene.cpus.iter().map(|c| c.other).max().unwrap_or(0);
    level.max(heaviest + others[0]).max(busiest)
}

/// The highest load comes within so many thousandths of the bound.
pub(crate) fn near(
    planner: &dyn Planner,
    scene: &Scene,
    knobs: &Knobs,
    thousandths: u64,
) -> Result<(), String> {
    let mut after = scene.clone();
    planner.plan(&mut after, knobs);
    let (highest, bound) = (after.highest(), bound(scene));
    ensure!(
        highest <= bound + bound * thousandths / 1000 + 1,
        "{highest}, bound {bound}"
    );
    Ok(())
}

/// Planned and done, there is nothing left to do.
pub(crate) fn comes_to_rest(
    planner: &dyn Planner,
    scene: &Scene,
    knobs: &Knobs,
) -> Result<(), String> {
    let mut now = scene.clone();
    for _ in 0..50 {
        planner.plan(&mut now, knobs);
        if now.moves() == 0 {
            return Ok(());
        }
        now.apply();
    }
    Err(format!("still {} moves", now.moves()))
}
