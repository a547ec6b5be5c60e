// SPDX-License-Identifier: GPL-2.0

//! The same by the book: a map, and a walk through all of it.

use crate::world::{Tracker, TIMEOUTS};
use flowbucket_model::conn::{Conn, Key, Ms, Seen, State, Tracked};
use std::collections::HashMap;

#[derive(Clone, Debug)]
struct Entry {
    conn: (u64, u64, Ms),
    born: u64,
    state: State,
    hash: u32,
}

/// Follows what a tracker says, and complains.
#[derive(Default)]
pub(crate) struct Reference {
    entries: HashMap<(Key, u32), Entry>,
    clock: u64,
}

impl Reference {
    /// A packet, and what became of it.
    pub(crate) fn packet(
        &mut self,
        seen: &Seen,
        now: Ms,
        room: bool,
        got: Tracked,
    ) -> Result<(), String> {
        self.clock += 1;
        let id = (seen.key, seen.net);
        if let Some(entry) = self.entries.get_mut(&id) {
            let Tracked::Known(was, is) = got else {
                return Err(format!("{got:?} for one that is known"));
            };
            if was != entry.state {
                return Err(format!("was {was:?}, not {:?}", entry.state));
            }
            if is == State::HalfOpen && was != is {
                entry.born = self.clock;
            }
            entry.state = is;
            entry.conn = (entry.conn.0 + 1, entry.conn.1 + u64::from(seen.len), now);
            return Ok(());
        }
        let half_open = (self.entries.iter()).filter(|(_, entry)| entry.state == State::HalfOpen);
        let oldest = half_open
            .min_by_key(|(_, entry)| entry.born)
            .map(|(id, _)| *id);
        let state = match (got, room, oldest) {
            (Tracked::New(state), true, _) => state,
            (Tracked::Instead(state), false, Some(oldest)) => {
                self.entries.remove(&oldest);
                state
            }
            (Tracked::Full, false, None) => return Ok(()),
            _ => {
                return Err(format!(
                    "{got:?} for a new one, room: {room}, oldest: {oldest:?}"
                ))
            }
        };
        let entry = Entry {
            conn: (1, seen.len.into(), now),
            born: self.clock,
            state,
            hash: seen.hash,
        };
        self.entries.insert(id, entry);
        Ok(())
    }

    /// Time for what is idle to be forgotten.
    pub(crate) fn expire(&mut self, now: Ms, got: u32) -> Result<(), String> {
        let before = self.entries.len();
        self.entries
            .retain(|_, entry| now.wrapping_sub(entry.conn.2) < TIMEOUTS.of(entry.state));
        let expired = before - self.entries.len();
        if expired != got as usize {
            return Err(format!("{got} forgotten instead of {expired}"));
        }
        Ok(())
    }

    /// Both have the same.
    pub(crate) fn compare(&self, tracker: &dyn Tracker) -> Result<(), String> {
        let conns = tracker.conns();
        if conns.len() != self.entries.len() {
            return Err(format!(
                "{} records, not {}",
                conns.len(),
                self.entries.len()
            ));
        }
        for conn in &conns {
            let found = self.entries.get(&(conn.key, conn.net));
            let entry = found.ok_or_else(|| format!("{conn:?} should not be"))?;
            let has = |conn: &Conn| (conn.packets, conn.bytes, conn.seen);
            if has(conn) != entry.conn || conn.state() != entry.state || conn.hash() != entry.hash {
                return Err(format!("{conn:?}, not {entry:?}"));
            }
        }
        let counts = tracker.counts();
        for state in State::ALL {
            let own = self.entries.values().filter(|entry| entry.state == state);
            if own.count() != usize::from(counts[state as usize]) {
                return Err(format!("{} counted of {state:?}", counts[state as usize]));
            }
        }
        Ok(())
    }
}
