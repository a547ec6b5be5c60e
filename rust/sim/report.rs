// SPDX-License-Identifier: GPL-2.0

//! The table, and the file for programs.

use crate::judge::{self, imbalance, longest_stretch, median, moves, moves_ratio, of};
use crate::peers::Peer;
use crate::run::Run;
use serde::Serialize;

/// One figure beside a peer's, as `scripts/benchmarks/run.py` writes it.
#[derive(Serialize)]
pub struct Row {
    name: String,
    ours: f64,
    peer: f64,
    unit: &'static str,
    ratio_median: f64,
    ratio_min: f64,
    ratio_max: f64,
    rounds: usize,
}

/// One balancer on one trace, on average over seeds.
#[derive(Serialize)]
struct Side {
    name: &'static str,
    imbalance: f64,
    moves: f64,
    delay_p50_us: f64,
    delay_p99_us: f64,
    dropped: f64,
}

#[derive(Serialize)]
struct Trace {
    name: &'static str,
    cpus: usize,
    periods: usize,
    reachable: f64,
    longest_stretch: usize,
    sides: Vec<Side>,
}

/// The whole file.
#[derive(Serialize)]
pub struct Report {
    #[serde(flatten)]
    head: Row,
    command: String,
    also: Vec<Row>,
    seeds: Vec<u64>,
    hysteresis: u32,
    max_moves: u32,
    traces: Vec<Trace>,
    failed: Vec<String>,
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}

/// Ratios are how many times better policy `load` is, by trace.
fn row(name: String, unit: &'static str, ours: Vec<f64>, peers: Vec<f64>) -> Row {
    let mut ratios: Vec<f64> = peers
        .iter()
        .zip(&ours)
        .map(|(peer, our)| peer / our)
        .collect();
    let middle = |mut figures: Vec<f64>| rounded(median(&mut figures));
    let rounds = ratios.len();
    Row {
        name,
        unit,
        rounds,
        ours: middle(ours),
        peer: middle(peers),
        ratio_median: rounded(median(&mut ratios)),
        ratio_min: rounded(ratios.first().copied().unwrap_or(0.0)),
        ratio_max: rounded(ratios.last().copied().unwrap_or(0.0)),
    }
}

fn delay(runs: &[&Run], peer: Peer, at: usize) -> f64 {
    let get = |run: &Run| of(run, peer)?.delays.get(at).map(|delay| delay * 1e6);
    judge::mean(runs, get)
}

fn trace(runs: &[&Run]) -> Option<Trace> {
    let spec = &runs.first()?.spec;
    let side = |peer: Peer| Side {
        name: peer.name(),
        imbalance: rounded(imbalance(runs, peer)),
        moves: rounded(moves(runs, peer)),
        delay_p50_us: rounded(delay(runs, peer, 0)),
        delay_p99_us: rounded(delay(runs, peer, 2)),
        dropped: rounded(judge::mean(runs, |run| {
            of(run, peer).map(|side| side.dropped)
        })),
    };
    let reached = |run: &Run| Some(run.reachable.iter().sum::<f64>() / run.reachable.len() as f64);
    let stretches = runs
        .iter()
        .filter_map(|run| of(run, Peer::Load))
        .map(longest_stretch);
    Some(Trace {
        name: spec.name,
        cpus: spec.cpus,
        periods: spec.periods,
        reachable: rounded(judge::mean(runs, reached)),
        longest_stretch: stretches.max().unwrap_or(0),
        sides: Peer::ALL.into_iter().map(side).collect(),
    })
}

impl Report {
    /// Of traces with their runs by seed.
    pub fn new(
        traces: &[Vec<&Run>],
        command: String,
        knobs: (u32, u32),
        failed: Vec<String>,
    ) -> Self {
        let each = |ask: &dyn Fn(&[&Run]) -> f64| traces.iter().map(|runs| ask(runs)).collect();
        let compare = |what: &str, unit, ask: &dyn Fn(&[&Run], Peer) -> f64, peer: Peer| {
            let name = format!("{what}, beside {}", peer.name());
            row(
                name,
                unit,
                each(&|runs| ask(runs, Peer::Load)),
                each(&|runs| ask(runs, peer)),
            )
        };
        let slow = |runs: &[&Run], peer: Peer| delay(runs, peer, 2);
        let often = |runs: &[&Run], peer: Peer| moves(runs, peer).max(1.0);
        let mut also = vec![compare("moves", "moves", &often, Peer::RssPp)];
        for peer in [Peer::Rps, Peer::Rss] {
            also.push(compare("imbalance", "max/mean", &imbalance, peer));
        }
        for peer in [Peer::RssPp, Peer::Rps, Peer::Rss] {
            also.push(compare("p99 delay", "us", &slow, peer));
        }
        Self {
            head: Row {
                name: "sim".into(),
                ..compare("", "max/mean", &imbalance, Peer::RssPp)
            },
            command,
            also,
            seeds: traces
                .first()
                .into_iter()
                .flatten()
                .map(|run| run.seed)
                .collect(),
            hysteresis: knobs.0,
            max_moves: knobs.1,
            traces: traces.iter().filter_map(|runs| trace(runs)).collect(),
            failed,
        }
    }

    /// The comparison in short.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "\n{:32} {:>10} {:>10} {:9} {:>6} {:>6} {:>6}\n",
            "median over traces", "ours", "peer", "unit", "ratio", "min", "max"
        );
        for (at, row) in std::iter::once(&self.head).chain(&self.also).enumerate() {
            let name = if at == 0 {
                "imbalance, beside RSS++"
            } else {
                &row.name
            };
            text += &format!(
                "{name:32} {:10.4} {:10.4} {:9} {:6.2} {:6.2} {:6.2}\n",
                row.ours, row.peer, row.unit, row.ratio_median, row.ratio_min, row.ratio_max
            );
        }
        text
    }
}

/// What stands above [`line`]s.
pub fn heading() -> String {
    let names: String = Peer::ALL
        .iter()
        .map(|peer| format!("{:>8}", peer.name()))
        .collect();
    format!(
        "{:32}{:^32}{:^24}{:^32}\n{:14} {:>9} {:>7}{names}{:>8}{:>8}{:>8}{names}",
        "",
        "max/mean load",
        "moves",
        "p99 delay, us",
        "trace",
        "reachable",
        "stretch",
        "load",
        "RSS++",
        "ratio"
    )
}

/// One trace for people.
pub fn line(runs: &[&Run]) -> String {
    let Some(trace) = trace(runs) else {
        return String::new();
    };
    let mut text = format!(
        "{:14} {:9.3} {:7}",
        trace.name, trace.reachable, trace.longest_stretch
    );
    trace
        .sides
        .iter()
        .for_each(|side| text += &format!("{:8.3}", side.imbalance));
    trace
        .sides
        .iter()
        .take(2)
        .for_each(|side| text += &format!("{:8.0}", side.moves));
    text += &format!("{:8.2}", moves_ratio(runs, Peer::Load));
    trace
        .sides
        .iter()
        .for_each(|side| text += &format!("{:8.0}", side.delay_p99_us));
    text
}
