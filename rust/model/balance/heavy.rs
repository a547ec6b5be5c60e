// SPDX-License-Identifier: GPL-2.0

//! Heavy buckets that are too much for one CPU together.
//!
//! To give one of them to another CPU helps only if many light ones make way there, which no
//! single move or exchange shows. So heavy ones are parted first, as if there were no others,
//! and the light ones flow to where there is room then.

use super::{Board, Knobs};

/// More than this part of the highest goal is heavy.
const HEAVY: u64 = 8;

/// Heavy buckets that are parted in one plan.
const MOST: usize = 64;

impl Board<'_> {
    /// While the heavy buckets of a CPU alone are more than its goal and `slack`, gives one of
    /// them to the CPU that has least of such.
    pub(super) fn part_heavy(&mut self, slack: u64, knobs: &Knobs) {
        let goal = self.cpus.iter().map(|cpu| cpu.goal).max().unwrap_or(0);
        let count = self.list_heavy(goal / HEAVY);
        let left = (knobs.max_moves as usize).saturating_sub(self.moves().count());
        for _ in 0..left.min(MOST) {
            let places = || (0..=u16::MAX).zip(self.cpus.iter());
            let over = places().filter(|(_, cpu)| !cpu.pinned && cpu.heavy > cpu.goal + slack);
            let free = places().filter(|(_, cpu)| !cpu.pinned && !cpu.closed);
            let (Some((from, giver)), Some((to, taker))) = (
                over.max_by_key(|(_, cpu)| cpu.heavy - cpu.goal),
                free.min_by_key(|(_, cpu)| cpu.heavy),
            ) else {
                return;
            };
            let after = |load: u64| (giver.heavy - load).max(taker.heavy + load);
            let before = giver.heavy;
            let own = self.order.iter().take(count).filter_map(|&at| {
                let bucket = self.buckets.get(usize::from(at))?;
                (bucket.cpu == from && !bucket.fixed).then_some((at, u64::from(bucket.load)))
            });
            let best = own.min_by_key(|&(_, load)| (after(load), load));
            let Some((bucket, load)) = best.filter(|&(_, load)| after(load) + slack < before)
            else {
                return;
            };
            self.give(bucket, to);
            for (cpu, more) in [(from, 0), (to, load)] {
                if let Some(cpu) = self.cpus.get_mut(usize::from(cpu)) {
                    cpu.heavy = (cpu.heavy + more).saturating_sub(load - more);
                }
            }
        }
    }

    /// Puts buckets of more than this load first in the order; returns how many there are. Adds
    /// them up by CPU, with what else those do.
    fn list_heavy(&mut self, least: u64) -> usize {
        for cpu in self.cpus.iter_mut() {
            cpu.heavy = cpu.other;
        }
        let mut count = 0;
        for (at, bucket) in (0..=u16::MAX).zip(self.buckets.iter()) {
            let load = u64::from(bucket.load);
            if load <= least {
                continue;
            }
            if let Some(cpu) = self.cpus.get_mut(usize::from(bucket.cpu)) {
                cpu.heavy += load;
            }
            if let Some(place) = self.order.get_mut(count) {
                *place = at;
                count += 1;
            }
        }
        count
    }
}
