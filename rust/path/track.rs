// SPDX-License-Identifier: GPL-2.0

//! What becomes of a packet's connection when the packet goes on, and the operator's part in it.

use super::lane::Lane;
use super::limits::Limit;
use super::table::Table;
use crate::kapi::{bh::BhOff, netdev::Device};
use crate::model::{
    conn::{Ms, Seen, State, Timeouts, Tracked},
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
    /// Counts changes of timeouts.
    epoch: Word,
}

/// A tenth of what a clock of milliseconds in 32 bits can tell apart, more or less.
const LONGEST: u32 = 10 * 86_400;

impl Tracking {
    /// The defaults.
    pub(super) fn new() -> Self {
        Self {
            on: Word::new(1),
            max: Limit::new(1 << 20, 1, 1 << 26),
            timeouts: State::ALL.map(|state| Limit::new(state.default_timeout(), 1, LONGEST)),
            epoch: Word::new(0),
        }
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

    /// The same in milliseconds.
    #[inline]
    pub(super) fn timeout(&self, state: State) -> Ms {
        1000 * self.seconds(state)
    }

    /// All of them.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts(State::ALL.map(|state| self.timeout(state)))
    }

    /// Sets one, in seconds. Errors: `ERANGE`.
    pub(super) fn set_timeout(&self, state: State, seconds: u32) -> Result {
        self.timeouts
            .get(state as usize)
            .ok_or(EINVAL)?
            .set(seconds)?;
        self.epoch.set_release(self.epoch.relaxed().wrapping_add(1));
        Ok(())
    }

    /// Which timeouts are in use.
    pub(super) fn epoch(&self) -> u16 {
        self.epoch.acquire() as u16
    }

    /// A packet of a bucket that this CPU owns goes on.
    #[inline]
    pub(super) fn packet(
        &self,
        (table, bucket): (&Table, usize),
        (family, packet): (Family, &impl Bytes),
        (device, hash, len): (&Device, u32, u32),
        now: Ms,
        lane: &Lane,
        bh: &BhOff,
    ) {
        let Some(seen) = Seen::parse(family, packet) else {
            return;
        };
        let seen = Seen {
            hash,
            len,
            net: device.net_number(),
            interface: device.index(),
            ..seen
        };
        let timers = &lane.timers;
        match table.conns.track(bucket, &seen, now, self, bh) {
            Some(Tracked::Known(..)) => {}
            Some(Tracked::New(_)) => timers.added.add(1, bh),
            Some(Tracked::Instead(_)) => {
                timers.added.add(1, bh);
                timers.evicted.add(1, bh);
            }
            Some(Tracked::Full) | None => timers.untracked.add(1, bh),
        }
    }
}
