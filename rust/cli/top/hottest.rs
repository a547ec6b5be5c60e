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
#[derive(Debug)]
pub(super) struct Listed(HashMap<Key, Conn>);

impl Listed {
    /// Reads the first ones.
    pub(super) fn read(root: &Root) -> Result<Self> {
        let conns = conns::read(root)?.take(MOST).map(|conn| {
            conn.map(|conn| {
                (
                    (conn.proto.clone(), conn.first, conn.other, conn.netns),
                    conn,
                )
            })
        });
        Ok(Self(conns.collect::<Result<_>>()?))
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
    let mut all: Vec<Hot> = (new.0.iter())
        .filter_map(|(key, conn)| {
            let before = old
                .0
                .get(key)
                .map_or((0, 0), |conn| (conn.packets, conn.bytes));
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
