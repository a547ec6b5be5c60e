// SPDX-License-Identifier: GPL-2.0

//! Policy `load`: brings the highest load down to the lowest that is possible, nearly, by
//! few moves of heavy buckets.
//!
//! It does nothing while no CPU is over its goal by more than the hysteresis. When it
//! acts, it goes on until all are much nearer to it than that, so that fluctuations do
//! not set it off again at once.

use super::{Board, Cpu, Knobs};

/// How near to the goals a plan goes on, as a part of the hysteresis.
const NEAR: u64 = 4;

pub(super) fn plan(board: &mut Board<'_>, knobs: &Knobs) {
    board.set_goals(knobs);
    // What counts is the highest load, so it is also the measure; but a CPU whose goal is its
    // heaviest bucket alone is the one that has it.
    let highest = board.cpus.iter().map(|cpu| cpu.goal).max().unwrap_or(0);
    let slack = highest / 1000 * u64::from(knobs.hysteresis);
    let slack = |cpu: &Cpu| {
        if cpu.closed {
            0
        } else if cpu.pinned {
            slack / NEAR
        } else {
            slack
        }
    };
    let settled = board.buckets.iter().all(|bucket| bucket.cpu == bucket.from);
    if settled && !board.cpus.iter().any(|cpu| cpu.over() > slack(cpu)) {
        return;
    }
    board.group();
    for cpu in board.cpus.iter_mut() {
        cpu.stuck = cpu.over() <= slack(cpu);
    }
    let mut left = (knobs.max_moves as usize).saturating_sub(board.moves().count());
    while left > 0 {
        let over = (0..=u16::MAX).zip(board.cpus.iter());
        let from = over
            .filter(|(_, cpu)| !cpu.stuck && cpu.over() > slack(cpu) / NEAR)
            .max_by_key(|(_, cpu)| cpu.over());
        let Some((from, _)) = from else {
            return;
        };
        match board.shed(from, left) {
            0 => board.set_stuck(from),
            moved => left -= moved,
        }
    }
}

impl Board<'_> {
    fn set_stuck(&mut self, at: u16) {
        if let Some(cpu) = self.cpus.get_mut(usize::from(at)) {
            cpu.stuck = true;
        }
    }
}
