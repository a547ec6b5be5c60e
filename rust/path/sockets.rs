// SPDX-License-Identifier: GPL-2.0

//! What the timer threads do for connections of this host's own sockets: keep-alive probes, and
//! delayed acknowledgments.

use super::timers::TimerStats;
use super::track::Tracking;
use crate::kapi::{
    bh::BhOff,
    tcp::{Ack, Probe, Socket},
    time,
};
use crate::model::conn::{is_before, walk::Visit, Conn, Ms, State};
use crate::model::packet::TCP;
use kernel::prelude::*;

/// Sockets that are given up after one slice.
const MOST: usize = 16;

/// Milliseconds for which an acknowledgment may wait at most: RFC 1122, 4.2.3.2.
const LONGEST_DELAY: Ms = 500;

/// The longest time between two probes, in milliseconds, so that a clock of 32 bits can tell
/// what was before.
const LONGEST_WAIT: u64 = 2_000_000_000;

/// What is wanted of them, in milliseconds; 0 for nothing.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) idle: Ms,
    pub(super) between: Ms,
    pub(super) probes: u32,
    /// Acknowledgments that would be sent within so long.
    pub(super) acks: Ms,
}

/// One round's work.
pub(super) struct Sockets<'a> {
    wanted: Wanted,
    now: Ms,
    stats: &'a TimerStats,
    /// Those whose peers do not answer: to be ended where one may sleep.
    dead: KVec<Socket>,
}

impl<'a> Sockets<'a> {
    /// Begins. Without memory nothing is ended in this round.
    pub(super) fn new(tracking: &Tracking, interval: Ms, now: Ms, stats: &'a TimerStats) -> Self {
        let wanted = tracking.wanted(interval);
        let room = if wanted.idle == 0 { 0 } else { MOST };
        Self {
            wanted,
            now,
            stats,
            dead: KVec::with_capacity(room, GFP_KERNEL).unwrap_or_default(),
        }
    }

    /// Whether connections have to be looked up among the sockets, which takes its time.
    pub(super) fn are_wanted(&self) -> bool {
        self.wanted.idle != 0 || self.wanted.acks != 0
    }

    /// Looks after a connection.
    pub(super) fn visit(&mut self, conn: &mut Conn, bh: &BhOff) -> Visit {
        if conn.state() != State::Established || conn.key.proto() != TCP {
            return Visit::Keep;
        }
        if self.acknowledge(conn, bh) {
            return Visit::Until(self.now);
        }
        if self.wanted.idle == 0 {
            return Visit::Keep;
        }
        let due = self.due(conn);
        match is_before(self.now, due) {
            true => Visit::Until(due),
            false => self.probe(conn, bh),
        }
    }

    /// When it is to be probed, or given up.
    fn due(&self, conn: &Conn) -> Ms {
        let waits = u64::from(conn.probes) * u64::from(self.wanted.between);
        let after = u64::from(self.wanted.idle) + waits;
        conn.seen.wrapping_add(after.min(LONGEST_WAIT) as Ms)
    }

    /// Sends the acknowledgment that is delayed, if it is time. True if there is one that waits.
    fn acknowledge(&self, conn: &Conn, bh: &BhOff) -> bool {
        let acks = self.wanted.acks;
        // Packets may have come since the round began.
        if acks == 0 || is_before(conn.seen.wrapping_add(LONGEST_DELAY), self.now) {
            return false;
        }
        let ack = Socket::find(conn, bh).map_or(Ack::None, |socket| socket.acknowledge(acks, bh));
        if ack == Ack::Sent {
            self.stats.acks.add(1, bh);
        }
        ack == Ack::Waits
    }

    fn probe(&mut self, conn: &mut Conn, bh: &BhOff) -> Visit {
        let later = Visit::Until(self.now.wrapping_add(self.wanted.idle));
        let soon = Visit::Until(self.now.wrapping_add(self.wanted.between.min(1000)));
        let Some(socket) = Socket::find(conn, bh) else {
            return later;
        };
        // The socket knows best: it hears of a packet a little later than the record, and what
        // comes may not pass here any more, not tracked, not steered, by another hash.
        let (silent, now) = (socket.silent_ms(), time::coarse_ms());
        let unseen = now.wrapping_sub(conn.seen);
        if silent < unseen {
            conn.seen = now.wrapping_sub(silent);
            if silent.saturating_add(self.wanted.idle / 2) < unseen {
                conn.probes = 0;
            }
            let due = self.due(conn);
            if is_before(now, due) {
                return Visit::Until(due);
            }
        }
        let dead = u32::from(conn.probes) >= self.wanted.probes;
        match socket.probe(self.wanted.idle, !dead, bh) {
            Probe::Sent if dead => match self.dead.push_within_capacity(socket) {
                Ok(()) => Visit::Forget,
                Err(_) => soon,
            },
            Probe::Sent => {
                conn.probes += 1;
                self.stats.probes.add(1, bh);
                Visit::Until(self.now.wrapping_add(self.wanted.between))
            }
            Probe::Busy => soon,
            Probe::NotOurs => later,
        }
    }

    /// Between two slices: ends what is dead.
    pub(super) fn end_dead(&mut self) {
        while let Some(socket) = self.dead.pop() {
            if socket.abort() {
                self.stats.dead.set_relaxed(self.stats.dead.relaxed() + 1);
            }
        }
    }
}
