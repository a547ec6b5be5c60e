// SPDX-License-Identifier: GPL-2.0

//! A thread for each CPU that goes through the connections of the buckets which the CPU owns,
//! at a fixed interval, and forgets those that are idle for too long.
//!
//! What a thread finds is its CPU's own, see [`super::conns`]: all threads work at the same
//! time and share nothing. In slices with bottom halves off, between which packets go on.

use super::control::Control;
use super::round::Round;
use super::sockets::Sockets;
use super::stats::Histogram;
use crate::kapi::{
    bh::{BhGuard, BhOff},
    counter::Counter,
    smpboot::{OnCpu, Rounds},
    time,
};
use crate::model::{
    conn::{Conn, State},
    sync::Word,
};

/// Records that are looked at between two looks at the clock; fewer if their sockets are looked
/// up, in one of perhaps a thousand namespaces.
const SLICE: u32 = 64;
const FEW: u32 = 8;

/// Nanoseconds for which packets wait for a walk, and not much more.
const SLICE_NS: u64 = 200_000;

/// The longest nap of a thread, so that another interval is known soon.
const NAP_NS: u64 = 100_000_000;

/// What is known of one CPU's connections; written by it alone.
pub(super) struct TimerStats {
    /// Connections that were seen for the first time.
    pub(super) added: Counter,
    /// Half-open ones that made way for others.
    pub(super) evicted: Counter,
    /// Packets whose connection there was no room for.
    pub(super) untracked: Counter,
    /// Rounds of the thread, records it looked at, and those it forgot.
    pub(super) rounds: Counter,
    pub(super) walked: Counter,
    pub(super) expired: Counter,
    /// Keep-alive probes and delayed acknowledgments that it sent, and connections that it
    /// ended because their peers did not answer.
    pub(super) probes: Counter,
    pub(super) acks: Counter,
    pub(super) dead: Word,
    /// How long the last round took, and the longest, in nanoseconds, with what came in
    /// between; and the longest time that bottom halves were off.
    pub(super) last_ns: Word,
    pub(super) longest_ns: Word,
    pub(super) slice_ns: Word,
    /// How late rounds began.
    pub(super) late: Histogram,
    /// As of the last round: connections by state, and bytes of memory.
    counts: [Word; State::COUNT],
    pub(super) memory: Word,
    /// When the next round is to begin, in nanoseconds; 0 at first.
    next: Word,
}

impl TimerStats {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            added: Counter::new(),
            evicted: Counter::new(),
            untracked: Counter::new(),
            rounds: Counter::new(),
            walked: Counter::new(),
            expired: Counter::new(),
            probes: Counter::new(),
            acks: Counter::new(),
            dead: Word::new(0),
            last_ns: Word::new(0),
            longest_ns: Word::new(0),
            slice_ns: Word::new(0),
            late: Histogram::new(),
            counts: State::ALL.map(|_| Word::new(0)),
            memory: Word::new(0),
            next: Word::new(0),
        }
    }

    /// Connections of a state, as of the last round.
    pub(super) fn count(&self, state: State) -> u64 {
        (self.counts.get(state as usize)).map_or(0, |count| count.relaxed() as u64)
    }

    fn over(&self, round: &Round, ns: u64, bh: &BhOff) {
        self.rounds.add(1, bh);
        self.walked.add(round.walked, bh);
        self.expired.add(round.expired, bh);
        self.last_ns.set_relaxed(ns as usize);
        raise(&self.longest_ns, ns);
        for (word, &count) in self.counts.iter().zip(&round.counts) {
            word.set_relaxed(count as usize);
        }
        self.memory.set_relaxed(round.memory as usize);
    }
}

/// Notes the highest.
fn raise(word: &Word, value: u64) {
    word.set_relaxed(word.relaxed().max(value as usize));
}

impl Rounds for Control {
    fn round(&self, cpu: u32, thread: &OnCpu) {
        let Some(lane) = self.engine.lanes.get(cpu) else {
            thread.sleep(NAP_NS);
            return;
        };
        let stats = &lane.timers;
        let interval = u64::from(self.engine.timer_interval.get()) * 1_000_000;
        let now = time::now();
        // It may have been chosen by a longer interval.
        let most = interval.max(stats.last_ns.relaxed() as u64);
        let next = match stats.next.relaxed() as u64 {
            next if thread.begins() || next > now + most => now + interval,
            next => next,
        };
        stats.next.set_relaxed(next as usize);
        if next > now {
            thread.sleep((next - now).min(NAP_NS));
            return;
        }
        stats.next.set_relaxed((now + interval) as usize);
        if self.engine.enabled.relaxed() == 0 {
            return;
        }
        let ms = time::coarse_ms();
        let tracking = &self.engine.tracking;
        let mut round = Round::new(ms, tracking);
        let mut sockets = Sockets::new(tracking, self.engine.timer_interval.get(), ms, stats);
        let tracker = tracking.tracker(lane, ms);
        let most = if sockets.are_wanted() { FEW } else { SLICE };
        let late = now - next;
        loop {
            let begin = time::now();
            let bh = BhGuard::new();
            let table = self.engine.table.read(&bh);
            let (mut over, mut end) = (false, begin);
            while !over && end - begin < SLICE_NS {
                let visit = |conn: &mut Conn| sockets.visit(conn, &bh);
                over = table.conns.walk(&mut round, most, &tracker, &bh, visit);
                end = time::now();
            }
            raise(&stats.slice_ns, end - begin);
            if over {
                stats.late.add(late, &bh);
                stats.over(&round, end - now, &bh);
                // Rounds that were missed are not made up for, and no round takes more than
                // half of the time.
                let next = (next + interval).max(end + (end - now));
                stats.next.set_relaxed(next as usize);
            }
            drop(bh);
            sockets.end_dead();
            if over {
                return;
            }
            if !thread.rest() {
                return;
            }
        }
    }
}
