// SPDX-License-Identifier: GPL-2.0

//! Tables on the host, and packets for them.

use crate::host::Host;
use flowbucket_model::conn::state::Says;
use flowbucket_model::conn::{Key, Ms, Seen, State, Table, Timeouts, Tracked};
use flowbucket_model::packet::{Flow, FlowKey};

/// What a table is asked to do; by the real one, or by one that is wrong.
pub(crate) trait Tracker {
    fn track(&mut self, seen: &Seen, now: Ms, room: bool) -> Tracked;
    /// Forgets what is idle, so many records at a time; returns how many were forgotten.
    fn expire(&mut self, now: Ms, most: u32) -> u32;
    fn conns(&self) -> Vec<flowbucket_model::conn::Conn>;
    fn counts(&self) -> [u16; State::COUNT];
}

/// In milliseconds, short enough for tests.
pub(crate) const TIMEOUTS: Timeouts = Timeouts([60, 1000, 120, 70, 10, 150, 300]);

#[derive(Default)]
pub(crate) struct Real(pub(crate) Table<Host>);

impl Tracker for Real {
    fn track(&mut self, seen: &Seen, now: Ms, room: bool) -> Tracked {
        self.0.track(seen, now, |state| TIMEOUTS.of(state), || room)
    }

    fn expire(&mut self, now: Ms, most: u32) -> u32 {
        let mut expired = 0;
        if !self.0.is_due_at(now, 0) {
            return 0;
        }
        let mut walk = self.0.begin_walk(0);
        loop {
            let keep = |_: &mut _| flowbucket_model::conn::walk::Visit::Keep;
            let slice = self.0.walk(&mut walk, most, now, &TIMEOUTS, keep);
            expired += slice.expired;
            if slice.over {
                return expired;
            }
        }
    }

    fn conns(&self) -> Vec<flowbucket_model::conn::Conn> {
        (0..self.0.len())
            .map(|at| *self.0.get(at).expect("below len"))
            .collect()
    }

    fn counts(&self) -> [u16; State::COUNT] {
        *self.0.counts()
    }
}

/// A hash of the 4-tuple that puts many into few chains.
pub(crate) fn hash(from: u32, to: u32) -> u32 {
    ((from ^ to) % 4096) << 12
}

/// A packet of the connection between two addresses.
pub(crate) fn packet(from: u32, to: u32, proto: u8, says: Says) -> Seen {
    let flow = Flow {
        src: from,
        dst: to,
        sport: 1,
        dport: 1,
        proto,
        ported: true,
    };
    let (key, down) = Key::of(&FlowKey::V4(flow));
    Seen {
        key,
        down,
        says,
        hash: hash(from, to),
        len: 40,
        net: 1,
        interface: 2,
    }
}

/// Of TCP.
pub(crate) fn tcp(from: u32, to: u32, flags: u8) -> Seen {
    packet(from, to, 6, Says::Tcp(flags))
}
