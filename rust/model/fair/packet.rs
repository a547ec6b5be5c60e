// SPDX-License-Identifier: GPL-2.0

//! What the queue asks of packets and of those who set limits.

use super::rounds::MAX_QUANTUM;

/// What the queue has to know of a packet. The answers must not change.
pub trait Packet {
    /// Hash of its connection.
    fn flow(&self) -> u32;
    /// Its length in bytes, by which turns are measured. 0 counts as 1.
    fn bytes(&self) -> u32;
    /// The memory it occupies in bytes, which is limited. 0 counts as 1.
    fn memory(&self) -> u32;
}

/// A first-in first-out list of packets that it owns.
pub trait Fifo: Default {
    /// What it is a list of.
    type Packet: Packet;
    /// Puts a packet behind all others.
    fn push(&mut self, packet: Self::Packet);
    /// Takes the first out.
    fn pop(&mut self) -> Option<Self::Packet>;
    /// Puts all of `other`, in their order, behind all others.
    fn append(&mut self, other: Self);
    /// Whether there is none.
    fn is_empty(&self) -> bool;
}

/// What an administrator sets. May change from call to call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes per turn, of a bucket and of a connection; from 1 to 1 MB.
    pub quantum: u32,
    /// The most packets; no more than there are entries for connections, whatever
    /// this says.
    pub packets: u32,
    /// The most memory of all packets together, in bytes.
    pub memory: u32,
}

impl Limits {
    #[inline]
    pub(super) fn quantum(&self) -> i32 {
        self.quantum.clamp(1, MAX_QUANTUM) as i32
    }
}

/// How a packet arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its bucket's packets, all of them, must not be run before [`super::FairQueue::release`].
    pub held: bool,
    /// Its connection is known to have sent before: see [`super::known::Known::sent`].
    pub known: bool,
}
