// SPDX-License-Identifier: GPL-2.0

//! Repeatable randomness for the tests, and seeds that differ from run to run.

use flowbucket_model::packet::{Family, Flow, FlowKey, TCP};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A TCP flow, every bit of its addresses and ports random.
    pub(crate) fn flow(&mut self, family: Family) -> FlowKey {
        let [a, b, c, d, ..] = self.next().to_be_bytes();
        let ports = [a, b, c, d];
        match family {
            Family::V4 => {
                let (src, dst) = (self.next() as u32, self.next() as u32);
                FlowKey::V4(Flow::by_addresses(src, dst, TCP).with_ports(ports))
            }
            Family::V6 => {
                let (src, dst) = ([self.next(), self.next()], [self.next(), self.next()]);
                FlowKey::V6(Flow::by_addresses(src, dst, TCP).with_ports(ports))
            }
        }
    }

    /// A flow as a web server sees it: clients of one provider, usual client ports, one service.
    pub(crate) fn client(&mut self, family: Family) -> FlowKey {
        let port = 32_768 + (self.next() % 28_232) as u16;
        let [a, b] = port.to_be_bytes();
        let ports = [a, b, 443u16.to_be_bytes()[0], 443u16.to_be_bytes()[1]];
        match family {
            Family::V4 => {
                let src = 0x5100_0000 | self.next() as u32 & 0xffff;
                FlowKey::V4(Flow::by_addresses(src, 0xc000_0201, TCP).with_ports(ports))
            }
            Family::V6 => {
                let src = [0x2001_0db8_0000_0000 | self.next() & 0xffff, self.next()];
                let dst = [0x2001_0db8_ffff_0000, 1];
                FlowKey::V6(Flow::by_addresses(src, dst, TCP).with_ports(ports))
            }
        }
    }
}

/// A seed no other run had.
pub(crate) fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
