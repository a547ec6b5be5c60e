// SPDX-License-Identifier: GPL-2.0

//! Policy `step`: one bucket a period.

use super::{Board, Cpu};

/// One bucket goes from the most loaded CPU, of those that have any load to give, to the
/// least loaded: the heaviest bucket that does not make that one the more loaded of the two.
pub(super) fn plan(board: &mut Board<'_>) {
    let places = || (0..=u16::MAX).zip(board.cpus.iter());
    let load = |(at, cpu): (u16, &Cpu)| (at, cpu.load);
    let gives = places().filter(|(_, cpu)| cpu.load > cpu.other);
    let open = places().filter(|(_, cpu)| !cpu.closed);
    let (Some((from, most)), Some((to, least))) = (
        gives.map(load).max_by_key(|&(_, load)| load),
        open.map(load).min_by_key(|&(_, load)| load),
    ) else {
        return;
    };
    let gap = most.saturating_sub(least) / 2;
    let fits = |bucket: &super::Bucket| {
        bucket.cpu == from && bucket.load > 0 && u64::from(bucket.load) <= gap
    };
    let buckets = (0..=u16::MAX).zip(board.buckets.iter());
    let heaviest = buckets
        .filter(|(_, bucket)| fits(bucket))
        .max_by_key(|(_, bucket)| bucket.load);
    if let Some((bucket, _)) = heaviest {
        board.give(bucket, to);
    }
}
