// SPDX-License-Identifier: GPL-2.0

//! SipHash-1-3 over a flow key, the same for both directions of the flow.
//!
//! Of the family (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) the variant
//! with 1 round per word and 3 at the end, which the kernel's `hsiphash` uses on 64-bit machines
//! and Rust's own hash maps use: what is needed is that nobody without the key can choose flows
//! that share a bucket, and nobody outside sees a hash. The wider margin of SipHash-2-4 is for
//! authenticating messages; here it would cost 3 more rounds per IPv4 packet (8 instead of 5).

use super::super::packet::{Addr4, Addr6, Flow};

/// The secret, 128 bits from a random source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u64; 2]);

impl Key {
    /// The key in the reference's byte order.
    pub const fn new(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        Self([whole as u64, (whole >> 64) as u64])
    }
}

/// The four words of the state.
#[derive(Clone, Copy)]
struct State([u64; 4]);

impl State {
    #[inline(always)]
    const fn new(Key([k0, k1]): &Key) -> Self {
        Self([
            *k0 ^ 0x736f_6d65_7073_6575,
            *k1 ^ 0x646f_7261_6e64_6f6d,
            *k0 ^ 0x6c79_6765_6e65_7261,
            *k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    #[inline(always)]
    const fn round(Self([mut a, mut b, mut c, mut d]): Self) -> Self {
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32).wrapping_add(d);
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
        Self([a, b, c, d])
    }

    /// Takes in 8 bytes of the message.
    #[inline(always)]
    fn word(self, word: u64) -> Self {
        let Self([a, b, c, d]) = self;
        let Self([a, b, c, d]) = Self::round(Self([a, b, c, d ^ word]));
        Self([a ^ word, b, c, d])
    }

    #[inline(always)]
    fn finish(self) -> u64 {
        let Self([a, b, c, d]) = self;
        let state = Self::round(Self([a, b, c ^ 0xff, d]));
        let Self([a, b, c, d]) = Self::round(Self::round(state));
        a ^ b ^ c ^ d
    }
}

/// SipHash-1-3 of whole words followed by a last one that holds the remaining bytes, fewer than 8,
/// and the length of the message in its top byte, as the definition wants it.
#[inline(always)]
fn sip<const N: usize>(key: &Key, words: [u64; N], last: u64) -> u64 {
    let mut state = State::new(key);
    for word in words {
        state = state.word(word);
    }
    state.word(last).finish()
}

/// The last word: ports (lower endpoint's first), protocol and kind of key (6 bytes), and the
/// message's length.
#[inline(always)]
fn last<A>(flow: &Flow<A>, low_port: u64, high_port: u64, len: u64) -> u64 {
    low_port
        | high_port << 16
        | u64::from(flow.proto) << 32
        | u64::from(flow.ported) << 40
        | len << 56
}

/// The hash of an IPv4 flow.
///
/// The lower endpoint is put first, whichever direction the packet travels: the two directions of
/// a connection that is forwarded through this machine meet in one bucket, hence on one CPU, and
/// what is kept per connection (conntrack's entry, our record) stays in that CPU's cache.
///
/// The message is 14 bytes, little-endian: both addresses, both ports, the protocol, and 1 if the
/// ports count.
#[inline(always)]
pub fn hash_v4(key: &Key, flow: &Flow<Addr4>) -> u32 {
    let endpoint = |addr, port| u64::from(addr) << 16 | u64::from(port);
    let (src, dst) = (
        endpoint(flow.src, flow.sport),
        endpoint(flow.dst, flow.dport),
    );
    let (low, high) = (src.min(dst), src.max(dst));
    let addresses = low >> 16 | high >> 16 << 32;
    let last = last(flow, low & 0xffff, high & 0xffff, 14);
    // Every bit is as good as any other.
    sip(key, [addresses], last) as u32
}

/// The hash of an IPv6 flow: as [`hash_v4`], of a message of 38 bytes.
#[inline(always)]
pub fn hash_v6(key: &Key, flow: &Flow<Addr6>) -> u32 {
    let endpoint = |[hi, lo]: Addr6, port| (u128::from(hi) << 64 | u128::from(lo), port);
    let swap = endpoint(flow.src, flow.sport) > endpoint(flow.dst, flow.dport);
    let ([mut a, mut b], mut low_port) = (flow.src, u64::from(flow.sport));
    let ([mut c, mut d], mut high_port) = (flow.dst, u64::from(flow.dport));
    // Exchanged without a branch: it would be mispredicted for every other packet.
    let mask = u64::from(swap).wrapping_neg();
    exchange(mask, &mut a, &mut c);
    exchange(mask, &mut b, &mut d);
    exchange(mask, &mut low_port, &mut high_port);
    sip(key, [a, b, c, d], last(flow, low_port, high_port, 38)) as u32
}

/// Exchanges the bits of `mask`.
#[inline(always)]
fn exchange(mask: u64, a: &mut u64, b: &mut u64) {
    let differing = (*a ^ *b) & mask;
    *a ^= differing;
    *b ^= differing;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's vectors for `hsiphash` on 64-bit machines (lib/tests/siphash_kunit.c), by
    /// length of the message 0, 1, 2, ... under the key 0, 1, 2, ...
    const KERNEL: [(u64, u32); 4] = [
        (7, 0x9bb1_1140),
        (15, 0x2a51_9956),
        (23, 0xdae6_c123),
        (31, 0x8c21_d1bc),
    ];

    #[test]
    fn the_kernel_computes_the_same() {
        let key = Key::new(core::array::from_fn(|i| i as u8));
        // Words of counting bytes; the last holds 7 of them and the length.
        let word = |n: u64| 0x0706_0504_0302_0100 + n * 0x0808_0808_0808_0808;
        let last = |len: u64| word(len / 8) & (u64::MAX >> 8) | len << 56;
        let ours = [
            sip(&key, [], last(7)),
            sip(&key, [word(0)], last(15)),
            sip(&key, [word(0), word(1)], last(23)),
            sip(&key, [word(0), word(1), word(2)], last(31)),
        ];
        for (ours, (len, expected)) in ours.into_iter().zip(KERNEL) {
            assert_eq!(ours as u32, expected, "{len} bytes");
        }
    }
}
