// SPDX-License-Identifier: GPL-2.0

//! The solver of RSS++, from its description: T. Barbette, G. P. Katsikas, G. Q. Maguire Jr.
//! and D. Kostic, "RSS++: load and state-aware receive side scaling", CoNEXT 2019.
//!
//! Greedy: the biggest bucket that fits goes from the most overloaded CPU to the most
//! underloaded, until all are within a dead band around the mean; a CPU with a single bucket
//! that is not empty is left alone; at most ten passes over the overloaded CPUs.

use crate::machine::Measured;
use crate::peers::Balancer;
use std::cmp::Reverse;

/// Around the mean.
const BAND: f64 = 0.02;
const PASSES: usize = 10;

/// Its measurements are those of the last period.
pub struct RssPp;

impl Balancer for RssPp {
    fn balance(&mut self, measured: &Measured, map: &mut [u16]) -> usize {
        solve(&measured.buckets, &measured.other, map)
    }
}

/// Changes the map by the loads of buckets, and of CPUs besides. Returns how many buckets
/// are elsewhere then.
pub fn solve(loads: &[u32], other: &[u32], map: &mut [u16]) -> usize {
    let before = map.to_vec();
    let mut cpus: Vec<f64> = other.iter().map(|&other| f64::from(other)).collect();
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); cpus.len()];
    for (at, &cpu) in map.iter().enumerate() {
        cpus[usize::from(cpu)] += f64::from(loads[at]);
        if loads[at] > 0 {
            own[usize::from(cpu)].push(at);
        }
    }
    own.iter_mut()
        .for_each(|own| own.sort_by_key(|&at| Reverse(loads[at])));
    let mean = cpus.iter().sum::<f64>() / cpus.len() as f64;
    for _ in 0..PASSES {
        let mut moved = false;
        let mut overloaded: Vec<usize> = (0..cpus.len())
            .filter(|&cpu| cpus[cpu] > mean * (1.0 + BAND) && own[cpu].len() > 1)
            .collect();
        overloaded.sort_by(|&a, &b| cpus[b].total_cmp(&cpus[a]));
        for from in overloaded {
            while cpus[from] > mean * (1.0 + BAND) && own[from].len() > 1 {
                let to = (0..cpus.len()).min_by(|&a, &b| cpus[a].total_cmp(&cpus[b]));
                let Some(to) = to.filter(|&to| cpus[to] < mean) else {
                    break;
                };
                // What fits makes the taker no more than the dead band allows, and the giver
                // no less.
                let most = (cpus[from] - mean).min(mean - cpus[to]) + BAND * mean;
                let fits = |&&at: &&usize| f64::from(loads[at]) <= most;
                let Some(at) = own[from].iter().find(fits).copied() else {
                    break;
                };
                own[from].retain(|&other| other != at);
                let place = own[to].partition_point(|&other| loads[other] > loads[at]);
                own[to].insert(place, at);
                cpus[from] -= f64::from(loads[at]);
                cpus[to] += f64::from(loads[at]);
                map[at] = to as u16;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    before
        .iter()
        .zip(map)
        .filter(|(before, after)| before != after)
        .count()
}
