// SPDX-License-Identifier: GPL-2.0

//! Lists whose links are in the entries of a slice: 16-bit indices, both ways, so that
//! an entry leaves from the middle at once.

use super::entry::Entry;

/// No entry. Not the index of one either: a pool has at most 32,768.
pub(super) const NONE: u16 = u16::MAX;

/// An entry's neighbours in one list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    prev: u16,
    next: u16,
}

impl Links {
    /// Of an entry that is in no list.
    pub(super) const OUT: Self = Self {
        prev: NONE,
        next: NONE,
    };
}

/// An entry is in two lists at a time: which of them is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// Of those that get turns.
    Round,
    /// Of those of about the same size.
    Size,
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    head: u16,
    tail: u16,
}

#[inline]
fn links<E: Entry>(entries: &mut [E], which: Which, at: u16) -> Option<&mut Links> {
    entries
        .get_mut(usize::from(at))
        .map(|entry| entry.node_mut().links_mut(which))
}

impl List {
    /// Nothing in it.
    pub(super) const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
    };

    /// The first entry, [`NONE`] if there is none.
    #[inline]
    pub(super) fn first(&self) -> u16 {
        self.head
    }

    /// The last entry, [`NONE`] if there is none.
    #[inline]
    pub(super) fn last(&self) -> u16 {
        self.tail
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Whether it has exactly one entry.
    #[inline]
    pub(super) fn is_single(&self) -> bool {
        self.head == self.tail && self.head != NONE
    }

    /// Puts `at` behind all others.
    #[inline]
    pub(super) fn push<E: Entry>(&mut self, entries: &mut [E], which: Which, at: u16) {
        let prev = self.tail;
        if let Some(own) = links(entries, which, at) {
            *own = Links { prev, next: NONE };
            self.tail = at;
            match links(entries, which, prev) {
                Some(before) => before.next = at,
                None => self.head = at,
            }
        }
    }

    /// Takes `at`, which must be in this list, out of it.
    #[inline]
    pub(super) fn remove<E: Entry>(&mut self, entries: &mut [E], which: Which, at: u16) {
        let Some(own) = links(entries, which, at) else {
            return;
        };
        let Links { prev, next } = core::mem::replace(own, Links::OUT);
        match links(entries, which, prev) {
            Some(before) => before.next = next,
            None => self.head = next,
        }
        match links(entries, which, next) {
            Some(behind) => behind.prev = prev,
            None => self.tail = prev,
        }
    }

    /// The entry behind `at`, [`NONE`] if it is the last.
    #[inline]
    pub(super) fn behind<E: Entry>(entries: &[E], which: Which, at: u16) -> u16 {
        entries
            .get(usize::from(at))
            .map_or(NONE, |entry| entry.node().links(which).next)
    }
}
