// SPDX-License-Identifier: GPL-2.0

//! Policy `proportional`: numbers of buckets by the imbalance index.

use super::{Board, Cpu, Knobs, FULL};

/// Sets [`Cpu::wanted`] to how many of `count` buckets each CPU should have. With u the
/// load of a CPU and U the sum of all, the CPU's imbalance index is d = U - u, the total D
/// is the sum of all d, and its share is `count` * d / D. Shares are rounded by largest
/// remainder, so that they sum up to `count`; of equal remainders the first CPU's counts as
/// the largest. If all indices are 0, shares are equal.
pub fn shares(cpus: &mut [Cpu], count: u32) {
    // At most 2^16 CPUs of 10^9 each, and 2^16 buckets: no overflow.
    let load = |cpu: &Cpu| cpu.load.min(FULL);
    let total: u64 = cpus.iter().map(load).sum();
    let even = cpus.len() < 2 || total == 0;
    let index = |cpu: &Cpu| match even {
        true => 1,
        false => total - load(cpu),
    };
    let sum: u64 = cpus.iter().map(index).sum();
    let mut left = count;
    for cpu in cpus.iter_mut() {
        let scaled = index(cpu) * u64::from(count);
        cpu.wanted = scaled.checked_div(sum).unwrap_or(0) as u32;
        cpu.rest = scaled.checked_rem(sum).unwrap_or(0);
        left = left.saturating_sub(cpu.wanted);
    }
    // Fewer are left than there are CPUs.
    for _ in 0..left {
        let mut most: Option<&mut Cpu> = None;
        for cpu in cpus.iter_mut() {
            if most.as_ref().is_none_or(|most| cpu.rest > most.rest) {
                most = Some(cpu);
            }
        }
        if let Some(cpu) = most {
            cpu.wanted += 1;
            cpu.rest = 0;
        }
    }
}

/// The fewest moves that realize the shares.
pub(super) fn plan(board: &mut Board<'_>, knobs: &Knobs) {
    shares(board.cpus, board.buckets.len() as u32);
    board.group();
    let mut to = 0;
    let mut left = knobs.max_moves;
    for from in 0..board.cpus.len() {
        let Some(cpu) = board.cpus.get(from) else {
            return;
        };
        let surplus = cpu.first + cpu.wanted..cpu.end;
        for at in surplus {
            // Buckets are given, and `end` stays: it is how many a CPU had at first.
            while board.cpus.get(to).is_some_and(|cpu| cpu.lacks() == 0) {
                to += 1;
            }
            let (Some(&bucket), Some(cpu)) = (board.order.get(at as usize), board.cpus.get_mut(to))
            else {
                return;
            };
            if left == 0 {
                return;
            }
            left -= 1;
            cpu.wanted -= 1;
            board.give(bucket, to as u16);
        }
    }
}

impl Cpu {
    /// How many buckets it has, as grouped.
    fn has(&self) -> u32 {
        self.end - self.first
    }

    /// How many more it should have.
    fn lacks(&self) -> u32 {
        self.wanted.saturating_sub(self.has())
    }
}
