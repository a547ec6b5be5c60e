// SPDX-License-Identifier: GPL-2.0

//! What is recorded.

use crate::error::{Error, Result};
use crate::output::complain;
use crate::root::Root;
use crate::snapshot::{Rates, Snapshot};
use crate::stop::Stop;
use std::time::{Duration, Instant};

/// Columns of the heat map at most, and rows.
const COLUMNS: f64 = 100.0;
const ROWS: usize = 64;
/// Seconds between two readings at least: they are work, and a load to be recorded.
const STEP: f64 = 0.25;

/// A histogram: how many took less than so many nanoseconds.
pub(super) type Histogram = Vec<[u64; 2]>;

/// A stretch of time.
#[derive(Debug)]
pub(super) struct Sample {
    /// When it begins and ends, in seconds.
    pub(super) time: (f64, f64),
    /// What the CPUs did.
    pub(super) rates: Vec<Rates>,
    /// Load of groups of buckets, in CPUs.
    pub(super) heat: Vec<f64>,
}

/// Everything that is drawn.
#[derive(Debug)]
pub(super) struct Record {
    /// The stretches of time.
    pub(super) samples: Vec<Sample>,
    /// The numbers of the CPUs.
    pub(super) cpus: Vec<u32>,
    /// How many buckets there are, and how many make a row of the heat map.
    pub(super) buckets: (usize, usize),
    /// How long moves took.
    pub(super) moves: Histogram,
    /// How late rounds of timer threads began.
    pub(super) late: Histogram,
}

impl Record {
    /// Records for so many seconds, or until a signal comes.
    pub(super) fn make(root: &Root, seconds: f64) -> Result<Self> {
        root.check_loaded()?;
        let stop = Stop::on_signals()?;
        let step = Duration::from_secs_f64((seconds / COLUMNS).max(STEP));
        let start = Instant::now();
        let end = start + Duration::from_secs_f64(seconds);
        let histograms = ["moves/histogram", "connections/late"];
        let [moves, late] = histograms.map(|file| root.rows(file));
        let (moves, late) = (moves?, late?);
        let (mut old, mut old_ns) = (Snapshot::take(root)?, bucket_ns(root)?);
        let mut samples = Vec::new();
        let mut from = 0.0;
        while !stop.requested() && Instant::now() < end {
            stop.wait(step);
            let read = || Ok((Snapshot::take(root)?, bucket_ns(root)?));
            let (new, ns) = match read() {
                Ok(both) => both,
                Err(error) if samples.is_empty() => return Err(error),
                Err(error) => {
                    complain(format_args!("recording has ended: {error}"));
                    break;
                }
            };
            let to = start.elapsed().as_secs_f64();
            samples.push(Sample {
                time: (from, to),
                rates: new.rates_since(&old),
                heat: heat(&old_ns, &ns, to - from),
            });
            (old, old_ns, from) = (new, ns, to);
        }
        if samples.is_empty() {
            return Err(Error::Failed(
                "there was no time to record anything".to_owned(),
            ));
        }
        // Without the module what came to them is not known any more.
        let [moves_now, late_now] = histograms.map(|file| root.rows(file).unwrap_or_default());
        Ok(Self {
            samples,
            cpus: old.cpus.iter().map(|cpu| cpu.cpu).collect(),
            buckets: (old_ns.len(), old_ns.len().div_ceil(ROWS)),
            moves: since(&moves, moves_now),
            late: since(&late, late_now),
        })
    }
}

/// Nanoseconds of each bucket.
fn bucket_ns(root: &Root) -> Result<Vec<u64>> {
    let rows = root.rows("balance/loads")?;
    Ok(rows.iter().map(|[_, _, _, ns, _]| *ns).collect())
}

/// Loads of groups of buckets between two readings.
fn heat(old: &[u64], new: &[u64], seconds: f64) -> Vec<f64> {
    let spent: Vec<u64> = (new.iter().enumerate())
        .map(|(at, ns)| ns.saturating_sub(old.get(at).copied().unwrap_or(0)))
        .collect();
    (spent.chunks(spent.len().div_ceil(ROWS).max(1)))
        .map(|group| group.iter().sum::<u64>() as f64 / 1e9 / seconds.max(1e-6))
        .collect()
}

/// What came to a histogram since an older reading.
fn since(old: &Histogram, mut new: Histogram) -> Histogram {
    for [ns, count] in &mut new {
        let before = old.iter().find(|[old_ns, _]| old_ns == ns);
        *count = count.saturating_sub(before.map_or(0, |[_, count]| *count));
    }
    new.retain(|[_, count]| *count > 0);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_taken() {
        let old = vec![[1024, 2], [4096, 1]];
        assert_eq!(
            since(&old, vec![[1024, 2], [2048, 5], [4096, 4]]),
            [[2048, 5], [4096, 3]]
        );
        let found = heat(&[0; 128], &[500_000_000; 128], 1.0);
        assert_eq!(found, [1.0; 64]);
    }
}
