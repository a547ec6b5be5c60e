// SPDX-License-Identifier: GPL-2.0

//! Who balances.

use crate::machine::Measured;
use crate::rsspp::RssPp;
use crate::BUCKETS;
use flowbucket_model::balance::rest::Rest;
use flowbucket_model::balance::smooth::{Smooth, Sum, Tempo};
use flowbucket_model::balance::{Board, Bucket, Cpu, Knobs, Policy};

/// One way to keep CPUs evenly loaded.
pub trait Balancer {
    /// Changes the map after a period; returns how many buckets it moved.
    fn balance(&mut self, measured: &Measured, map: &mut [u16]) -> usize;
}

/// All that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Policy `load` of the model.
    Load,
    /// RSS++.
    RssPp,
    /// RPS: a range of hashes per CPU, as `reciprocal_scale()` gives. Buckets are ranges too.
    Rps,
    /// RSS with an indirection table of 128 entries, filled as ethtool does by default.
    Rss,
    /// Another policy of the model.
    Other(Policy),
}

impl Peer {
    /// Those of the comparison.
    pub const ALL: [Self; 4] = [Self::Load, Self::RssPp, Self::Rps, Self::Rss];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::RssPp => "RSS++",
            Self::Rps => "RPS",
            Self::Rss => "RSS 128",
            Self::Other(policy) => policy.name(),
        }
    }

    /// It, for so many CPUs; the map is as it begins.
    pub fn start(self, cpus: usize, knobs: Knobs, map: &mut [u16]) -> Box<dyn Balancer> {
        match self {
            Self::Load => Box::new(Ours::new(Policy::Load, cpus, knobs)),
            Self::Other(policy) => Box::new(Ours::new(policy, cpus, knobs)),
            Self::RssPp => Box::new(RssPp),
            Self::Rps => Box::new(Static),
            Self::Rss => {
                for (at, cpu) in map.iter_mut().enumerate() {
                    *cpu = (at * 128 / BUCKETS % cpus) as u16;
                }
                Box::new(Static)
            }
        }
    }
}

struct Static;

impl Balancer for Static {
    fn balance(&mut self, _: &Measured, _: &mut [u16]) -> usize {
        0
    }
}

/// The model's policies, with what the module remembers from period to period.
pub struct Ours {
    policy: Policy,
    knobs: Knobs,
    loads: Vec<Smooth>,
    other: Vec<Smooth>,
    sums: Vec<Sum>,
    tempo: Tempo,
    rests: Vec<Rest>,
    cpus: Vec<Cpu>,
    buckets: Vec<Bucket>,
    order: Vec<u16>,
}

impl Ours {
    /// Begins to balance.
    pub fn new(policy: Policy, cpus: usize, knobs: Knobs) -> Self {
        Self {
            policy,
            knobs,
            loads: vec![Smooth::default(); BUCKETS],
            other: vec![Smooth::default(); cpus],
            sums: vec![Sum::default(); cpus],
            tempo: Tempo::default(),
            rests: vec![Rest::default(); BUCKETS],
            cpus: vec![Cpu::default(); cpus],
            buckets: vec![Bucket::default(); BUCKETS],
            order: vec![0; BUCKETS],
        }
    }
}

impl Balancer for Ours {
    fn balance(&mut self, measured: &Measured, map: &mut [u16]) -> usize {
        self.sums.iter_mut().for_each(Sum::begin);
        for ((load, &now), &cpu) in self.loads.iter().zip(&measured.buckets).zip(&*map) {
            self.sums[usize::from(cpu)].add(load, now);
        }
        self.tempo.take(self.sums.iter());
        for (at, &cpu) in map.iter().enumerate() {
            let jumped = self.sums[usize::from(cpu)].jumped();
            let load = self.loads[at].add(measured.buckets[at], jumped, &self.tempo);
            let rests = self.rests[at].found(u32::from(cpu));
            self.buckets[at] = Bucket::new(cpu, load).resting(rests);
        }
        for (at, cpu) in self.cpus.iter_mut().enumerate() {
            let other = self.other[at].add(measured.other[at], false, &self.tempo);
            *cpu = Cpu::new(0, u64::from(other));
        }
        let mut board = Board {
            cpus: &mut self.cpus,
            buckets: &mut self.buckets,
            order: &mut self.order,
        };
        let knobs = Knobs {
            hysteresis: self.tempo.hysteresis(self.knobs.hysteresis),
            ..self.knobs
        };
        board.plan(self.policy, &knobs);
        board.moves().map(|(at, cpu)| map[at] = cpu).count()
    }
}
