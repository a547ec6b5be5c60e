// SPDX-License-Identifier: GPL-2.0

//! What of a packet matters to its connection.

use super::super::packet::{flow_and_flags, Bytes, Family, FlowKey, UDP, UDP_LITE};
use super::state::Says;
use super::Key;

/// A packet, for [`super::Table::track`].
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its connection.
    pub key: Key,
    /// It goes from the key's higher end to the lower.
    pub down: bool,
    /// What it says about it.
    pub says: Says,
    /// Its hash.
    pub hash: u32,
    /// Its length, from the network header on.
    pub len: u32,
    /// The number of its network namespace.
    pub net: u32,
    /// The interface by which it came.
    pub interface: u32,
}

impl Seen {
    /// From its headers; the rest is 0. `None` if it is of no connection, see
    /// [`flow_and_flags`].
    #[inline]
    pub fn parse<B: Bytes + ?Sized>(family: Family, bytes: &B) -> Option<Self> {
        let (flow, flags) = flow_and_flags(family, bytes)?;
        let (key, down) = Key::of(&flow);
        let ported = match flow {
            FlowKey::V4(flow) => flow.ported,
            FlowKey::V6(flow) => flow.ported,
        };
        let says = match (flags, key.proto()) {
            (Some(flags), _) => Says::Tcp(flags),
            (None, UDP | UDP_LITE) if ported => Says::Udp,
            _ => Says::Other,
        };
        Some(Self {
            key,
            down,
            says,
            hash: 0,
            len: 0,
            net: 0,
            interface: 0,
        })
    }
}
