// SPDX-License-Identifier: GPL-2.0

//! What becomes of a packet's connection when the packet goes on, and the operator's part in it.

use super::conns::Tracker;
use super::lane::Lane;
use super::limits::Limit;
use super::sockets::Wanted;
use super::table::Table;
use crate::kapi::{bh::BhOff, netdev::Device};
use crate::model::{
    conn::{Ms, Seen, State, Timeouts},
    packet::{Bytes, Family},
    sync::Word,
};
use kernel::prelude::*;

/// What of connections can be chosen.
pub(super) struct Tracking {
    /// 1 while connections are tracked.
    pub(super) on: Word,
    /// How many connections there may be.
    pub(super) max: Limit,
    /// In seconds, by state.
    timeouts: [Limit; State::COUNT],
    /// Keep-alive: seconds of silence before the first probe, 0 for none; between probes; how
    /// many are not answered by a peer that is taken for dead.
    pub(super) keepalive: [Limit; 3],
    /// 1 while delayed acknowledgments are sent by the timer threads.
    pub(super) delayed_acks: Word,
    /// Counts changes of what walks go by.
    epoch: Word,
    /// Numbers of network namespaces that went lately.
    gone: Gone<Word>,
    /// How many have gone.
    went: Word,
}

/// Of so many namespaces the connections are forgotten in the next round. If more go before
/// that, those of others stay until their timeouts.
pub(super) type Gone<T> = [T; 8];

/// A tenth of what a clock of milliseconds in 32 bits can tell apart, more or less.
const LONGEST: u32 = 10 * 86_400;

impl Tracking {
    /// The defaults.
    pub(super) fn new() -> Self {
        Self {
            on: Word::new(1),
            max: Limit::new(1 << 20, 1, 1 << 26),
            timeouts: State::ALL.map(|state| Limit::new(state.default_timeout(), 1, LONGEST)),
            keepalive: [
                Limit::new(0, 0, LONGEST),
                Limit::new(75, 1, 32_767),
                Limit::new(9, 1, 127),
            ],
            delayed_acks: Word::new(0),
            epoch: Word::new(0),
            // No namespace has that number.
            gone: core::array::from_fn(|_| Word::new(0)),
            went: Word::new(0),
        }
    }

    /// What local sockets are to be done for, if a round comes every so many milliseconds.
    pub(super) fn wanted(&self, interval: Ms) -> Wanted {
        let [idle, between, probes] = &self.keepalive;
        Wanted {
            idle: 1000 * idle.get(),
            between: 1000 * between.get(),
            probes: probes.get(),
            acks: match self.delayed_acks.relaxed() {
                0 => 0,
                _ => interval,
            },
        }
    }

    /// Sets one of [`Self::keepalive`]. Errors: `ERANGE`.
    pub(super) fn set_keepalive(&self, which: usize, value: u32) -> Result {
        self.keepalive.get(which).ok_or(EINVAL)?.set(value)?;
        self.begin_epoch();
        Ok(())
    }

    fn begin_epoch(&self) {
        self.epoch.update(|epoch| epoch.wrapping_add(1));
    }

    /// How many connections there may be.
    #[inline]
    pub(super) fn max(&self) -> u32 {
        self.max.get()
    }

    /// After how many seconds without a packet a connection is forgotten.
    pub(super) fn seconds(&self, state: State) -> u32 {
        self.timeouts.get(state as usize).map_or(0, Limit::get)
    }

    /// All of them, in milliseconds.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts(State::ALL.map(|state| 1000 * self.seconds(state)))
    }

    /// After how many milliseconds a thread is to look at a connection that has come to a
    /// state: to forget it, or to probe it.
    pub(super) fn look_after(&self, state: State) -> Ms {
        let [idle, ..] = &self.keepalive;
        let seconds = match (state, idle.get()) {
            (State::Established, idle @ 1..) => idle.min(self.seconds(state)),
            _ => self.seconds(state),
        };
        1000 * seconds
    }

    /// A network namespace has gone: its connections are to be forgotten.
    pub(super) fn namespace_gone(&self, number: u32) {
        let went = self.went.update(|went| went.wrapping_add(1));
        if let Some(slot) = self.gone.get(went % self.gone.len()) {
            slot.set_relaxed(number as usize);
        }
        self.begin_epoch();
    }

    /// Namespaces that went lately.
    pub(super) fn gone(&self) -> Gone<u32> {
        self.gone.each_ref().map(|number| number.relaxed() as u32)
    }

    /// Sets one, in seconds. Errors: `ERANGE`.
    pub(super) fn set_timeout(&self, state: State, seconds: u32) -> Result {
        self.timeouts
            .get(state as usize)
            .ok_or(EINVAL)?
            .set(seconds)?;
        self.begin_epoch();
        Ok(())
    }

    /// Which timeouts are in use.
    pub(super) fn epoch(&self) -> u16 {
        self.epoch.acquire() as u16
    }

    /// What it takes to track a packet of this CPU's.
    #[inline]
    pub(super) fn tracker<'a>(&'a self, lane: &'a Lane, now: Ms) -> Tracker<'a> {
        Tracker {
            tracking: self,
            timers: &lane.timers,
            now,
        }
    }
}

impl Tracker<'_> {
    /// A packet of a bucket that this CPU owns goes on.
    #[inline]
    pub(super) fn packet(
        &self,
        (table, bucket): (&Table, usize),
        (family, packet): (Family, &impl Bytes),
        (device, hash, len): (&Device, u32, u32),
        bh: &BhOff,
    ) {
        if let Some(seen) = Seen::parse(family, packet) {
            let seen = Seen {
                hash,
                len,
                net: device.net_number(),
                interface: device.index(),
                ..seen
            };
            table.conns.track(bucket, &seen, self, bh);
        }
    }
}
