// SPDX-License-Identifier: GPL-2.0

//! From the bytes of an IP packet to the key of its flow.
//!
//! | packet | key |
//! | --- | --- |
//! | TCP, UDP, UDP-Lite | addresses, ports, protocol |
//! | any fragment, also the first | addresses, protocol |
//! | ICMP or ICMPv6 error | that of the packets the quoted connection's peer sends |
//! | anything else, or damaged | addresses, protocol |
//!
//! The total (payload) length of the IP header is not consulted: the stack has cut the packet to
//! it before any hook runs, and large GRO packets legitimately carry 0 there. What bounds a read
//! is what [`Bytes`] holds.

mod v4;
mod v6;

pub use self::v4::flow as flow_v4;
pub use self::v6::flow as flow_v6;

/// TCP's protocol number.
pub const TCP: u8 = 6;
/// UDP's protocol number.
pub const UDP: u8 = 17;
/// UDP-Lite's protocol number.
pub const UDP_LITE: u8 = 136;

/// Read access to a packet, counted from its network header.
pub trait Bytes {
    /// Copies `N` bytes from `offset`; `None` when the packet does not hold all of them.
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;
}

impl Bytes for [u8] {
    #[inline(always)]
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.get(offset..)?.first_chunk().copied()
    }
}

/// The IP version a packet was received as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// An IPv4 address; the first byte on the wire is the most significant.
pub type Addr4 = u32;

/// An IPv6 address as two halves; the first byte on the wire is the most significant of the first
/// half. Not a `u128`, whose alignment of 16 would make every key, and the stack frame that holds
/// it, larger.
pub type Addr6 = [u64; 2];

/// The packets that must stay together, seen from the receiver.
///
/// Plain numbers instead of an `Option` for the ports, so that the hashes need no branch: ports
/// are 0 when [`ported`](Self::ported) is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow<A> {
    /// Source address.
    pub src: A,
    /// Destination address.
    pub dst: A,
    /// Source port, or 0.
    pub sport: u16,
    /// Destination port, or 0.
    pub dport: u16,
    /// Protocol (IPv6: the last next-header value reached).
    pub proto: u8,
    /// Whether the ports are part of the key.
    pub ported: bool,
}

/// The key of a packet's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowKey {
    /// IPv4.
    V4(Flow<Addr4>),
    /// IPv6.
    V6(Flow<Addr6>),
}

impl<A: Copy> Flow<A> {
    /// A flow known by addresses and protocol only.
    #[inline(always)]
    pub const fn by_addresses(src: A, dst: A, proto: u8) -> Self {
        Self {
            src,
            dst,
            sport: 0,
            dport: 0,
            proto,
            ported: false,
        }
    }

    /// The same flow with its ports, taken from the first four bytes of a transport header.
    #[inline(always)]
    pub const fn with_ports(self, [s0, s1, d0, d1]: [u8; 4]) -> Self {
        Self {
            sport: u16::from_be_bytes([s0, s1]),
            dport: u16::from_be_bytes([d0, d1]),
            ported: true,
            ..self
        }
    }

    /// The other direction of the flow.
    #[inline]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            sport: self.dport,
            dport: self.sport,
            ..self
        }
    }
}

impl FlowKey {
    /// The other direction of the flow.
    #[inline]
    pub const fn reversed(self) -> Self {
        match self {
            Self::V4(flow) => Self::V4(flow.reversed()),
            Self::V6(flow) => Self::V6(flow.reversed()),
        }
    }
}

/// The key of the packet in `bytes`; `None` only when its fixed IP header cannot be read.
#[inline]
pub fn flow_key<B: Bytes + ?Sized>(family: Family, bytes: &B) -> Option<FlowKey> {
    match family {
        Family::V4 => flow_v4(bytes).map(FlowKey::V4),
        Family::V6 => flow_v6(bytes).map(FlowKey::V6),
    }
}

/// The flow that a packet itself is of and, of TCP, the flags of its header. `None` for an ICMP
/// error, which is of no connection that it could be counted for, and when the fixed IP header
/// cannot be read.
#[inline]
pub fn flow_and_flags<B: Bytes + ?Sized>(
    family: Family,
    bytes: &B,
) -> Option<(FlowKey, Option<u8>)> {
    match family {
        Family::V4 => own_flow::<v4::V4, B>(bytes).map(|(f, flags)| (FlowKey::V4(f), flags)),
        Family::V6 => own_flow::<v6::V6, B>(bytes).map(|(f, flags)| (FlowKey::V6(f), flags)),
    }
}

