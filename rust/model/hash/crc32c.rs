// SPDX-License-Identifier: GPL-2.0

//! CRC-32C (Castagnoli, RFC 3720 appendix B.4) over a flow key, the hash of the worked example
//! that this module follows.
//!
//! Cheap and even for natural traffic, but linear and without a secret: whoever can choose tuples
//! can fill one bucket. It tells the directions of a connection apart.

use super::super::packet::{Addr4, Addr6, Flow};

/// The polynomial 0x1edc6f41, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[k][b]`: what byte `b` becomes after `k` more zero bytes. 4 tables (4 KiB) advance 4
/// bytes at a time, which divides the keys with ports; 8 tables would be twice the cache for the
/// second step of a 12-byte key.
static TABLES: [[u32; 256]; 4] = tables();

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 4 {
        byte = 0;
        while byte < 256 {
            let crc = tables[k - 1][byte];
            tables[k][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// A checksum under way.
#[derive(Clone, Copy)]
struct Crc(u32);

impl Crc {
    const START: Self = Self(!0);

    /// Takes in 4 bytes; the first on the wire is the most significant of `word`.
    #[inline(always)]
    fn word(self, word: u32) -> Self {
        let [a, b, c, d] = (self.0 ^ word.swap_bytes()).to_le_bytes();
        let [t0, t1, t2, t3] = &TABLES;
        Self(t3[usize::from(a)] ^ t2[usize::from(b)] ^ t1[usize::from(c)] ^ t0[usize::from(d)])
    }

    #[inline(always)]
    fn words<const N: usize>(self, words: [u32; N]) -> Self {
        words.into_iter().fold(self, Self::word)
    }

    #[inline(always)]
    fn byte(self, byte: u8) -> Self {
        let [low, ..] = self.0.to_le_bytes();
        let [t0, ..] = &TABLES;
        Self((self.0 >> 8) ^ t0[usize::from(low ^ byte)])
    }

    #[inline(always)]
    const fn finish(self) -> u32 {
        !self.0
    }
}

/// The hash of an IPv4 flow: over source address, source port, destination address, destination
/// port as they stand on the wire (12 bytes), or over source address, destination address,
/// protocol (9 bytes).
#[inline(always)]
pub fn hash_v4(flow: &Flow<Addr4>) -> u32 {
    if flow.ported {
        let (sport, dport) = (u32::from(flow.sport), u32::from(flow.dport));
        let middle = sport << 16 | flow.dst >> 16;
        Crc::START
            .words([flow.src, middle, flow.dst << 16 | dport])
            .finish()
    } else {
        Crc::START
            .words([flow.src, flow.dst])
            .byte(flow.proto)
            .finish()
    }
}

/// The hash of an IPv6 flow: as [`hash_v4`], over 36 or 33 bytes.
#[inline(always)]
pub fn hash_v6(flow: &Flow<Addr6>) -> u32 {
    let (src, dst) = (quarters(flow.src), quarters(flow.dst));
    let crc = Crc::START.words(src);
    if flow.ported {
        let (sport, dport) = (u32::from(flow.sport), u32::from(flow.dport));
        let [a, b, c, d] = dst;
        crc.words([
            sport << 16 | a >> 16,
            a << 16 | b >> 16,
            b << 16 | c >> 16,
            c << 16 | d >> 16,
            d << 16 | dport,
        ])
        .finish()
    } else {
        crc.words(dst).byte(flow.proto).finish()
    }
}

/// An IPv6 address in 32-bit words, the first on the wire first.
#[inline(always)]
const fn quarters([hi, lo]: Addr6) -> [u32; 4] {
    [(hi >> 32) as u32, hi as u32, (lo >> 32) as u32, lo as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4; its text prints the bytes in the order they are sent.
    #[test]
    fn the_rfcs_examples_hold() {
        let counting: [u8; 32] = core::array::from_fn(|i| i as u8);
        let falling: [u8; 32] = core::array::from_fn(|i| 31 - i as u8);
        let mut read_command = [0; 48];
        for (at, byte) in [(0, 0x01), (1, 0xc0), (16, 0x14), (22, 0x04), (27, 0x14)] {
            read_command[at] = byte;
        }
        for (at, byte) in [(31, 0x18), (32, 0x28), (40, 0x02)] {
            read_command[at] = byte;
        }
        for (bytes, crc) in [
            (&[0x00; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&counting, 0x46dd_794e),
            (&falling, 0x113f_db5c),
            (&read_command, 0xd996_3a56),
        ] {
            let by_words = bytes.chunks(4).fold(Crc::START, |sum, word| {
                sum.word(u32::from_be_bytes(word.try_into().unwrap()))
            });
            let by_bytes = bytes.iter().fold(Crc::START, |sum, byte| sum.byte(*byte));
            assert_eq!(by_words.finish(), crc);
            assert_eq!(by_bytes.finish(), crc);
        }
    }

    #[test]
    fn the_tables_are_linear() {
        for table in tables() {
            for (byte, value) in table.iter().enumerate() {
                let lowest = byte & byte.wrapping_neg();
                assert_eq!(*value, table[lowest] ^ table[byte ^ lowest]);
            }
        }
    }
}
