// SPDX-License-Identifier: GPL-2.0

//! What policy `load` must reach. Each check returns what is wrong.

use crate::peers::Peer;
use crate::run::{Outcome, Run};
use crate::traffic::Change;

/// The highest load may be so much of what could be reached.
pub const NEAR: f64 = 1.05;
/// Longest stretch above that, in periods.
pub const PERIODS: usize = 5;
/// By which imbalances of two balancers on average over time may differ by chance.
pub const CHANCE: f64 = 0.005;
/// When steady load has been learnt, in periods: a little more than the longest mean of
/// smoothing.
pub const LEARNT: usize = 150;
/// What a CPU with a program that takes all of it may still have, of a fair share.
pub const BESIDE: f64 = 0.05;
/// Of moves, those that may undo or redo one of the same half-wave.
pub const BACK: f64 = 0.1;

/// Of the balancers of a run, one.
pub fn of(run: &Run, peer: Peer) -> Option<&Outcome> {
    run.outcomes.iter().find(|outcome| outcome.peer == peer)
}

/// The longest stretch above [`NEAR`].
pub fn longest_stretch(outcome: &Outcome) -> usize {
    let (mut longest, mut now) = (0, 0);
    for excess in &outcome.excess {
        now = if *excess > NEAR { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    longest
}

/// After any change, sudden or by chance, all is well again within so many periods.
pub fn settles(outcome: &Outcome) -> Option<String> {
    let longest = longest_stretch(outcome);
    (longest > PERIODS)
        .then(|| format!("{longest} periods in a row above {NEAR} of what could be reached"))
}

/// Steady load causes no moves once it is known.
pub fn rests(run: &Run, outcome: &Outcome) -> Option<String> {
    let late = outcome
        .moves
        .iter()
        .skip(LEARNT)
        .filter(|&&moves| moves > 0)
        .count();
    (run.spec.steady && late > 0).then(|| format!("moves in {late} periods of steady load"))
}

/// A square wave is followed, with no to and fro, and no more as time goes by.
pub fn does_not_oscillate(run: &Run, outcome: &Outcome) -> Option<String> {
    let Change::Square(..) = run.spec.change else {
        return None;
    };
    let all = outcome.all_moves();
    if outcome.back as f64 > BACK * all as f64 {
        return Some(format!(
            "{} of {all} moves within a half-wave to and fro",
            outcome.back
        ));
    }
    let late: usize = outcome.moves.iter().skip(run.spec.periods / 2).sum();
    (2 * late > all).then(|| format!("{late} of {all} moves in the second half"))
}

/// A program that takes all of a CPU soon has it alone.
pub fn makes_way(run: &Run, outcome: &Outcome) -> Option<String> {
    let full = run.spec.hogs.iter().find(|hog| hog.load >= 1.0)?;
    let beside = outcome.beside_hog.get(full.from + PERIODS..full.to)?;
    let most = beside.iter().copied().fold(0.0, f64::max);
    (most > BESIDE).then(|| format!("{most:.2} of a fair share beside a hog"))
}

/// All that can be said of one run of a balancer by itself.
pub fn alone(run: &Run, peer: Peer) -> Vec<String> {
    let Some(outcome) = of(run, peer) else {
        return vec!["did not run".into()];
    };
    // Where the last period tells the opposite of the next, nothing can be planned.
    let found = [
        settles(outcome).filter(|_| !run.spec.aliased),
        rests(run, outcome),
        does_not_oscillate(run, outcome),
        makes_way(run, outcome),
    ];
    found.into_iter().flatten().collect()
}

/// The mean of what is asked of the runs of one trace.
pub fn mean(runs: &[&Run], ask: impl Fn(&Run) -> Option<f64>) -> f64 {
    let figures: Vec<f64> = runs.iter().filter_map(|run| ask(run)).collect();
    figures.iter().sum::<f64>() / figures.len().max(1) as f64
}

/// The imbalance on average over time and seeds.
pub fn imbalance(runs: &[&Run], peer: Peer) -> f64 {
    mean(runs, |run| of(run, peer).map(Outcome::mean_imbalance))
}

/// Moves on average over seeds.
pub fn moves(runs: &[&Run], peer: Peer) -> f64 {
    mean(runs, |run| {
        of(run, peer).map(|outcome| outcome.all_moves() as f64)
    })
}

/// Moves for one of RSS++.
pub fn moves_ratio(runs: &[&Run], peer: Peer) -> f64 {
    moves(runs, peer).max(1.0) / moves(runs, Peer::RssPp).max(1.0)
}

/// No worse than RSS++ in imbalance, for the runs of one trace.
pub fn is_no_worse(runs: &[&Run], peer: Peer) -> Option<String> {
    if runs.iter().any(|run| run.spec.aliased) {
        return None;
    }
    let (ours, theirs) = (imbalance(runs, peer), imbalance(runs, Peer::RssPp));
    (ours > theirs * (1.0 + CHANCE)).then(|| format!("imbalance {ours:.4}, RSS++ has {theirs:.4}"))
}

/// The middle one.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures {
        [] => 0.0,
        _ if figures.len() % 2 == 1 => figures[middle],
        _ => (figures[middle - 1] + figures[middle]) / 2.0,
    }
}

/// All that is wrong with a balancer, over all traces; each has its runs by seed.
pub fn all(traces: &[Vec<&Run>], peer: Peer) -> Vec<String> {
    let mut found = Vec::new();
    for runs in traces {
        let name = runs.first().map_or("", |run| run.spec.name);
        for run in runs {
            let complaints = alone(run, peer);
            found.extend(
                complaints
                    .iter()
                    .map(|text| format!("{name}, seed {}: {text}", run.seed)),
            );
        }
        found.extend(is_no_worse(runs, peer).map(|text| format!("{name}: {text}")));
    }
    let mut ratios: Vec<f64> = traces.iter().map(|runs| moves_ratio(runs, peer)).collect();
    let middle = median(&mut ratios);
    if middle > 1.0 {
        found.push(format!(
            "{middle:.2} times the moves of RSS++ on the median trace"
        ));
    }
    found
}
