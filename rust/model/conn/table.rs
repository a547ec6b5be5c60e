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

/// How far a chain is followed. With a hash that nobody can choose, chains are short; with
/// others an attacker can make long ones.
const FAR: usize = 32;

/// Records in the first pieces, the second, and all others: what fits into the kernel's objects
/// of 512, 1,024 and 2,048 bytes.
const FIRST: usize = 5;
const SECOND: usize = 11;
const PIECE: usize = 23;

const HEADS: usize = 8;

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
    heads: R::Vec<u16>,
    pieces: R::Vec<R::Vec<Conn>>,
    len: u16,
    /// Of those that are half open, places plus 1.
    oldest: u16,
    newest: u16,
    counts: [u16; State::COUNT],
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
const fn split(at: usize) -> (usize, usize) {
    if at < FIRST {
        (0, at)
    } else if at < FIRST + SECOND {
        (1, at - FIRST)
    } else {
        let rest = at - FIRST - SECOND;
        (2 + rest / PIECE, rest % PIECE)
    }
}

const fn piece(at: usize) -> usize {
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
    fn linked(&mut self, link: u16) -> Option<&mut Conn> {
        self.get_mut(usize::from(link).checked_sub(1)?)
    }

    /// A packet of the bucket goes on. `timeout` is that of a state, and `room` is asked whether
    /// one more connection may be tracked in all.
    #[inline]
    pub fn track(
        &mut self,
        seen: &Seen,
        now: Ms,
        timeout: impl Fn(State) -> Ms,
        room: impl FnOnce() -> bool,
    ) -> Tracked {
        match self.find(seen) {
            Ok(Some(at)) => self.update(at, seen, now, timeout),
            Ok(None) => self.add(seen, now, timeout, room),
            Err(()) => Tracked::Full,
        }
    }

    #[inline]
    fn update(
        &mut self,
        at: usize,
        seen: &Seen,
        now: Ms,
        timeout: impl Fn(State) -> Ms,
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
            self.is_due(now.wrapping_add(timeout(is)));
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

    fn count(&mut self, state: State, by: i16) {
        if let Some(count) = self.counts.get_mut(state as usize) {
            *count = count.wrapping_add_signed(by);
        }
    }

    /// A record may be forgotten at this moment.
    pub(super) fn is_due(&mut self, at: Ms) {
        self.due = earlier(self.due, at);
        self.fresh = earlier(self.fresh, at);
    }

    #[cold]
    fn add(
        &mut self,
        seen: &Seen,
        now: Ms,
        timeout: impl Fn(State) -> Ms,
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
        self.is_due(now.wrapping_add(timeout(state)));
        match instead {
            true => Tracked::Instead(state),
            false => Tracked::New(state),
        }
    }
}

/// Chains.
impl<R: Room> Table<R> {
    /// The head of a hash. The bucket is its low bits, so those do not tell.
    #[inline]
    fn head(&self, hash: u32) -> Option<usize> {
        let count = self.heads.len();
        let all = count.checked_next_power_of_two().filter(|_| count > 0)?;
        let mixed = (hash.wrapping_mul(0x9e37_79b1) >> 16) as usize;
        let at = mixed & (all - 1);
        Some(if at < count { at } else { at & (all / 2 - 1) })
    }

    /// The first record in the chain of a hash, most often the only one: to be brought into the
    /// cache. Looks at none.
    #[inline]
    pub fn likely(&self, hash: u32) -> Option<&Conn> {
        let first = *self.heads.get(self.head(hash)?)?;
        self.get(usize::from(first).checked_sub(1)?)
    }

    /// The place of a packet's connection. Fails if it would take too long.
    #[inline]
    fn find(&self, seen: &Seen) -> Result<Option<usize>, ()> {
        let head = self.head(seen.hash).and_then(|head| self.heads.get(head));
        let mut link = head.copied().unwrap_or(0);
        for _ in 0..FAR {
            let Some(at) = usize::from(link).checked_sub(1) else {
                return Ok(None);
            };
            let Some(conn) = self.get(at) else {
                return Err(());
            };
            if conn.hash == seen.hash && conn.key == seen.key && conn.net == seen.net {
                return Ok(Some(at));
            }
            link = conn.next;
        }
        Err(())
    }

    /// Puts a record at the front of its chain, whose place is this.
    fn chain(&mut self, at: usize) {
        let hash = self.get(at).map_or(0, |conn| conn.hash);
        let head = self.head(hash);
        let Some(head) = head.and_then(|head| self.heads.get_mut(head)) else {
            return;
        };
        let next = core::mem::replace(head, at as u16 + 1);
        if let Some(conn) = self.get_mut(at) {
            conn.next = next;
        }
    }

    /// Lets whatever points to a place in a record's chain point to another one.
    fn repoint(&mut self, hash: u32, from: usize, to: u16) {
        let from = from as u16 + 1;
        let Some(head) = self.head(hash).and_then(|head| self.heads.get_mut(head)) else {
            return;
        };
        if *head == from {
            *head = to;
            return;
        }
        let mut link = *head;
        while let Some(conn) = self.linked(link) {
            if conn.next == from {
                conn.next = to;
                return;
            }
            link = conn.next;
        }
    }

    /// Adds heads until there are four for each record, or no memory: then seven of eight records
    /// are the first of their chain, and no other is looked at on the way. Each splits a chain.
    fn grow(&mut self) {
        while self.heads.len() < HEADS || self.heads.len() / 4 < self.len() {
            let new = self.heads.len();
            if !self.heads.push(0) {
                return;
            }
            if new == 0 {
                continue;
            }
            let all = (new + 1).next_power_of_two();
            let old = new & (all / 2 - 1);
            let mut link = self.heads.get_mut(old).map_or(0, core::mem::take);
            while let Some(at) = usize::from(link).checked_sub(1) {
                link = self.get(at).map_or(0, |conn| conn.next);
                self.chain(at);
            }
        }
    }

    /// Adds a record. False if there is no memory.
    fn push(&mut self, conn: Conn) -> bool {
        let at = self.len();
        let (place, _) = split(at);
        if place == self.pieces.len() {
            let mut new = R::Vec::<Conn>::default();
            if !new.reserve(piece(place)) || !self.pieces.push(new) {
                return false;
            }
        }
        self.grow();
        let pushed = !self.heads.is_empty()
            && self
                .pieces
                .get_mut(place)
                .is_some_and(|piece| piece.push(conn));
        if pushed {
            self.len += 1;
            self.chain(at);
            self.count(conn.state, 1);
            if conn.state == State::HalfOpen {
                self.list(at);
            }
        } else {
            self.trim();
        }
        pushed
    }

    /// Forgets a record. The last one takes its place.
    pub(super) fn remove(&mut self, at: usize) {
        let Some(&Conn {
            hash, next, state, ..
        }) = self.get(at)
        else {
            return;
        };
        self.repoint(hash, at, next);
        if state == State::HalfOpen {
            self.unlist(at);
        }
        self.count(state, -1);
        self.len -= 1;
        let last = self.len();
        let (place, _) = split(last);
        let moved = self.pieces.get_mut(place).and_then(|piece| piece.pop());
        if let (Some(moved), true) = (moved, at != last) {
            self.repoint(moved.hash, last, at as u16 + 1);
            if let Some(conn) = self.get_mut(at) {
                *conn = moved;
            }
            if moved.state == State::HalfOpen {
                self.relist(at);
            }
        }
        self.trim();
    }

    /// Gives back a piece with nothing in it.
    fn trim(&mut self) {
        if self.pieces.last().is_some_and(|piece| piece.is_empty()) {
            self.pieces.pop();
        }
    }
}

/// The list of those that are half open.
impl<R: Room> Table<R> {
    fn list(&mut self, at: usize) {
        let link = at as u16 + 1;
        let older = core::mem::replace(&mut self.newest, link);
        match self.linked(older) {
            Some(conn) => conn.newer = link,
            None => self.oldest = link,
        }
        if let Some(conn) = self.get_mut(at) {
            (conn.older, conn.newer) = (older, 0);
        }
    }

    fn unlist(&mut self, at: usize) {
        let Some(conn) = self.get_mut(at) else {
            return;
        };
        let (older, newer) = (conn.older, conn.newer);
        (conn.older, conn.newer) = (0, 0);
        self.join(older, newer);
        self.join_back(newer, older);
    }

    /// After a record has come to this place.
    fn relist(&mut self, at: usize) {
        let Some(&Conn { older, newer, .. }) = self.get(at) else {
            return;
        };
        let link = at as u16 + 1;
        self.join(older, link);
        self.join_back(newer, link);
    }

    fn join(&mut self, older: u16, to: u16) {
        match self.linked(older) {
            Some(conn) => conn.newer = to,
            None => self.oldest = to,
        }
    }

    fn join_back(&mut self, newer: u16, to: u16) {
        match self.linked(newer) {
            Some(conn) => conn.older = to,
            None => self.newest = to,
        }
    }
}
