// SPDX-License-Identifier: GPL-2.0

//! Builders of packets, sane by default; a test sets the field it is about.

use flowbucket_model::packet::{flow_key, Addr6, Family, Flow, FlowKey, TCP};

/// More-fragments flag of an IPv4 header.
pub(crate) const MF: u16 = 0x2000;
/// Don't-fragment flag of an IPv4 header.
pub(crate) const DF: u16 = 0x4000;

/// IPv6 extension headers.
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const DESTINATION: u8 = 60;

/// An IPv4 packet.
#[derive(Clone, Debug)]
pub(crate) struct V4 {
    pub(crate) version: u8,
    /// Header length in words; `None` for the true one.
    pub(crate) ihl: Option<u8>,
    /// Total length in bytes; `None` for the true one.
    pub(crate) total: Option<u16>,
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) fragment: u16,
    pub(crate) proto: u8,
    pub(crate) src: u32,
    pub(crate) dst: u32,
    /// A multiple of 4 bytes.
    pub(crate) options: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl V4 {
    pub(crate) fn new(proto: u8, body: Vec<u8>) -> Self {
        Self {
            version: 4,
            ihl: None,
            total: None,
            tos: 0,
            ttl: 64,
            fragment: DF,
            proto,
            src: 0xc000_0201,
            dst: 0xc633_6402,
            options: Vec::new(),
            body,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let header = 20 + self.options.len();
        let ihl = self.ihl.unwrap_or((header / 4) as u8);
        let total = self.total.unwrap_or((header + self.body.len()) as u16);
        let mut out = vec![self.version << 4 | ihl, self.tos];
        out.extend(total.to_be_bytes());
        out.extend([0x12, 0x34]);
        out.extend(self.fragment.to_be_bytes());
        out.extend([self.ttl, self.proto, 0xab, 0xcd]);
        out.extend(self.src.to_be_bytes());
        out.extend(self.dst.to_be_bytes());
        out.extend(&self.options);
        out.extend(&self.body);
        out
    }

    pub(crate) fn key(&self) -> Option<FlowKey> {
        flow_key(Family::V4, &self.bytes()[..])
    }

    /// The key by addresses and protocol.
    pub(crate) fn by_addresses(&self) -> Option<FlowKey> {
        Some(FlowKey::V4(Flow::by_addresses(
            self.src, self.dst, self.proto,
        )))
    }

    /// The key by addresses, protocol and these ports.
    pub(crate) fn by_ports(&self, sport: u16, dport: u16) -> Option<FlowKey> {
        let flow = Flow::by_addresses(self.src, self.dst, self.proto);
        Some(FlowKey::V4(flow.with_ports(port_bytes(sport, dport))))
    }
}

/// An IPv6 packet.
#[derive(Clone, Debug)]
pub(crate) struct V6 {
    pub(crate) version: u8,
    /// Traffic class and flow label.
    pub(crate) label: u32,
    pub(crate) hops: u8,
    pub(crate) src: Addr6,
    pub(crate) dst: Addr6,
    /// Extension headers by type; the first byte of each, which names the next, is filled in.
    pub(crate) extensions: Vec<(u8, Vec<u8>)>,
    pub(crate) proto: u8,
    pub(crate) body: Vec<u8>,
}

impl V6 {
    pub(crate) fn new(proto: u8, body: Vec<u8>) -> Self {
        Self {
            version: 6,
            label: 0,
            hops: 64,
            src: [0x2001_0db8_0000_0001, 0x0000_0000_0000_00aa],
            dst: [0x2001_0db8_0000_0002, 0x0202_b3ff_fe1e_8329],
            extensions: Vec::new(),
            proto,
            body,
        }
    }

    pub(crate) fn with(mut self, kind: u8, header: Vec<u8>) -> Self {
        self.extensions.push((kind, header));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut behind = Vec::new();
        let mut next = self.proto;
        for (kind, header) in self.extensions.iter().rev() {
            let mut header = header.clone();
            header[0] = next;
            next = *kind;
            behind.splice(0..0, header);
        }
        behind.extend(&self.body);
        let mut out = (u32::from(self.version) << 28 | self.label)
            .to_be_bytes()
            .to_vec();
        out.extend((behind.len() as u16).to_be_bytes());
        out.extend([next, self.hops]);
        for half in [self.src, self.dst].concat() {
            out.extend(half.to_be_bytes());
        }
        out.extend(behind);
        out
    }

    pub(crate) fn key(&self) -> Option<FlowKey> {
        flow_key(Family::V6, &self.bytes()[..])
    }

    /// The key by addresses and this protocol.
    pub(crate) fn by_addresses(&self, proto: u8) -> Option<FlowKey> {
        Some(FlowKey::V6(Flow::by_addresses(self.src, self.dst, proto)))
    }

    /// The key by addresses, protocol and these ports.
    pub(crate) fn by_ports(&self, sport: u16, dport: u16) -> Option<FlowKey> {
        let flow = Flow::by_addresses(self.src, self.dst, self.proto);
        Some(FlowKey::V6(flow.with_ports(port_bytes(sport, dport))))
    }
}

fn port_bytes(sport: u16, dport: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (sport.to_be_bytes(), dport.to_be_bytes());
    [a, b, c, d]
}

/// A transport header that begins with ports, 20 bytes in all.
pub(crate) fn ports(sport: u16, dport: u16) -> Vec<u8> {
    let mut body = port_bytes(sport, dport).to_vec();
    body.extend([0x5a; 16]);
    body
}

/// An extension header of `8 * units` bytes with arbitrary options.
pub(crate) fn extension(units: u8) -> Vec<u8> {
    let mut header = vec![0xee; 8 * usize::from(units)];
    header[1] = units - 1;
    header
}

/// A fragment header: offset in units of 8 bytes, and whether more follow.
pub(crate) fn fragment(offset: u16, more: bool) -> Vec<u8> {
    // The reserved bits, set here, do not matter.
    let [hi, lo] = (offset << 3 | 0b110 | u16::from(more)).to_be_bytes();
    vec![0, 0xff, hi, lo, 1, 2, 3, 4]
}

/// An ICMP or ICMPv6 message around `rest`.
pub(crate) fn icmp(icmp_type: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![icmp_type, 0, 0, 0, 0, 0, 0, 0];
    body.extend(rest);
    body
}

/// A TCP packet with these ports.
pub(crate) fn tcp4(sport: u16, dport: u16) -> V4 {
    V4::new(TCP, ports(sport, dport))
}

/// A TCP packet with these ports.
pub(crate) fn tcp6(sport: u16, dport: u16) -> V6 {
    V6::new(TCP, ports(sport, dport))
}
