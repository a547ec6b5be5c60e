// SPDX-License-Identifier: GPL-2.0

//! Finding records: chains, the heads of which are split one at a time.

use super::room::{Growing, Room};
use super::table::{piece, split, Table};
use super::{Conn, Seen, State};

/// How far a chain is followed. With a hash that nobody can choose, chains are short; with
/// others an attacker can make long ones.
const FAR: usize = 32;

const HEADS: usize = 8;

/// The hash has 16 bits for them.
const MOST_HEADS: usize = 1 << 16;

impl<R: Room> Table<R> {
    /// The head of a hash. The bucket is its low bits, so those do not tell.
    #[inline]
    pub(super) fn head(&self, hash: u32) -> Option<usize> {
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
    pub(super) fn find(&self, seen: &Seen) -> Result<Option<usize>, ()> {
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
    pub(super) fn chain(&mut self, at: usize) {
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
    pub(super) fn repoint(&mut self, hash: u32, from: usize, to: u16) {
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

    /// How many heads there are to be: four for each record. Then seven of eight are the first of
    /// their chain, and no other is looked at on the way.
    fn wanted(&self) -> usize {
        (4 * self.len()).clamp(HEADS, MOST_HEADS)
    }

    /// Adds heads as far as they are wanted, or until there is no memory. Each splits a chain.
    pub(super) fn grow(&mut self) {
        while self.heads.len() < self.wanted() {
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

    /// Gives back what many more records have needed.
    pub(super) fn shrink(&mut self) {
        let wanted = self.wanted();
        if self.heads.len() <= 4 * wanted {
            return;
        }
        let (mut heads, mut pieces) = (R::Vec::default(), R::Vec::default());
        // As much as is put into them, so that nothing fails on the way.
        if !heads.reserve(wanted) || !pieces.reserve(self.pieces.len()) {
            return;
        }
        core::mem::swap(&mut heads, &mut self.heads);
        self.grow();
        for at in 0..self.len() {
            self.chain(at);
        }
        while let Some(piece) = self.pieces.pop() {
            pieces.push(piece);
        }
        pieces.reverse();
        self.pieces = pieces;
    }

    /// Adds a record. False if there is no memory.
    pub(super) fn push(&mut self, conn: Conn) -> bool {
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
    pub(super) fn trim(&mut self) {
        if self.pieces.last().is_some_and(|piece| piece.is_empty()) {
            self.pieces.pop();
        }
    }
}
