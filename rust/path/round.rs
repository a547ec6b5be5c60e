// SPDX-License-Identifier: GPL-2.0

//! A timer thread's way through its CPU's connections.

use super::conns::ConnTable;
use super::track::{Gone, Tracking};
use crate::model::conn::{
    walk::{Visit, Walk},
    Conn, Ms, State, Timeouts,
};

/// A round through the tables of one CPU.
pub(super) struct Round {
    now: Ms,
    epoch: u16,
    timeouts: Timeouts,
    /// Namespaces whose connections are forgotten.
    gone: Gone<u32>,
    /// The bucket it is at.
    pub(super) bucket: usize,
    /// Through the table of this bucket, which may leave meanwhile.
    walk: Option<(usize, Walk)>,
    /// What was found: connections by state, and bytes of memory.
    pub(super) counts: [u64; State::COUNT],
    pub(super) memory: u64,
    pub(super) walked: u64,
    pub(super) expired: u64,
}

impl Round {
    /// Begins one.
    pub(super) fn new(now: Ms, tracking: &Tracking) -> Self {
        Self {
            now,
            epoch: tracking.epoch(),
            timeouts: tracking.timeouts(),
            gone: tracking.gone(),
            bucket: 0,
            walk: None,
            counts: [0; State::COUNT],
            memory: 0,
            walked: 0,
            expired: 0,
        }
    }

    /// Goes on with one table. True if that is over.
    pub(super) fn go_on(
        &mut self,
        table: &mut ConnTable,
        left: &mut u32,
        visit: &mut impl FnMut(&mut Conn) -> Visit,
        settle: impl FnOnce(isize),
    ) -> bool {
        let bucket = self.bucket;
        self.walk = self.walk.filter(|&(through, _)| through == bucket);
        if self.walk.is_none() && table.is_due_at(self.now, self.epoch) {
            self.walk = Some((bucket, table.begin_walk(self.epoch)));
        }
        if let Some((_, walk)) = &mut self.walk {
            let slice = table.walk(walk, *left, self.now, &self.timeouts, |conn| {
                match self.gone.contains(&conn.net) {
                    true => Visit::Forget,
                    false => visit(conn),
                }
            });
            *left = left.saturating_sub(slice.walked);
            self.walked += u64::from(slice.walked);
            self.expired += u64::from(slice.expired);
            settle(-(slice.expired as isize));
            if !slice.over {
                return false;
            }
            self.walk = None;
        }
        for (sum, &count) in self.counts.iter_mut().zip(table.counts()) {
            *sum += u64::from(count);
        }
        self.memory += table.memory() as u64;
        true
    }
}
