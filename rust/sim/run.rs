// SPDX-License-Identifier: GPL-2.0

//! All balancers on the same traffic.

use crate::bound::{bound, oracle};
use crate::machine::Machine;
use crate::peers::{Balancer, Peer};
use crate::traffic::{Spec, Traffic};
use crate::BUCKETS;
use flowbucket_model::balance::Knobs;

/// Parts of a hundred whose delays are told.
pub const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// What became of one balancer.
pub struct Outcome {
    /// Who.
    pub peer: Peer,
    /// For each period, true loads: the highest over the mean.
    pub imbalance: Vec<f64>,
    /// The highest over what could be reached, see [`Run::reachable`].
    pub excess: Vec<f64>,
    /// Buckets moved after each period.
    pub moves: Vec<usize>,
    /// Buckets that were moved for the second time within one wave.
    pub back: usize,
    /// The most that a CPU with a hog has from buckets, over the mean from buckets.
    pub beside_hog: Vec<f64>,
    /// Delays at [`PERCENTILES`], in seconds.
    pub delays: Vec<f64>,
    /// The part of packets that was dropped.
    pub dropped: f64,
}

impl Outcome {
    /// On average over time.
    pub fn mean_imbalance(&self) -> f64 {
        self.imbalance.iter().sum::<f64>() / self.imbalance.len() as f64
    }

    /// In all.
    pub fn all_moves(&self) -> usize {
        self.moves.iter().sum()
    }
}

/// One trace with one seed.
pub struct Run {
    /// The trace.
    pub spec: Spec,
    /// Its seed.
    pub seed: u64,
    /// In the order asked for.
    pub outcomes: Vec<Outcome>,
    /// For each period, over the mean: what the heaviest bucket, and programs, allow, or what
    /// the oracle reached that knew the last period, whichever is more.
    pub reachable: Vec<f64>,
}

struct Side {
    balancer: Box<dyn Balancer>,
    machine: Machine,
    outcome: Outcome,
    /// When each bucket was moved last: in which wave.
    moved: Vec<usize>,
}

impl Side {
    fn new(peer: Peer, cpus: usize, knobs: Knobs) -> Self {
        let mut machine = Machine::new(cpus);
        Self {
            balancer: peer.start(cpus, knobs, &mut machine.map),
            machine,
            outcome: Outcome {
                peer,
                imbalance: Vec::new(),
                excess: Vec::new(),
                moves: Vec::new(),
                back: 0,
                beside_hog: Vec::new(),
                delays: Vec::new(),
                dropped: 0.0,
            },
            moved: vec![0; BUCKETS],
        }
    }

    /// After the machine's period: what became of it, and the next map.
    fn after(&mut self, reachable: f64, wave: usize) {
        let (machine, outcome) = (&mut self.machine, &mut self.outcome);
        let cpus = machine.load.len() as f64;
        let own: f64 = machine.load.iter().sum::<f64>() / cpus;
        let mean = own + machine.other.iter().sum::<f64>() / cpus;
        let highest = machine.highest() / mean.max(1.0);
        outcome.imbalance.push(highest);
        outcome.excess.push(highest / reachable);
        let beside = (machine.load.iter().zip(&machine.other)).filter(|(_, &other)| other > 0.0);
        let beside = beside.map(|(&load, _)| load).fold(0.0, f64::max);
        outcome.beside_hog.push(beside / own.max(1.0));
        let before = machine.map.clone();
        let moves = self.balancer.balance(&machine.measured, &mut machine.map);
        outcome.moves.push(moves);
        for (at, (before, now)) in before.iter().zip(&machine.map).enumerate() {
            if before != now {
                outcome.back += usize::from(self.moved[at] == wave);
                self.moved[at] = wave;
            }
        }
    }

    fn end(mut self) -> Outcome {
        self.outcome.delays = self.machine.percentiles(&PERCENTILES);
        let (all, dropped) = self.machine.packets;
        self.outcome.dropped = dropped / all.max(1.0);
        self.outcome
    }
}

/// Runs a trace.
pub fn run(spec: &Spec, seed: u64, peers: &[Peer], knobs: Knobs) -> Run {
    let mut traffic = Traffic::new(spec, seed);
    let mut sides: Vec<Side> = (peers.iter())
        .map(|&peer| Side::new(peer, spec.cpus, knobs))
        .collect();
    let mut reachable = Vec::new();
    let mut ideal: Option<Vec<u16>> = None;
    let mut wave = 0;
    for period in 0..spec.periods {
        wave += usize::from(spec.steps.contains(&period));
        traffic.next();
        for side in &mut sides {
            side.machine
                .period(period, &traffic.rates, &traffic.work, &spec.hogs);
        }
        let mut other = vec![0.0; spec.cpus];
        for hog in spec
            .hogs
            .iter()
            .filter(|hog| (hog.from..hog.to).contains(&period))
        {
            other[hog.cpu % spec.cpus] += hog.load * crate::FULL;
        }
        let least = bound(&traffic.rates, &other);
        let mut loads = other.clone();
        for (at, &cpu) in ideal.iter().flatten().enumerate() {
            loads[usize::from(cpu)] += traffic.rates[at];
        }
        let reached = loads.iter().copied().fold(0.0, f64::max);
        let mean =
            (traffic.rates.iter().sum::<f64>() + other.iter().sum::<f64>()) / spec.cpus as f64;
        reachable.push(least.max(reached) / mean.max(1.0));
        // Where connections stay, there is no need to ask it each time.
        if !spec.steady || period < 2 {
            ideal = Some(oracle(&traffic.rates, &other));
        }
        let reachable = reachable.last().copied().unwrap_or(1.0);
        sides
            .iter_mut()
            .for_each(|side| side.after(reachable, wave));
    }
    Run {
        spec: spec.clone(),
        seed,
        outcomes: sides.into_iter().map(Side::end).collect(),
        reachable,
    }
}
