// SPDX-License-Identifier: GPL-2.0

//! SipHash-1-3 over a flow key, the same for both directions of the flow.
//!
//! Of the family (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) the variant
//! with 1 round per word and 3 at the end, which the kernel's `hsiphash` uses on 64-bit machines
//! and Rust's own hash maps use: what is needed is that nobody without the key can choose flows
//! that share a bucket, and nobody outside sees a hash. The wider margin of SipHash-2-4 is for
//! authenticating messages; here it would cost 3 more rounds per IPv4 packet (8 instead of 5).

use super::super::packet::{Addr6, Flow, FlowKey};

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

/// The last word: ports, protocol and kind of key (6 bytes), and the message's length.
#[inline(always)]
fn last<A>(flow: &Flow<A>, len: u64) -> u64 {
    u64::from(flow.sport)
        | u64::from(flow.dport) << 16
        | u64::from(flow.proto) << 32
        | u64::from(flow.ported) << 40
        | len << 56
}

/// The hash of a key.
///
/// The lower endpoint is put first, whichever direction the packet travels: the two directions of
/// a connection that is forwarded through this machine meet in one bucket, hence on one CPU, and
/// what is kept per connection (conntrack's entry, our record) stays in that CPU's cache.
///
/// The message is 14 bytes for IPv4 and 38 for IPv6, little-endian: both addresses, both ports,
/// the protocol, and 1 if the ports count.
#[inline]
pub fn hash(key: &Key, flow: &FlowKey) -> u32 {
    let long = match flow {
        FlowKey::V4(flow) => {
            let flow = ordered4(flow);
            let addresses = u64::from(flow.src) | u64::from(flow.dst) << 32;
            sip(key, [addresses], last(&flow, 14))
        }
        FlowKey::V6(flow) => {
            let flow = ordered6(flow);
            let ([a, b], [c, d]) = (flow.src, flow.dst);
            sip(key, [a, b, c, d], last(&flow, 38))
        }
    };
    // Every bit is as good as any other.
    long as u32
}

/// The direction in which the source is the lower endpoint.
#[inline(always)]
fn ordered4(flow: &Flow<u32>) -> Flow<u32> {
    let endpoint = |addr, port| u64::from(addr) << 16 | u64::from(port);
    match endpoint(flow.src, flow.sport) <= endpoint(flow.dst, flow.dport) {
        true => *flow,
        false => flow.reversed(),
    }
}

/// The direction in which the source is the lower endpoint.
#[inline(always)]
fn ordered6(flow: &Flow<Addr6>) -> Flow<Addr6> {
    let address = |[hi, lo]: Addr6| u128::from(hi) << 64 | u128::from(lo);
    let (src, dst) = (address(flow.src), address(flow.dst));
    match (src, flow.sport) <= (dst, flow.dport) {
        true => *flow,
        false => flow.reversed(),
    }
}
