// SPDX-License-Identifier: GPL-2.0

//! IPv4 headers (RFC 791) and the ICMP messages that quote them (RFC 792).

use super::{has_ports, slow_flow, Addr4, Bytes, Flow, Upper, Version};

/// Version 4 and a header without options.
const PLAIN: u8 = 0x45;
/// More-fragments flag and fragment offset: any of them set makes a fragment.
const FRAGMENT: u16 = 0x3fff;

/// The fields of the fixed header that matter here.
struct Header {
    version_ihl: u8,
    fragment: u16,
    flow: Flow<Addr4>,
}

impl Header {
    /// `bytes` must hold 20 bytes; with that known to the compiler nothing is checked at run time.
    #[inline(always)]
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [version_ihl] = bytes.read(0)?;
        let [proto] = bytes.read(9)?;
        let src = u32::from_be_bytes(bytes.read(12)?);
        let dst = u32::from_be_bytes(bytes.read(16)?);
        Some(Self {
            version_ihl,
            fragment: u16::from_be_bytes(bytes.read(6)?),
            flow: Flow::by_addresses(src, dst, proto),
        })
    }
}

/// The flow of an IPv4 packet. A TCP or UDP packet without IP options costs a single read;
/// `None` only when the fixed header cannot be read.
#[inline(always)]
pub fn flow<B: Bytes + ?Sized>(bytes: &B) -> Option<Flow<Addr4>> {
    if let Some(both) = bytes.read::<24>(0) {
        let header = Header::parse(&both)?;
        if header.version_ihl == PLAIN
            && header.fragment & FRAGMENT == 0
            && has_ports(header.flow.proto)
        {
            return Some(header.flow.with_ports(both.read(20)?));
        }
    }
    slow_flow::<V4, B>(bytes)
}

/// IPv4 for the code shared by both versions.
pub(super) struct V4;

impl Version for V4 {
    type Addr = Addr4;
    const ICMP: u8 = 1;

    fn is_error(icmp_type: u8) -> bool {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        matches!(icmp_type, 3 | 4 | 5 | 11 | 12)
    }

    fn headers<B: Bytes + ?Sized>(bytes: &B, offset: usize) -> Option<(Flow<Addr4>, Upper)> {
        let header = Header::parse(&bytes.read::<20>(offset)?)?;
        let words = usize::from(header.version_ihl & 0xf);
        let upper = if header.version_ihl >> 4 != 4 || words < 5 {
            Upper::Unknown
        } else if header.fragment & FRAGMENT != 0 {
            Upper::Fragment
        } else {
            Upper::At(offset + 4 * words)
        };
        Some((header.flow, upper))
    }
}
