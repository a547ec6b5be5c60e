// SPDX-License-Identifier: GPL-2.0

//! What `top` shows: the machine at two moments, and the moves seen since it began.

use super::hottest::{hottest, Hot, Listed};
use crate::error::Result;
use crate::map::Map;
use crate::root::Root;
use crate::snapshot::{Rates, Snapshot};
use crate::summary::Balance;
use std::collections::VecDeque;

/// How many moves are remembered.
const MOVES: usize = 100;

/// A bucket that has another owner than at the refresh before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The bucket.
    pub(super) bucket: usize,
    /// Its CPU before.
    pub(super) from: u32,
    /// Its CPU now.
    pub(super) to: u32,
}

/// What is shown.
#[derive(Debug)]
pub(super) struct View {
    /// Whether it is on, the policy and the hash, in words.
    pub(super) settings: String,
    /// All CPUs.
    pub(super) snapshot: Snapshot,
    /// What they did since the refresh before.
    pub(super) rates: Vec<Rates>,
    /// Packets dropped per second.
    pub(super) drops: f64,
    /// Who owns which bucket.
    pub(super) map: Map,
    /// Load of each bucket, in nanoseconds per second.
    pub(super) loads: Vec<u64>,
    /// The balancer's figures.
    pub(super) balance: Balance,
    /// The latest moves, the last first.
    pub(super) moves: VecDeque<Moved>,
    /// Connections with the most packets since the refresh before.
    pub(super) hottest: Vec<Hot>,
    /// All connections as they were read.
    listed: Listed,
}

impl View {
    /// The first one, without rates.
    pub(super) fn new(root: &Root) -> Result<Self> {
        let snapshot = Snapshot::take(root)?;
        Ok(Self {
            settings: settings(root)?,
            rates: snapshot.rates_since(&snapshot),
            drops: 0.0,
            snapshot,
            map: Map::read(root)?,
            loads: loads(root)?,
            balance: Balance::read(root)?,
            moves: VecDeque::new(),
            hottest: Vec::new(),
            listed: Listed::read(root)?,
        })
    }

    /// Reads everything anew. After an error all is as it was.
    pub(super) fn refresh(&mut self, root: &Root) -> Result {
        let mut new = Self::new(root)?;
        let seconds = new.snapshot.seconds_since(&self.snapshot);
        new.rates = new.snapshot.rates_since(&self.snapshot);
        new.drops = new.snapshot.drops().saturating_sub(self.snapshot.drops()) as f64 / seconds;
        new.hottest = hottest(&self.listed, &new.listed, seconds);
        new.moves = std::mem::take(&mut self.moves);
        for moved in moved(&self.map, &new.map) {
            new.moves.push_front(moved);
        }
        new.moves.truncate(MOVES);
        *self = new;
        Ok(())
    }
}

fn settings(root: &Root) -> Result<String> {
    let on = if root.read("enabled")? == "1" {
        "on"
    } else {
        "off"
    };
    Ok(format!(
        "flowbucket is {on}, policy {}, hash {}",
        root.read("policy")?,
        root.read("hash")?
    ))
}

fn loads(root: &Root) -> Result<Vec<u64>> {
    let rows = root.rows::<5>("balance/loads")?;
    Ok(rows.iter().map(|[.., load]| *load).collect())
}

/// Which buckets have other owners. After a change of their number they are other buckets.
fn moved(old: &Map, new: &Map) -> Vec<Moved> {
    if old.owners.len() != new.owners.len() {
        return Vec::new();
    }
    let pairs = old.owners.iter().zip(&new.owners).enumerate();
    pairs
        .filter(|(_, (from, to))| from != to)
        .map(|(bucket, (&from, &to))| Moved { bucket, from, to })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_differences_of_maps() {
        let map = |owners: &[u32]| Map {
            owners: owners.to_vec(),
        };
        let found = moved(&map(&[0, 0, 1, 1]), &map(&[0, 2, 1, 0]));
        let wanted = [(1, 0, 2), (3, 1, 0)].map(|(bucket, from, to)| Moved { bucket, from, to });
        assert_eq!(found, wanted);
        assert_eq!(moved(&map(&[0, 0]), &map(&[1, 1, 1])), []);
    }
}
