// SPDX-License-Identifier: GPL-2.0

//! The connections that get the most packets.

use crate::conns::{self, Conn, End};
use crate::error::Result;
use crate::root::Root;
use std::collections::HashMap;

/// How many connections are looked at: with a million, reading them would be a load itself.
const MOST: usize = 20_000;

/// How many are shown at most.
const SHOWN: usize = 50;

/// What tells connections apart.
type Key = (String, End, End, u64);

/// Connections as they were read.
#[derive(Debug, Default)]
pub(super) struct Listed {
    conns: HashMap<Key, Conn>,
    /// The bucket in which reading ended, if there were more.
    end: Option<u32>,
}

impl Listed {
    /// Reads the first ones.
    pub(super) fn read(root: &Root) -> Result<Self> {
        let mut listed = Self::default();
        let mut left = MOST;
        for conn in conns::read(root)?.take(MOST) {
            let conn = conn?;
            left -= 1;
            listed.end = (left == 0).then_some(conn.bucket);
            let key = (conn.proto.clone(), conn.first, conn.other, conn.netns);
            listed.conns.insert(key, conn);
        }
        Ok(listed)
    }

    /// Packets and bytes that a connection had then. `None`: it was not read, but may have been
    /// there.
    fn before(&self, key: &Key, bucket: u32) -> Option<(u64, u64)> {
        match self.conns.get(key) {
            Some(conn) => Some((conn.packets, conn.bytes)),
            None if self.end.is_some_and(|end| bucket >= end) => None,
            None => Some((0, 0)),
        }
    }
}

/// A connection with its rates.
#[derive(Clone, Debug)]
pub(super) struct Hot {
    /// It.
    pub(super) conn: Conn,
    /// Packets per second.
    pub(super) packets: f64,
    /// Bytes per second.
    pub(super) bytes: f64,
}

/// Those with the most packets between two readings, the most first.
pub(super) fn hottest(old: &Listed, new: &Listed, seconds: f64) -> Vec<Hot> {
    let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
    let mut all: Vec<Hot> = (new.conns.iter())
        .filter_map(|(key, conn)| {
            let before = old.before(key, conn.bucket)?;
            (conn.packets != before.0).then(|| Hot {
                packets: rate(conn.packets, before.0),
                bytes: rate(conn.bytes, before.1),
                conn: conn.clone(),
            })
        })
        .collect();
    all.sort_by(|a, b| b.packets.total_cmp(&a.packets));
    all.truncate(SHOWN);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn what_was_not_read_before_has_no_rate() {
        let machine = Machine::captured();
        let new = Listed::read(&machine.root()).unwrap();
        assert!(new.end.is_none() && new.conns.len() >= 14);
        // All of them are new, or some could not be seen.
        let mut old = Listed::default();
        assert_eq!(hottest(&old, &new, 1.0).len(), SHOWN.min(new.conns.len()));
        old.end = Some(17);
        let found = hottest(&old, &new, 1.0);
        assert!(found.iter().all(|hot| hot.conn.bucket < 17));
        let seen = new.conns.values().filter(|conn| conn.bucket < 17);
        assert_eq!(found.len(), SHOWN.min(seen.count()));
        // Nothing has come since.
        assert!(hottest(&new, &new, 1.0).is_empty());
    }
}
