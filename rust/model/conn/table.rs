// SPDX-License-Identifier: GPL-2.0

//! A table of connections.
//!
//! Records lie densely in pieces of about 2 KB, so that a walk goes straight through memory.
//! They are found through chains whose heads are split one at a time as the table grows: W.
//! Litwin, "Linear Hashing: A New Tool for File and Table Addressing", VLDB 1980. So no packet
//! ever waits for a table to be rebuilt.
//!
//! Those that are half open are in a list by age: when the limit on connections is reached, the
//! oldest of the bucket makes way for a new one, and if there is none, the new one is not
//! tracked. So a flood of first packets pushes out nothing but itself.

use super::room::{Growing, Room};
use super::state::{first, State};
use super::{is_before, Conn, Ms, Seen};

/// The most connections in a bucket: places are 16 bits.
pub const MOST: usize = 65_534;

/// Records in the first pieces, the second, and all others: what fits into the kernel's objects
/// of 512, 1,024 and 2,048 bytes.
const FIRST: usize = 5;
const SECOND: usize = 11;
const PIECE: usize = 23;

const _: () = assert!(size_of::<Conn>() <= 88);

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// It is of a connection that was this far before, and is now.
    Known(State, State),
    /// It is the first one of a connection that is this far.
    New(State),
    /// The same, and the oldest half-open one was forgotten for it.
    Instead(State),
    /// There is no room for its connection.
    Full,
}

/// Connections of one bucket.
pub struct Table<R: Room> {
    /// Places of records, plus 1.
    pub(super) heads: R::Vec<u16>,
    pub(super) pieces: R::Vec<R::Vec<Conn>>,
    pub(super) len: u16,
    /// Of those that are half open, places plus 1.
    pub(super) oldest: u16,
    pub(super) newest: u16,
    pub(super) counts: [u16; State::COUNT],
    /// Before this moment no record is forgotten; `None` if there is none.
    pub(super) due: Option<Ms>,
    /// The same of what has changed since a walk began.
    pub(super) fresh: Option<Ms>,
    /// Counts walks that began.
    pub(super) walks: u16,
    /// Which timeouts the last walk that ended went by.
    pub(super) epoch: u16,
}

impl<R: Room> Default for Table<R> {
    fn default() -> Self {
        Self {
            heads: Default::default(),
            pieces: Default::default(),
            len: 0,
            oldest: 0,
            newest: 0,
            counts: [0; State::COUNT],
            due: None,
            fresh: None,
            walks: 0,
            epoch: 0,
        }
    }
}

/// The piece in which a record is, and its place in that.
#[inline]
pub(super) const fn split(at: usize) -> (usize, usize) {
    if at < FIRST {
        (0, at)
    } else if at < FIRST + SECOND {
        (1, at - FIRST)
    } else {
        let rest = at - FIRST - SECOND;
        (2 + rest / PIECE, rest % PIECE)
    }
}

pub(super) const fn piece(at: usize) -> usize {
    match at {
        0 => FIRST,
        1 => SECOND,
        _ => PIECE,
    }
}

/// The earlier of two moments.
#[inline]
pub(super) fn earlier(a: Option<Ms>, b: Ms) -> Option<Ms> {
    Some(a.filter(|&a| !is_before(b, a)).unwrap_or(b))
}

impl<R: Room> Table<R> {
    /// How many connections there are.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many there are, by state.
    pub fn counts(&self) -> &[u16; State::COUNT] {
        &self.counts
    }

    /// Its memory in bytes, but for what the allocator rounds up.
    pub fn memory(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.capacity()).sum();
        size_of::<Self>()
            + self.heads.capacity() * size_of::<u16>()
            + self.pieces.capacity() * size_of::<R::Vec<Conn>>()
            + pieces * size_of::<Conn>()
    }

    /// One by its place, which others may take when a record is forgotten.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&Conn> {
        let (piece, at) = split(at);
        self.pieces.get(piece)?.get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Conn> {
        let (piece, at) = split(at);
        self.pieces.get_mut(piece)?.get_mut(at)
    }

    /// By a place plus 1; `None` for 0.
    #[inline]
    pub(super) fn linked(&mut self, link: u16) -> Option<&mut Conn> {
        self.get_mut(usize::from(link).checked_sub(1)?)
    }

    /// A packet of the bucket goes on. `look_after` tells after how long a connection that has
    /// come to a state is to be looked at, and `room` is asked whether one more may be tracked
    /// in all.
    #[inline]
    pub fn track(
        &mut self,
        seen: &Seen,
        now: Ms,
        look_after: impl Fn(State) -> Ms,
        room: impl FnOnce() -> bool,
    ) -> Tracked {
        match self.find(seen) {
            Ok(Some(at)) => self.update(at, seen, now, look_after),
            Ok(None) => self.add(seen, now, look_after, room),
            Err(()) => Tracked::Full,
        }
    }

    #[inline]
    fn update(
        &mut self,
        at: usize,
        seen: &Seen,
        now: Ms,
        look_after: impl Fn(State) -> Ms,
    ) -> Tracked {
        let Some(conn) = self.get_mut(at) else {
            return Tracked::Full;
        };
        conn.packets += 1;
        conn.bytes += u64::from(seen.len);
        conn.seen = now;
        conn.probes = 0;
        let was = conn.state;
        let is = conn.advance(seen.says, seen.down);
        if was != is {
            self.changed(at, was, is);
            self.set_due(now.wrapping_add(look_after(is)));
        }
        Tracked::Known(was, is)
    }

    #[cold]
    fn changed(&mut self, at: usize, was: State, is: State) {
        self.count(was, -1);
        self.count(is, 1);
        if was == State::HalfOpen {
            self.unlist(at);
        }
        if is == State::HalfOpen {
            self.list(at);
        }
    }

    pub(super) fn count(&mut self, state: State, by: i16) {
        if let Some(count) = self.counts.get_mut(state as usize) {
            *count = count.wrapping_add_signed(by);
        }
    }

    /// A walk may find something to do at this moment.
    pub fn set_due(&mut self, at: Ms) {
        self.due = earlier(self.due, at);
        self.fresh = earlier(self.fresh, at);
    }

    #[cold]
    fn add(
        &mut self,
        seen: &Seen,
        now: Ms,
        look_after: impl Fn(State) -> Ms,
        room: impl FnOnce() -> bool,
    ) -> Tracked {
        let state = first(seen.says);
        let instead = self.len() >= MOST || !room();
        if instead {
            let Some(oldest) = usize::from(self.oldest).checked_sub(1) else {
                return Tracked::Full;
            };
            self.remove(oldest);
        }
        let mut conn = Conn {
            key: seen.key,
            bytes: seen.len.into(),
            packets: 1,
            net: seen.net,
            seen: now,
            hash: seen.hash,
            interface: seen.interface,
            next: 0,
            older: 0,
            newer: 0,
            state,
            flags: 0,
            probes: 0,
            _room: 0,
        };
        conn.begin(seen.down);
        if !self.push(conn) {
            // What was forgotten for it makes the same difference.
            return Tracked::Full;
        }
        self.set_due(now.wrapping_add(look_after(state)));
        match instead {
            true => Tracked::Instead(state),
            false => Tracked::New(state),
        }
    }
}
