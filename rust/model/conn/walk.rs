// SPDX-License-Identifier: GPL-2.0

//! Going through a table to forget what is idle for too long.
//!
//! In slices, so that packets need not wait; meanwhile they may change the table. A record that
//! is forgotten gives its place to the last one, which a walk from the end has seen before, and
//! what is new is at the end and not yet due.

use super::room::Room;
use super::state::Timeouts;
use super::table::earlier;
use super::{is_before, Conn, Ms, Table};

/// Where a walk through one table is.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// Records from here on have been looked at.
    at: usize,
    due: Option<Ms>,
    /// The number of this walk.
    number: u16,
    epoch: u16,
}

/// What is to be done about a record that is not forgotten for being idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Nothing, until it is due.
    Keep,
    /// Nothing, but look at it again at this moment, or before.
    Until(Ms),
    /// Forget it.
    Forget,
}

/// What a slice did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Records looked at.
    pub walked: u32,
    /// Those of them that were forgotten.
    pub expired: u32,
    /// The walk is over.
    pub over: bool,
}

impl<R: Room> Table<R> {
    /// Whether a walk now may find something to do. `epoch` tells timeouts from those before.
    #[inline]
    pub fn is_due_at(&self, now: Ms, epoch: u16) -> bool {
        self.due
            .is_some_and(|due| !is_before(now, due) || self.epoch != epoch)
    }

    /// Begins a walk by the timeouts of an epoch.
    pub fn begin_walk(&mut self, epoch: u16) -> Walk {
        self.fresh = None;
        self.walks = self.walks.wrapping_add(1);
        Walk {
            at: self.len(),
            due: None,
            number: self.walks,
            epoch,
        }
    }

    /// Goes on with it, for at most so many records: forgets those that are idle for too long,
    /// and asks `visit` about all others. If another walk has begun meanwhile, because the
    /// table was elsewhere, it is over.
    pub fn walk(
        &mut self,
        walk: &mut Walk,
        most: u32,
        now: Ms,
        timeouts: &Timeouts,
        mut visit: impl FnMut(&mut Conn) -> Visit,
    ) -> Slice {
        let mut slice = Slice::default();
        if walk.number != self.walks {
            slice.over = true;
            return slice;
        }
        walk.at = walk.at.min(self.len());
        while slice.walked < most {
            let Some(at) = walk.at.checked_sub(1) else {
                break;
            };
            walk.at = at;
            slice.walked += 1;
            let Some(conn) = self.get_mut(at) else {
                break;
            };
            let end = conn.seen.wrapping_add(timeouts.of(conn.state));
            let forget = !is_before(now, end);
            let visited = if forget { Visit::Forget } else { visit(conn) };
            match visited {
                Visit::Keep => walk.due = earlier(walk.due, end),
                Visit::Until(then) => walk.due = earlier(earlier(walk.due, end), then),
                Visit::Forget => {
                    self.remove(at);
                    slice.expired += 1;
                }
            }
        }
        slice.over = walk.at == 0;
        if slice.over {
            self.shrink();
            self.epoch = walk.epoch;
            self.due = match (walk.due, self.fresh) {
                (Some(due), Some(fresh)) => earlier(Some(due), fresh),
                (due, fresh) => due.or(fresh),
            };
        }
        slice
    }
}
