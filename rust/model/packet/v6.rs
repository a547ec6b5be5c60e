// SPDX-License-Identifier: GPL-2.0

//! IPv6 headers (RFC 8200) and the ICMPv6 messages that quote them (RFC 4443).

use super::{has_ports, slow_flow, Addr6, Bytes, Flow, Upper, Version};

/// Extension headers followed per packet. Real packets have one or two; the bound is what a
/// crafted packet can cost.
const MAX_EXTENSIONS: usize = 8;

const FIXED_HEADER: usize = 40;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

/// Fragment offset and more-fragments flag: any of them set makes a fragment. A fragment header
/// with neither is an atomic fragment (RFC 6946), a whole packet.
const FRAGMENTED: u16 = 0xfff9;

/// The fields of the fixed header that matter here.
struct Header {
    version: u8,
    flow: Flow<Addr6>,
}

impl Header {
    /// `bytes` must hold 40 bytes; with that known to the compiler nothing is checked at run time.
    #[inline(always)]
    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at| Some(u64::from_be_bytes(bytes.read(at)?));
        let [first] = bytes.read(0)?;
        let [next] = bytes.read(6)?;
        Some(Self {
            version: first >> 4,
            flow: Flow::by_addresses([word(8)?, word(16)?], [word(24)?, word(32)?], next),
        })
    }
}

/// The flow of an IPv6 packet. A TCP or UDP packet without extension headers costs a single read;
/// `None` only when the fixed header cannot be read.
#[inline(always)]
pub fn flow<B: Bytes + ?Sized>(bytes: &B) -> Option<Flow<Addr6>> {
    if let Some(both) = bytes.read::<{ FIXED_HEADER + 4 }>(0) {
        let header = Header::parse(&both)?;
        if header.version == 6 && has_ports(header.flow.proto) {
            return Some(header.flow.with_ports(both.read(FIXED_HEADER)?));
        }
    }
    slow_flow::<V6, B>(bytes)
}

/// IPv6 for the code shared by both versions.
pub(super) struct V6;

impl Version for V6 {
    type Addr = Addr6;
    const ICMP: u8 = 58;

    fn is_error(icmp_type: u8) -> bool {
        // Unreachable, packet too big, time exceeded, parameter problem.
        matches!(icmp_type, 1..=4)
    }

    fn headers<B: Bytes + ?Sized>(bytes: &B, offset: usize) -> Option<(Flow<Addr6>, Upper)> {
        let header = Header::parse(&bytes.read::<FIXED_HEADER>(offset)?)?;
        let mut flow = header.flow;
        if header.version != 6 {
            return Some((flow, Upper::Unknown));
        }
        let mut at = offset + FIXED_HEADER;
        for _ in 0..MAX_EXTENSIONS {
            match extension(bytes, at, flow.proto) {
                Extension::None => return Some((flow, Upper::At(at))),
                Extension::Cut => return Some((flow, Upper::Unknown)),
                Extension::Fragment { next } => {
                    // All fragments of a packet carry this value; what the first one has behind
                    // it the others cannot know.
                    flow.proto = next;
                    return Some((flow, Upper::Fragment));
                }
                Extension::Whole { next, len } => {
                    flow.proto = next;
                    at += len;
                }
            }
        }
        let upper = match is_extension(flow.proto) {
            true => Upper::Unknown,
            false => Upper::At(at),
        };
        Some((flow, upper))
    }
}

/// What stands at one place of the header chain.
enum Extension {
    /// Not an extension header: the transport header, or one treated as such (ESP, AH).
    None,
    /// An extension header of `len` bytes.
    Whole { next: u8, len: usize },
    /// The fragment header of a true fragment.
    Fragment { next: u8 },
    /// An extension header, but the packet ends in it.
    Cut,
}

const fn is_extension(kind: u8) -> bool {
    matches!(kind, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION)
}

/// Looks at the header of type `kind` at offset `at`.
fn extension<B: Bytes + ?Sized>(bytes: &B, at: usize, kind: u8) -> Extension {
    if !is_extension(kind) {
        return Extension::None;
    }
    // Every extension header is a multiple of 8 bytes long.
    let Some([next, len, hi, lo, ..]) = bytes.read::<8>(at) else {
        return Extension::Cut;
    };
    if kind != FRAGMENT {
        return Extension::Whole {
            next,
            len: 8 * (usize::from(len) + 1),
        };
    }
    match u16::from_be_bytes([hi, lo]) & FRAGMENTED {
        0 => Extension::Whole { next, len: 8 },
        _ => Extension::Fragment { next },
    }
}
