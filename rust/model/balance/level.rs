// SPDX-License-Identifier: GPL-2.0

//! What each CPU's load should be.

use super::{Board, Bucket, Cpu, Knobs};
use core::cmp::Reverse;

impl Board<'_> {
    /// Sets the goals of all CPUs: the lowest level to which the load of the buckets, if it
    /// were a liquid, fills them up over what else they do; where that is higher already,
    /// that. A bucket that alone is more than such a share gets a CPU for itself, unless it
    /// may not move (`heavy`) and shares its CPU with another.
    pub(super) fn set_goals(&mut self, knobs: &Knobs, heavy: bool) {
        let loads = |bucket: &Bucket| u64::from(bucket.load);
        let mut liquid: u64 = self.buckets.iter().map(loads).sum();
        let mut level = self.fill(liquid);
        let heaviest = self.buckets.iter().map(loads).max().unwrap_or(0);
        match self.free() {
            Some((_, other)) if heaviest + other > level => {}
            _ => return,
        }
        self.sort_all();
        let mut moved = 0;
        for place in 0..self.order.len() {
            let Some((best, other)) = self.free() else {
                return;
            };
            let at = self.order.get(place).copied().unwrap_or(0);
            let Some(bucket) = self.buckets.get(usize::from(at)).copied() else {
                return;
            };
            let load = u64::from(bucket.load);
            let heavy = heavy && moved < knobs.max_moves;
            if load + other <= level {
                return;
            }
            // It stays, if there is not much to gain.
            let slack = (load + other) * u64::from(knobs.hysteresis) / 1000;
            let own = self.cpus.get(usize::from(bucket.cpu));
            let stays = own.is_some_and(|cpu| {
                !cpu.closed && !cpu.pinned && (!heavy || cpu.other <= other + slack)
            });
            let to = match stays {
                true => bucket.cpu,
                false if heavy => best,
                false => continue,
            };
            moved += u32::from(to != bucket.cpu);
            self.give(at, to);
            if let Some(cpu) = self.cpus.get_mut(usize::from(to)) {
                cpu.pinned = true;
                cpu.goal = cpu.other + load;
            }
            liquid -= load;
            level = self.fill(liquid);
        }
    }

    /// The CPU that does least else, of those that can get a bucket for themselves: of equal
    /// ones, the one that has least to give away.
    fn free(&self) -> Option<(u16, u64)> {
        let places = (0..=u16::MAX).zip(self.cpus.iter());
        places
            .filter(|(_, cpu)| !cpu.closed && !cpu.pinned)
            .min_by_key(|(_, cpu)| (cpu.other, cpu.load))
            .map(|(at, cpu)| (at, cpu.other))
    }

    /// Orders all buckets, the heaviest first.
    fn sort_all(&mut self) {
        let buckets = &*self.buckets;
        let load = |at: u16| buckets.get(usize::from(at)).map_or(0, |bucket| bucket.load);
        for (place, at) in self.order.iter_mut().zip(0..=u16::MAX) {
            *place = at;
        }
        self.order
            .sort_unstable_by_key(|&at| (Reverse(load(at)), at));
    }

    /// The level to which so much fills up the CPUs, set as goal where that applies.
    fn fill(&mut self, liquid: u64) -> u64 {
        let free = |cpu: &&mut Cpu| !cpu.closed && !cpu.pinned;
        let mut level = u64::MAX;
        loop {
            // Only those lower than the last level can have a part; so it falls.
            let below = self
                .cpus
                .iter_mut()
                .filter(free)
                .filter(|cpu| cpu.other < level);
            let (sum, count) = below.fold((liquid, 0), |(sum, count), cpu| {
                (sum + cpu.other, count + 1)
            });
            // Rounded up, so that there is room for all.
            let next = match count {
                0 => 0,
                _ => sum.div_ceil(count),
            };
            if next >= level || count == 0 {
                break;
            }
            level = next;
        }
        for cpu in self.cpus.iter_mut().filter(free) {
            cpu.goal = level.max(cpu.other);
        }
        for cpu in self.cpus.iter_mut().filter(|cpu| cpu.closed) {
            cpu.goal = cpu.other;
        }
        level
    }
}
