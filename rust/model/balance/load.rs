// SPDX-License-Identifier: GPL-2.0

//! Policy `load`: brings the highest load down to the lowest that is possible, nearly, by
//! few moves of heavy buckets.
//!
//! A CPU gives nothing while it is over its goal by no more than the hysteresis. When it
//! gives, it goes on until it is much nearer to it than that, so that fluctuations do not
//! set it off again at once.

use super::{Board, Bucket, Cpu, Knobs};

/// How near to its goal a CPU comes that gives, as a part of the hysteresis.
const NEAR: u64 = 4;

pub(super) fn plan(board: &mut Board<'_>, knobs: &Knobs) {
    let before = board.highest();
    let leaves = |cpu: &Cpu| cpu.closed && cpu.load > cpu.other;
    let must = board.cpus.iter().any(leaves);
    attempt(board, knobs, true);
    // A bucket that gets a CPU for itself comes first, and others could not all make way.
    if !must && board.highest() > before {
        board.restore();
        attempt(board, knobs, false);
    }
}

/// `heavy`: also buckets may move that get a CPU for themselves.
fn attempt(board: &mut Board<'_>, knobs: &Knobs, heavy: bool) {
    board.set_goals(knobs, heavy);
    // What counts is the highest load, so it is also the measure; but a CPU whose goal is
    // its heaviest bucket alone is the one that has it.
    let highest = board.cpus.iter().map(|cpu| cpu.goal).max().unwrap_or(0);
    let most = highest * u64::from(knobs.hysteresis) / 1000;
    let slack = |cpu: &Cpu| match (cpu.closed, cpu.pinned) {
        (true, _) => 0,
        (_, true) => most / 2,
        _ => most,
    };
    if heavy {
        board.part_heavy(most, knobs);
    }
    board.group();
    for cpu in board.cpus.iter_mut() {
        cpu.stuck = cpu.over() <= slack(cpu);
    }
    let mut left = (knobs.max_moves as usize).saturating_sub(board.moves().count());
    loop {
        let over = (0..=u16::MAX).zip(board.cpus.iter());
        let from = over.filter(|(_, cpu)| !cpu.stuck);
        let Some((from, _)) = from.max_by_key(|(_, cpu)| cpu.over()) else {
            break;
        };
        let far = |board: &Board<'_>| {
            let cpu = board.cpus.get(usize::from(from));
            cpu.is_some_and(|cpu| cpu.over() > slack(cpu) / NEAR)
        };
        while left > 0 && far(board) {
            match board.shed(from, most, left) {
                0 => break,
                moved => left -= moved,
            }
        }
        if let Some(cpu) = board.cpus.get_mut(usize::from(from)) {
            cpu.stuck = true;
        }
    }
    board.clear_closed(left);
}

impl Board<'_> {
    /// As it was before planning.
    fn restore(&mut self) {
        let count = self.cpus.len();
        // Those that come from elsewhere stay where they were put.
        let known = |bucket: &&mut Bucket| usize::from(bucket.from) < count;
        for bucket in self.buckets.iter_mut().filter(known) {
            bucket.cpu = bucket.from;
        }
        self.count();
    }

    /// What is left on closed CPUs, most of it idle, goes to the others in turn.
    fn clear_closed(&mut self, left: usize) {
        if !self
            .cpus
            .iter()
            .any(|cpu| cpu.closed && cpu.first < cpu.end)
        {
            return;
        }
        let closed = |board: &Self, cpu: u16| {
            let cpu = board.cpus.get(usize::from(cpu));
            cpu.is_none_or(|cpu| cpu.closed)
        };
        let count = u16::try_from(self.cpus.len()).unwrap_or(u16::MAX);
        let open = (0..count).filter(|&cpu| !closed(self, cpu)).count();
        let mut to = 0;
        let mut left = left.min(if open == 0 { 0 } else { usize::MAX });
        for at in (0..=u16::MAX).take(self.buckets.len()) {
            let own = self.buckets.get(usize::from(at)).map_or(0, |b| b.cpu);
            if left == 0 || !closed(self, own) {
                continue;
            }
            while closed(self, to) {
                to = (to + 1).checked_rem(count).unwrap_or(0);
            }
            self.give(at, to);
            to = (to + 1).checked_rem(count).unwrap_or(0);
            left -= 1;
        }
    }
}
