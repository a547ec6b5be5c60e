// SPDX-License-Identifier: GPL-2.0

//! What could be reached: a bound that nobody gets below, and an oracle.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The lowest highest load, were buckets liquid except the heaviest: the level to which they
/// fill up CPUs over what else those do, or the heaviest bucket on the CPU that does least,
/// or what the busiest does anyway.
pub fn bound(rates: &[f64], other: &[f64]) -> f64 {
    let mut others = other.to_vec();
    others.sort_by(f64::total_cmp);
    let mut sum: f64 = rates.iter().sum();
    let mut level = f64::INFINITY;
    for (at, &other) in others.iter().enumerate() {
        if other >= level {
            break;
        }
        sum += other;
        level = sum / (at + 1) as f64;
    }
    let heaviest = rates.iter().copied().fold(0.0, f64::max) + others.first().unwrap_or(&0.0);
    level.max(heaviest).max(*others.last().unwrap_or(&0.0))
}

/// Work as whole numbers, which are ordered.
fn whole(work: f64) -> u64 {
    work as u64
}

/// All buckets placed anew by true loads, the heaviest first, each where it is least: R. L.
/// Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM Journal on Applied
/// Mathematics 17, 1969. No balancer has such a free hand, and the loads without noise.
pub fn oracle(rates: &[f64], other: &[f64]) -> Vec<u16> {
    let mut order: Vec<usize> = (0..rates.len()).collect();
    order.sort_by_key(|&at| Reverse(whole(rates[at])));
    let entry = |(cpu, &other): (usize, &f64)| Reverse((whole(other), cpu as u16));
    let mut heap: BinaryHeap<_> = other.iter().enumerate().map(entry).collect();
    let mut map = vec![0; rates.len()];
    for at in order {
        if let Some(Reverse((load, cpu))) = heap.pop() {
            map[at] = cpu;
            heap.push(Reverse((load + whole(rates[at]), cpu)));
        }
    }
    map
}
