// SPDX-License-Identifier: GPL-2.0

//! The CPUs of one balancer: what they get done, what waits, what can be measured.

use crate::traffic::Hog;
use crate::{BUCKETS, FULL, PACKET, PER_SECOND};

/// Work that a CPU can have waiting, per period: the 4,096 packets of flowbucket's queue.
const QUEUE: f64 = 4096.0 * PACKET * FULL * PER_SECOND as f64;
/// How many packets come at once; what waits behind each other makes the delay.
const BUNCH: f64 = 16.0;

/// What a balancer can see after a period.
pub struct Measured {
    /// CPU time that buckets took.
    pub buckets: Vec<u32>,
    /// CPU time that other things took on each CPU.
    pub other: Vec<u32>,
}

/// CPUs with buckets.
pub struct Machine {
    /// Whose buckets are.
    pub map: Vec<u16>,
    waiting: Vec<f64>,
    /// Of each CPU: work that comes, on average; what else would be done.
    pub load: Vec<f64>,
    /// See `load`.
    pub other: Vec<f64>,
    /// As of the last period.
    pub measured: Measured,
    /// What packets waited, in seconds, and how many packets.
    pub delays: Vec<(f64, f64)>,
    /// Packets that came and that were dropped.
    pub packets: (f64, f64),
}

impl Machine {
    /// So many CPUs, buckets in blocks.
    pub fn new(cpus: usize) -> Self {
        Self {
            map: (0..BUCKETS)
                .map(|at| (at * cpus / BUCKETS) as u16)
                .collect(),
            waiting: vec![0.0; BUCKETS],
            load: vec![0.0; cpus],
            other: vec![0.0; cpus],
            measured: Measured {
                buckets: vec![0; BUCKETS],
                other: vec![0; cpus],
            },
            delays: Vec::new(),
            packets: (0.0, 0.0),
        }
    }

    /// A period goes by: `rates` truly, `work` as it came.
    pub fn period(&mut self, period: usize, rates: &[f64], work: &[f64], hogs: &[Hog]) {
        let cpus = self.load.len();
        self.load.fill(0.0);
        self.other.fill(0.0);
        for hog in hogs
            .iter()
            .filter(|hog| (hog.from..hog.to).contains(&period))
        {
            self.other[hog.cpu % cpus] += hog.load * FULL;
        }
        let (mut come, mut wait) = (vec![0.0; cpus], vec![0.0; cpus]);
        for (at, &cpu) in self.map.iter().enumerate() {
            let cpu = usize::from(cpu);
            self.load[cpu] += rates[at];
            come[cpu] += work[at];
            wait[cpu] += self.waiting[at];
        }
        // Packets go before programs.
        let part = |cpu: usize| match come[cpu] + wait[cpu] {
            0.0 => 1.0,
            all => (FULL / all).min(1.0),
        };
        let done: Vec<f64> = (0..cpus).map(part).collect();
        let stay = |cpu: usize| {
            let left = (come[cpu] + wait[cpu]) * (1.0 - done[cpu]);
            if left > QUEUE {
                QUEUE / left
            } else {
                1.0
            }
        };
        let stays: Vec<f64> = (0..cpus).map(stay).collect();
        for (at, &cpu) in self.map.iter().enumerate() {
            let cpu = usize::from(cpu);
            let all = self.waiting[at] + work[at];
            self.measured.buckets[at] = (all * done[cpu]) as u32;
            self.waiting[at] = all * (1.0 - done[cpu]) * stays[cpu];
            self.packets.0 += work[at];
            self.packets.1 += all * (1.0 - done[cpu]) * (1.0 - stays[cpu]);
        }
        for cpu in 0..cpus {
            let busy = (come[cpu] + wait[cpu]).min(FULL);
            self.measured.other[cpu] = self.other[cpu].min(FULL - busy) as u32;
            self.delays.push((delay(wait[cpu], busy), come[cpu]));
        }
    }

    /// The highest load, with all that programs would do.
    pub fn highest(&self) -> f64 {
        let all = self
            .load
            .iter()
            .zip(&self.other)
            .map(|(load, other)| load + other);
        all.fold(0.0, f64::max)
    }

    /// Packets' delays at these parts of a hundred, in seconds.
    pub fn percentiles(&mut self, parts: &[f64]) -> Vec<f64> {
        self.delays.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = self.delays.iter().map(|at| at.1).sum();
        let find = |part: &f64| {
            let mut sum = 0.0;
            let at = self.delays.iter().find(|(_, packets)| {
                sum += packets;
                sum >= total * part / 100.0
            });
            at.map_or(0.0, |at| at.0)
        };
        parts.iter().map(find).collect()
    }
}

/// What waits from before, and what comes at random in bunches: of M^X/D/1 with bunches of n
/// packets of service time s, (n - 1) s / 2 for the own bunch and u n s / 2 (1 - u) for those
/// before; never more than the queue holds.
fn delay(waiting: f64, busy: f64) -> f64 {
    let used = busy / FULL;
    let own = (BUNCH - 1.0) / 2.0 * PACKET;
    let before = BUNCH / 2.0 * PACKET * used / (1.0 - used).max(1e-9);
    let queue = QUEUE / FULL / PER_SECOND as f64;
    (waiting / FULL / PER_SECOND as f64 + own + before).min(queue)
}
