// SPDX-License-Identifier: GPL-2.0

//! What a connection is known by.

use super::super::packet::{Flow, FlowKey};

/// Both ends of a connection, the lower first, and the protocol: the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The addresses; one of IPv4 is in the second word.
    low: [u64; 2],
    high: [u64; 2],
    /// The ports, 16 bits each, the protocol in 8 bits, and 1 for IPv6.
    rest: u64,
}

/// One end: address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The address; one of IPv4 is in the second word.
    pub addr: [u64; 2],
    /// The port, or 0.
    pub port: u16,
}

const HIGH_PORT: u32 = 16;
const PROTO: u32 = 32;
const V6: u64 = 1 << 40;

impl Key {
    /// The key of a flow, and whether it goes from the higher end to the lower.
    #[inline]
    pub fn of(flow: &FlowKey) -> (Self, bool) {
        match flow {
            FlowKey::V4(flow) => Self::new(flow, |addr| [0, u64::from(addr)], 0),
            FlowKey::V6(flow) => Self::new(flow, |addr| addr, V6),
        }
    }

    #[inline(always)]
    fn new<A: Copy>(flow: &Flow<A>, addr: impl Fn(A) -> [u64; 2], version: u64) -> (Self, bool) {
        let end = |its, port| End {
            addr: addr(its),
            port,
        };
        let (from, to) = (end(flow.src, flow.sport), end(flow.dst, flow.dport));
        let down = from > to;
        let (low, high) = if down { (to, from) } else { (from, to) };
        let ports = u64::from(low.port) | u64::from(high.port) << HIGH_PORT;
        let key = Self {
            low: low.addr,
            high: high.addr,
            rest: ports | u64::from(flow.proto) << PROTO | version,
        };
        (key, down)
    }

    /// The lower end.
    pub fn low(&self) -> End {
        End {
            addr: self.low,
            port: self.rest as u16,
        }
    }

    /// The higher end.
    pub fn high(&self) -> End {
        End {
            addr: self.high,
            port: (self.rest >> HIGH_PORT) as u16,
        }
    }

    /// The protocol's number.
    pub fn proto(&self) -> u8 {
        (self.rest >> PROTO) as u8
    }

    /// Whether it is IPv6.
    pub fn is_v6(&self) -> bool {
        self.rest & V6 != 0
    }
}