#[inline]
fn own_flow<V: Version, B: Bytes + ?Sized>(bytes: &B) -> Option<(Flow<V::Addr>, Option<u8>)> {
    /// Where TCP has its flags.
    const FLAGS: usize = 13;

    let (flow, upper) = V::headers(bytes, 0)?;
    let Upper::At(at) = upper else {
        return Some((flow, None));
    };
    if flow.proto == V::ICMP {
        let error = |kind: [u8; 1]| V::is_error(kind[0]);
        return (!bytes.read(at).is_some_and(error)).then_some((flow, None));
    }
    if flow.proto == TCP {
        if let Some([s0, s1, d0, d1, .., flags]) = bytes.read::<{ FLAGS + 1 }>(at) {
            return Some((flow.with_ports([s0, s1, d0, d1]), Some(flags)));
        }
    }
    let ports = has_ports(flow.proto).then(|| bytes.read(at)).flatten();
    Some((ports.map_or(flow, |ports| flow.with_ports(ports)), None))
}

/// Whether a protocol's header begins with two 16-bit ports that name its connections.
#[inline(always)]
const fn has_ports(proto: u8) -> bool {
    matches!(proto, TCP | UDP | UDP_LITE)
}

/// Where the headers of one IP packet lead.
enum Upper {
    /// The transport header begins at this offset.
    At(usize),
    /// The packet is a fragment.
    Fragment,
    /// The headers are damaged, cut off, or nested too deep.
    Unknown,
}

/// What differs between the versions of IP.
trait Version {
    type Addr: Copy;
    /// The protocol number of its ICMP.
    const ICMP: u8;

    /// Whether an ICMP type is an error message, which quotes the packet that caused it.
    fn is_error(icmp_type: u8) -> bool;

    /// Reads the headers that start at `offset`; the flow is by addresses. `None` when the fixed
    /// header cannot be read.
    fn headers<B: Bytes + ?Sized>(bytes: &B, offset: usize) -> Option<(Flow<Self::Addr>, Upper)>;
}

/// Every packet the fast paths leave over: options, extension headers, fragments, ICMP, damage.
#[cold]
#[inline(never)]
fn slow_flow<V: Version, B: Bytes + ?Sized>(bytes: &B) -> Option<Flow<V::Addr>> {
    let (outer, upper) = V::headers(bytes, 0)?;
    let Upper::At(at) = upper else {
        return Some(outer);
    };
    if has_ports(outer.proto) {
        return Some(bytes.read(at).map_or(outer, |p| outer.with_ports(p)));
    }
    if outer.proto == V::ICMP {
        return Some(quoted_flow::<V, B>(bytes, at).unwrap_or(outer));
    }
    Some(outer)
}

/// The flow whose packets made us or a host behind us send what the ICMP error at `icmp` quotes.
///
/// The quoted packet travelled in the other direction, so its flow is reversed. `None` when the
/// message is no error, quotes ICMP (one level is followed, so that nesting cannot cost more), or
/// quotes too little.
fn quoted_flow<V: Version, B: Bytes + ?Sized>(bytes: &B, icmp: usize) -> Option<Flow<V::Addr>> {
    /// Length of the ICMP header, the same in both versions.
    const ICMP_HEADER: usize = 8;

    let [icmp_type] = bytes.read(icmp)?;
    if !V::is_error(icmp_type) {
        return None;
    }
    let (quoted, upper) = V::headers(bytes, icmp + ICMP_HEADER)?;
    if quoted.proto == V::ICMP {
        return None;
    }
    match upper {
        Upper::At(at) if has_ports(quoted.proto) => {
            // RFC 792 promises 8 bytes after the quoted header, and the stack ignores an error
            // with less.
            let [s0, s1, d0, d1, ..] = bytes.read::<8>(at)?;
            Some(quoted.with_ports([s0, s1, d0, d1]).reversed())
        }
        Upper::At(_) | Upper::Fragment => Some(quoted.reversed()),
        Upper::Unknown => None,
    }
}
