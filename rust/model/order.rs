// SPDX-License-Identifier: GPL-2.0

//! A check that packets of a connection are processed in the order in which they
//! came in on a CPU. For debugging: it costs each packet a cache line.
//!
//! Each packet is stamped with the number it has among those of the CPU that received
//! it. A table remembers the last stamp of each (connection, receiving CPU) that was
//! processed. An entry is one word, so that it needs no lock: a tag of 24 bits that
//! tells connections apart, and 40 bits of the stamp. Two connections with the same
//! place and tag are taken for one, which of a thousand happens once in a million
//! times.

use super::sync::Word;
use core::ops::Deref;

/// When and where a packet came in; 0 for one that is not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(u64);

const STAMP_BITS: u32 = 40;
const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;

impl Stamp {
    /// The packet is the `number`th, from 1 on, that `cpu` received.
    #[inline]
    pub fn new(cpu: u32, number: u64) -> Self {
        Self(u64::from(cpu) << STAMP_BITS | (number & STAMP_MASK))
    }
}

/// The table.
pub struct Order<S>(S);

impl<S: Deref<Target = [Word]>> Order<S> {
    /// With as many entries as there are `entries`, zeros, a power of two; `None` for
    /// another number.
    pub fn new(entries: S) -> Option<Self> {
        entries.len().is_power_of_two().then_some(Self(entries))
    }

    /// A packet of connection `flow` is processed. False if one that came in later on
    /// the same CPU was processed before.
    #[must_use]
    pub fn processed(&self, flow: u32, stamp: Stamp) -> bool {
        if stamp == Stamp::default() {
            return true;
        }
        let cpu = stamp.0 >> STAMP_BITS;
        // A multiplicative hash; the constant is 2^64 divided by the golden ratio.
        let mixed = (u64::from(flow) << 16 ^ cpu).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let entries: &[Word] = &self.0;
        let place = (mixed >> 20) as usize & entries.len().wrapping_sub(1);
        let Some(entry) = entries.get(place) else {
            return true;
        };
        let tag = mixed >> STAMP_BITS;
        let before = entry.relaxed() as u64;
        entry.set_relaxed((tag << STAMP_BITS | (stamp.0 & STAMP_MASK)) as usize);
        before >> STAMP_BITS != tag || (before & STAMP_MASK) < (stamp.0 & STAMP_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order<Vec<Word>> {
        Order::new((0..1024).map(|_| Word::new(0)).collect()).unwrap()
    }

    #[test]
    fn order_of_a_connection_is_seen() {
        let order = order();
        assert!(order.processed(7, Stamp::new(0, 1)));
        assert!(order.processed(7, Stamp::new(0, 2)));
        assert!(order.processed(7, Stamp::new(0, 9)));
        assert!(
            !order.processed(7, Stamp::new(0, 8)),
            "one overtook another"
        );
        assert!(!order.processed(7, Stamp::new(0, 8)), "the same once more");
        assert!(order.processed(7, Stamp::new(0, 10)));
    }

    #[test]
    fn connections_and_cpus_are_told_apart() {
        let order = order();
        assert!(order.processed(7, Stamp::new(0, 9)));
        assert!(order.processed(8, Stamp::new(0, 3)), "another connection");
        assert!(order.processed(7, Stamp::new(1, 3)), "another CPU");
        assert!(order.processed(7, Stamp::default()), "not stamped");
        assert!(!order.processed(7, Stamp::new(0, 3)));
    }
}
