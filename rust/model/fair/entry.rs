// SPDX-License-Identifier: GPL-2.0

//! Connections and buckets, which are queued in the same way on their two levels.

use super::list::{Links, Which, NONE};
use super::rounds::{In, Rounds};
use super::Fifo;

/// What connections and buckets have in common.
#[derive(Debug)]
pub(super) struct Node {
    /// Hash of the connection, or number of the bucket.
    pub(super) key: u32,
    /// Bytes it may send before it yields; see [`super::rounds`].
    pub(super) deficit: i32,
    /// Of a connection: its bucket's entry.
    pub(super) of: u16,
    /// The next in the same chain of the hash table, or in the list of free entries.
    pub(super) chain: u16,
    round: Links,
    size: Links,
    /// Which list `round` belongs to.
    pub(super) list: In,
}

impl Node {
    pub(super) fn new(of: u16, key: u32, deficit: i32, chain: u16) -> Self {
        Self {
            key,
            deficit,
            of,
            chain,
            round: Links::OUT,
            size: Links::OUT,
            list: In::Neither,
        }
    }

    #[inline]
    pub(super) fn links(&self, which: Which) -> &Links {
        match which {
            Which::Round => &self.round,
            Which::Size => &self.size,
        }
    }

    #[inline]
    pub(super) fn links_mut(&mut self, which: Which) -> &mut Links {
        match which {
            Which::Round => &mut self.round,
            Which::Size => &mut self.size,
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new(NONE, 0, 0, NONE)
    }
}

/// A connection or a bucket.
pub(super) trait Entry: Default {
    fn node(&self) -> &Node;
    fn node_mut(&mut self) -> &mut Node;
    /// Whether it has no packet.
    fn is_empty(&self) -> bool;
}

/// Place for a connection. The queue makes of it what it needs.
#[derive(Debug, Default)]
pub struct Flow<F> {
    pub(super) packets: F,
    node: Node,
    /// Sum over its packets, in bytes; 0 if and only if there is none.
    pub(super) memory: u32,
    /// How many packets it has.
    pub(super) len: u16,
    /// Not known to have sent before these.
    pub(super) stranger: bool,
}

/// Place for a bucket.
#[derive(Debug, Default)]
pub struct Bucket {
    node: Node,
    /// Its connections; all that have an entry.
    pub(super) rounds: Rounds,
    /// How many packets it has.
    pub(super) len: u16,
}

impl Bucket {
    /// Not in the rounds, though it has an entry.
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.node.list == In::Neither
    }
}

impl<F: Fifo> Entry for Flow<F> {
    #[inline]
    fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    fn node_mut(&mut self) -> &mut Node {
        &mut self.node
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.memory == 0
    }
}

impl Entry for Bucket {
    #[inline]
    fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    fn node_mut(&mut self) -> &mut Node {
        &mut self.node
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.len == 0
    }
}
