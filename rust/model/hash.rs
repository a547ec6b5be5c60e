// SPDX-License-Identifier: GPL-2.0

//! From a flow key to 32 bits: the algorithms of the `hash=` parameter.
//!
//! | name | key | both directions alike | chosen tuples can fill one bucket |
//! | --- | --- | --- | --- |
//! | `skb` | the kernel's or the NIC's | kernel: yes, NIC: no | kernel: no, NIC: if the key is known |
//! | `siphash` | 128 random bits | yes | no |
//! | `crc32c` | none | no | yes |
//! | `toeplitz` | 40 bytes, settable | no | if the key is known |

pub mod crc32c;
pub mod siphash;
pub mod toeplitz;

use super::packet::{flow_v4, flow_v6, Addr4, Addr6, Bytes, Family, Flow, FlowKey};
use core::ops::Deref;

/// The names of the `hash=` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The hash the packet carries, from the NIC or the kernel's flow dissector.
    Skb,
    /// [`siphash`].
    SipHash,
    /// [`crc32c`].
    Crc32c,
    /// [`toeplitz`].
    Toeplitz,
}

impl Algorithm {
    /// All of them, in the order they are listed to the user.
    pub const ALL: [Self; 4] = [Self::Skb, Self::SipHash, Self::Crc32c, Self::Toeplitz];

    /// The name the user writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skb => "skb",
            Self::SipHash => "siphash",
            Self::Crc32c => "crc32c",
            Self::Toeplitz => "toeplitz",
        }
    }

    /// The algorithm of that name; white space around it is ignored. `None` for any other text.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let name = text.trim_ascii();
        Self::ALL.into_iter().find(|a| a.name().as_bytes() == name)
    }
}

/// An algorithm with its key, ready to hash.
///
/// `T` is what holds the Toeplitz tables ([`toeplitz::Table`], 4,608 bytes, too much for a kernel
/// stack): a `KBox` in the kernel, a `Box` or a reference on the host.
#[derive(Clone, Copy, Debug)]
pub enum Hasher<T> {
    /// Nothing to compute: the packet carries its hash.
    Skb,
    /// SipHash with this key.
    SipHash(siphash::Key),
    /// CRC-32C.
    Crc32c,
    /// Toeplitz with these tables.
    Toeplitz(T),
}

impl<T: Deref<Target = toeplitz::Table>> Hasher<T> {
    /// The algorithm in use.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Skb => Algorithm::Skb,
            Self::SipHash(_) => Algorithm::SipHash,
            Self::Crc32c => Algorithm::Crc32c,
            Self::Toeplitz(_) => Algorithm::Toeplitz,
        }
    }

    /// The hash of a key; `None` for [`Hasher::Skb`], which does not go by the key.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> Option<u32> {
        match key {
            FlowKey::V4(flow) => self.hash_v4(flow),
            FlowKey::V6(flow) => self.hash_v6(flow),
        }
    }

    /// The hash of a packet. `None` tells the caller to take the hash the kernel has for it: that
    /// is what [`Hasher::Skb`] means, and all that is left when the IP header cannot be read.
    ///
    /// One path per version from end to end, so that the key stays in registers: through memory,
    /// as a [`FlowKey`], it costs more than the hash does, because it is written in small fields
    /// and copied in large ones, which processors cannot forward from store to load.
    #[inline]
    pub fn hash_packet<B: Bytes + ?Sized>(&self, family: Family, bytes: &B) -> Option<u32> {
        match (self, family) {
            (Self::Skb, _) => None,
            (_, Family::V4) => self.hash_v4(&flow_v4(bytes)?),
            (_, Family::V6) => self.hash_v6(&flow_v6(bytes)?),
        }
    }

    #[inline(always)]
    fn hash_v4(&self, flow: &Flow<Addr4>) -> Option<u32> {
        match self {
            Self::Skb => None,
            Self::SipHash(secret) => Some(siphash::hash_v4(secret, flow)),
            Self::Crc32c => Some(crc32c::hash_v4(flow)),
            Self::Toeplitz(table) => Some(toeplitz::hash_v4(table, flow)),
        }
    }

    #[inline(always)]
    fn hash_v6(&self, flow: &Flow<Addr6>) -> Option<u32> {
        match self {
            Self::Skb => None,
            Self::SipHash(secret) => Some(siphash::hash_v6(secret, flow)),
            Self::Crc32c => Some(crc32c::hash_v6(flow)),
            Self::Toeplitz(table) => Some(toeplitz::hash_v6(table, flow)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::flow_key;
    use super::*;

    #[test]
    fn names_are_read_as_written() {
        for algorithm in Algorithm::ALL {
            let name = algorithm.name();
            assert_eq!(Algorithm::parse(name.as_bytes()), Some(algorithm));
            let line = format!(" {name}\n");
            assert_eq!(Algorithm::parse(line.as_bytes()), Some(algorithm));
        }
        for text in [
            "",
            " ",
            "sip",
            "siphash13",
            "SipHash",
            "crc32c,skb",
            "skb\0",
        ] {
            assert_eq!(Algorithm::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_hasher_knows_its_algorithm() {
        let table = toeplitz::table(&toeplitz::DEFAULT_KEY);
        let hashers = [
            Hasher::Skb,
            Hasher::SipHash(siphash::Key::new([0; 16])),
            Hasher::Crc32c,
            Hasher::Toeplitz(&table),
        ];
        assert_eq!(hashers.map(|h| h.algorithm()), Algorithm::ALL);
    }

    #[test]
    fn the_packets_own_hash_is_not_computed() {
        let hasher = Hasher::<&toeplitz::Table>::Skb;
        let packet = [0x45; 40];
        for family in [Family::V4, Family::V6] {
            let key = flow_key(family, &packet[..]).unwrap();
            assert_eq!(hasher.hash(&key), None);
            assert_eq!(hasher.hash_packet(family, &packet[..]), None);
        }
    }

    #[test]
    fn the_tables_are_as_large_as_documented() {
        assert_eq!(size_of::<toeplitz::Table>(), 4608);
    }
}
