// SPDX-License-Identifier: GPL-2.0

//! The Toeplitz hash of receive-side scaling, bit for bit what a NIC computes (Microsoft, "RSS
//! hashing types"): every set bit of the input adds (XOR) the 32 bits of the key that begin at
//! the bit's position.
//!
//! Input: source address, destination address, then the ports if they count; never the protocol.
//! Linear, so a key an attacker knows lets him fill one bucket.

pub mod text;

use super::super::packet::{Addr4, Addr6, Flow};

/// Bytes in a key: the longest input (IPv6 with ports, 36 bytes) and one window of 32 bits.
pub const KEY_LEN: usize = 40;

/// An RSS key.
pub type Key = [u8; KEY_LEN];

/// The key of Microsoft's published test vectors, and many drivers' default.
pub const DEFAULT_KEY: Key = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

/// 32-bit words in the longest input.
pub const WORDS: usize = 9;

/// What each value of each of a word's 8 nibbles (most significant first) adds: 512 bytes.
pub type WordTable = [[u32; 16]; 8];

/// The tables of all words: 4,608 bytes. Per byte instead of per nibble they would halve the
/// look-ups and need 36 KiB, more than a first-level cache.
pub type Table = [WordTable; WORDS];

/// The table of the input's word `index` (0 to 8). By word, so that a caller can build a
/// [`Table`] in place, without 4,608 bytes of stack.
pub fn word_table(key: &Key, index: usize) -> WordTable {
    let mut table = [[0; 16]; 8];
    for (nibble, row) in table.iter_mut().enumerate() {
        for (value, sum) in row.iter_mut().enumerate() {
            for bit in 0..4 {
                if value & (8 >> bit) != 0 {
                    *sum ^= window(key, 32 * index + 4 * nibble + bit);
                }
            }
        }
    }
    table
}

/// The tables of a key, for callers with stack to spare.
pub fn table(key: &Key) -> Table {
    core::array::from_fn(|index| word_table(key, index))
}

/// The 32 bits of the key from bit `start` on; bits beyond its end are 0.
fn window(key: &Key, start: usize) -> u32 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key.iter().skip(start / 8)) {
        *to = *from;
    }
    (u64::from_be_bytes(bytes) << (start % 8) >> 32) as u32
}

/// The hash of an IPv4 flow: with ports over 12 bytes, without over 8.
#[inline(always)]
pub fn hash_v4(table: &Table, flow: &Flow<Addr4>) -> u32 {
    words(table, [flow.src, flow.dst, ports(flow)])
}

/// The hash of an IPv6 flow: with ports over 36 bytes, without over 32.
#[inline(always)]
pub fn hash_v6(table: &Table, flow: &Flow<Addr6>) -> u32 {
    let ([a, b], [c, d]) = (flow.src, flow.dst);
    let (hi, lo) = (|word: u64| (word >> 32) as u32, |word: u64| word as u32);
    let ports = ports(flow);
    words(
        table,
        [
            hi(a),
            lo(a),
            hi(b),
            lo(b),
            hi(c),
            lo(c),
            hi(d),
            lo(d),
            ports,
        ],
    )
}

/// Ports that do not count are 0 and add nothing, so that both kinds of key take one way.
#[inline(always)]
fn ports<A>(flow: &Flow<A>) -> u32 {
    u32::from(flow.sport) << 16 | u32::from(flow.dport)
}

#[inline(always)]
fn words<const N: usize>(table: &Table, input: [u32; N]) -> u32 {
    let mut sum = 0;
    for (rows, word) in table.iter().zip(input) {
        for (row, shift) in rows.iter().zip([28, 24, 20, 16, 12, 8, 4, 0]) {
            sum ^= row[(word >> shift & 0xf) as usize];
        }
    }
    sum
}
