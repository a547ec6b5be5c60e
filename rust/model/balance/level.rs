// SPDX-License-Identifier: GPL-2.0

//! What each CPU's load should be.

use super::{Board, Cpu, Knobs};

impl Board<'_> {
    /// Sets the goals of all CPUs: the lowest level to which the load of the buckets, if it
    /// were a liquid, fills them up over what else they do; where that is higher already,
    /// that. A bucket that alone is more than such a share gets a CPU for itself.
    pub(super) fn set_goals(&mut self, knobs: &Knobs) {
        loop {
            let level = self.fill();
            let Some((bucket, load)) = self.heaviest() else {
                return;
            };
            let free = |cpu: &Cpu| !cpu.closed && !cpu.pinned;
            let places = (0..=u16::MAX)
                .zip(self.cpus.iter())
                .filter(|(_, cpu)| free(cpu));
            let Some((best, other)) =
                (places.map(|(at, cpu)| (at, cpu.other))).min_by_key(|at| at.1)
            else {
                return;
            };
            if load + other <= level {
                return;
            }
            // It stays, if there is not much to gain.
            let slack = (load + other) / 1000 * u64::from(knobs.hysteresis);
            let own = self
                .buckets
                .get(usize::from(bucket))
                .map_or(best, |bucket| bucket.cpu);
            let stays = (self.cpus.get(usize::from(own)))
                .is_some_and(|cpu| free(cpu) && cpu.other <= other + slack);
            let to = if stays { own } else { best };
            self.give(bucket, to);
            if let Some(cpu) = self.cpus.get_mut(usize::from(to)) {
                cpu.pinned = true;
                cpu.goal = cpu.other + load;
            }
        }
    }

    /// The level, set as goal where that applies.
    fn fill(&mut self) -> u64 {
        let free = |cpu: &&mut Cpu| !cpu.closed && !cpu.pinned;
        let mut liquid: u64 = 0;
        for bucket in self.buckets.iter().filter(|bucket| !bucket.fixed) {
            liquid += u64::from(bucket.load);
        }
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

    /// The heaviest bucket whose place is not settled.
    fn heaviest(&self) -> Option<(u16, u64)> {
        let buckets = (0..=u16::MAX).zip(self.buckets.iter());
        buckets
            .filter(|(_, bucket)| !bucket.fixed)
            .max_by_key(|(_, bucket)| bucket.load)
            .map(|(at, bucket)| (at, u64::from(bucket.load)))
    }
}
