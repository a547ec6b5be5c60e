// SPDX-License-Identifier: GPL-2.0

//! The list of those that are half open, the oldest first.

use super::room::Room;
use super::table::Table;
use super::Conn;

impl<R: Room> Table<R> {
    pub(super) fn list(&mut self, at: usize) {
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

    pub(super) fn unlist(&mut self, at: usize) {
        let Some(conn) = self.get_mut(at) else {
            return;
        };
        let (older, newer) = (conn.older, conn.newer);
        (conn.older, conn.newer) = (0, 0);
        self.join(older, newer);
        self.join_back(newer, older);
    }

    /// After a record has come to this place.
    pub(super) fn relist(&mut self, at: usize) {
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
