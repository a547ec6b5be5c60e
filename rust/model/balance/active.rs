// SPDX-License-Identifier: GPL-2.0

//! How many CPUs are worth using: at low load, fewer of them can sleep longer.

use super::{Board, FULL};

/// More CPUs are used when those that are would each be loaded more than this, in
/// thousandths of a CPU.
const MOST: u64 = 600;
/// Fewer are used when one fewer would each be loaded no more than this.
const LEAST: u64 = 400;

/// How many CPUs to use, from how many are used now, at least `min` and at most `all`.
/// `load` is the sum of all their loads.
pub fn active(now: usize, load: u64, min: usize, all: usize) -> usize {
    let each = |limit: u64, cpus: usize| FULL / 1000 * limit * cpus as u64;
    let mut count = now.clamp(min.min(all), all);
    while count < all && load > each(MOST, count) {
        count += 1;
    }
    while count > min.max(1) && load <= each(LEAST, count - 1) {
        count -= 1;
    }
    count
}

impl Board<'_> {
    /// Closes all CPUs behind the first `count`.
    pub fn close_after(&mut self, count: usize) {
        for (at, cpu) in self.cpus.iter_mut().enumerate() {
            cpu.closed = at >= count.max(1);
        }
    }
}
