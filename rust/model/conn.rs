// SPDX-License-Identifier: GPL-2.0

//! The connections of a bucket.
//!
//! Each bucket has a table of its own ([`table`]), which goes with it from CPU to CPU. Only its
//! owner looks into it, with bottom halves off: no lock, no reference count, and a record is
//! plain data. A packet finds its record by [`Key`]; both directions of a connection have the
//! same, so that one record has both if the hash puts both into one bucket. A host sees only
//! what its peers send, and a record does with that ([`state`]).
//!
//! What is idle for too long is forgotten by a [`walk`].

mod chain;
mod half_open;
pub mod key;
pub mod room;
pub mod seen;
pub mod state;
pub mod table;
pub mod walk;

pub use key::Key;
pub use seen::Seen;
pub use state::{State, Timeouts};
pub use table::{Table, Tracked};

/// A moment: milliseconds of a clock that wraps. Moments half a round apart, 24 days, cannot be
/// told apart from those before.
pub type Ms = u32;

/// Whether `a` is before `b`.
#[inline]
pub const fn is_before(a: Ms, b: Ms) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Conn {
    /// Addresses, ports, protocol.
    pub key: Key,
    /// Bytes received, from the network header on, in both directions.
    pub bytes: u64,
    /// Packets received.
    pub packets: u64,
    /// The network namespace's number: the same addresses may be in use in several.
    pub net: u32,
    /// When the last packet was received.
    pub seen: Ms,
    /// The hash by which it is in the bucket.
    hash: u32,
    /// The interface by which its first packet came.
    pub interface: u32,
    /// Places in the table, plus 1: the next record of the same chain, and the neighbours
    /// among those that are half open.
    next: u16,
    older: u16,
    newer: u16,
    state: State,
    /// What has happened; see [`state`].
    flags: u8,
    /// Keep-alive probes sent since `seen`.
    pub probes: u8,
    /// For a record of address translation, to come.
    pub _room: u32,
}

impl Conn {
    /// How far it is.
    #[inline]
    pub fn state(&self) -> State {
        self.state
    }

    /// The hash by which it is in the bucket.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// Whether the side whose address and port come first in [`Key`] sent the first packet.
    pub fn first_is_low(&self) -> bool {
        self.flags & state::HIGH_FIRST == 0
    }
}
