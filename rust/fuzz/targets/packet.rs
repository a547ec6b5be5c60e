// SPDX-License-Identifier: GPL-2.0

//! Any bytes as an IP packet: what its flow is, beside what etherparse says.
//!
//! Input: the packet, from its IP header on; its first four bits tell the version.

#![no_main]

use etherparse::{SlicedPacket, TransportSlice};
use flowbucket_model::conn::Seen;
use flowbucket_model::hash::{toeplitz::Table, Hasher};
use flowbucket_model::packet::{flow_key, Family, FlowKey};
use libfuzzer_sys::fuzz_target;

fn ports(key: &FlowKey) -> Option<(u16, u16)> {
    match key {
        // The control: UDP has none.
        FlowKey::V4(flow) if cfg!(feature = "broken") && flow.proto == 17 => None,
        FlowKey::V4(flow) => flow.ported.then_some((flow.sport, flow.dport)),
        FlowKey::V6(flow) => flow.ported.then_some((flow.sport, flow.dport)),
    }
}

/// The ports of a whole TCP or UDP packet, by another parser; `None` if that is not sure.
fn by_the_book(bytes: &[u8]) -> Option<(u16, u16)> {
    // It looks into no fragments.
    match SlicedPacket::from_ip(bytes).ok()?.transport? {
        TransportSlice::Tcp(tcp) => Some((tcp.source_port(), tcp.destination_port())),
        TransportSlice::Udp(udp) => Some((udp.source_port(), udp.destination_port())),
        _ => None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let family = match bytes.first().map(|byte| byte >> 4) {
        Some(4) => Family::V4,
        _ => Family::V6,
    };
    let Some(key) = flow_key(family, bytes) else {
        return;
    };
    assert_eq!(key.reversed().reversed(), key);
    if let Some(wanted) = by_the_book(bytes) {
        // More extension headers than are walked: by addresses only.
        if ports(&key).is_some() || family == Family::V4 {
            assert_eq!(ports(&key), Some(wanted));
        }
    }
    // Bytes that are not there make a flow less known, never another one.
    for len in 0..bytes.len() {
        if let Some(short) = flow_key(family, &bytes[..len]) {
            assert!(ports(&short).is_none() || short == key, "{len} bytes");
        }
    }
    let hasher = Hasher::<&Table>::Crc32c;
    assert_eq!(hasher.hash_packet(family, bytes), hasher.hash(&key));
    if let Some(seen) = Seen::parse(family, bytes) {
        assert_eq!(seen.key.is_v6(), family == Family::V6);
    }
});
