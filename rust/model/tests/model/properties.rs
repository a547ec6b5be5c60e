// SPDX-License-Identifier: GPL-2.0

//! What must hold for any packet.

use crate::build::{
    extension, fragment, icmp, ports, tcp4, tcp6, DESTINATION, FRAGMENT, HOP_BY_HOP, ROUTING, V4,
    V6,
};
use flowbucket_model::hash::{siphash, toeplitz, Hasher};
use flowbucket_model::packet::{flow_key, Bytes, Family, FlowKey, TCP, UDP};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;

static HASHERS: LazyLock<[Hasher<Box<toeplitz::Table>>; 3]> = LazyLock::new(|| {
    [
        Hasher::SipHash(siphash::Key::new(*b"0123456789abcdef")),
        Hasher::Crc32c,
        Hasher::Toeplitz(Box::new(toeplitz::table(&toeplitz::DEFAULT_KEY))),
    ]
});

fn hashes(family: Family, bytes: &[u8]) -> [Option<u32>; 3] {
    HASHERS
        .each_ref()
        .map(|hasher| hasher.hash_packet(family, bytes))
}

fn key_hashes(key: &FlowKey) -> [Option<u32>; 3] {
    HASHERS.each_ref().map(|hasher| hasher.hash(key))
}

/// Bytes that reach deep into the parser: a plausible first byte, protocol and type, then noise
/// in which protocol numbers of interest abound.
fn nearly_a_packet() -> impl Strategy<Value = Vec<u8>> {
    let interesting = prop::sample::select(vec![
        0u8, 1, 3, 4, 5, 6, 11, 17, 43, 44, 45, 50, 51, 58, 59, 60, 64, 69, 70, 79, 96, 136, 255,
    ]);
    let byte = prop_oneof![interesting, any::<u8>()];
    (vec(byte, 0..300), any::<bool>(), any::<bool>()).prop_map(|(mut bytes, v6, whole)| {
        if let Some(first) = bytes.first_mut() {
            *first = if v6 { 0x60 } else { 0x45 | *first & 0xa };
        }
        if let (true, Some(fragment)) = (whole, bytes.get_mut(6..8)) {
            if !v6 {
                fragment.fill(0);
            }
        }
        bytes
    })
}

/// The invariants of any input.
fn check_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    for (family, fixed) in [(Family::V4, 20), (Family::V6, 40)] {
        let key = flow_key(family, bytes);
        prop_assert_eq!(key.is_none(), bytes.len() < fixed);
        let expected = key.as_ref().map_or([None; 3], key_hashes);
        prop_assert_eq!(hashes(family, bytes), expected);
        match key {
            Some(FlowKey::V4(flow)) => {
                prop_assert_eq!(family, Family::V4);
                prop_assert!(flow.ported || (flow.sport, flow.dport) == (0, 0));
            }
            Some(FlowKey::V6(flow)) => {
                prop_assert_eq!(family, Family::V6);
                prop_assert!(flow.ported || (flow.sport, flow.dport) == (0, 0));
            }
            None => {}
        }
    }
    Ok(())
}

fn extensions() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let kind = prop::sample::select(vec![HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT]);
    let header = (kind, 1u8..5).prop_map(|(kind, units)| match kind {
        FRAGMENT => (kind, fragment(0, false)),
        _ => (kind, extension(units)),
    });
    vec(header, 0..=8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_have_a_defined_result(bytes in vec(any::<u8>(), 0..200)) {
        check_any(&bytes)?;
    }

    #[test]
    fn nearly_right_packets_have_a_defined_result(bytes in nearly_a_packet()) {
        check_any(&bytes)?;
    }
}

proptest! {
    #[test]
    fn a_connection_over_ipv4_has_one_hash(
        (src, dst) in any::<(u32, u32)>(),
        (sport, dport) in any::<(u16, u16)>(),
        udp in any::<bool>(),
        (ttl, tos) in any::<(u8, u8)>(),
        words in 0usize..=10,
        payload in vec(any::<u8>(), 0..100),
    ) {
        let proto = if udp { UDP } else { TCP };
        let mut plain = V4::new(proto, ports(sport, dport));
        (plain.src, plain.dst) = (src, dst);
        let mut other = plain.clone();
        (other.ttl, other.tos) = (ttl, tos);
        other.options = vec![1; 4 * words];
        other.body.truncate(4);
        other.body.extend(payload);
        prop_assert_eq!(
            hashes(Family::V4, &other.bytes()),
            hashes(Family::V4, &plain.bytes())
        );
        prop_assert_eq!(plain.key(), plain.by_ports(sport, dport));
    }

    #[test]
    fn a_connection_over_ipv6_has_one_hash(
        (src, dst) in any::<([u64; 2], [u64; 2])>(),
        (sport, dport) in any::<(u16, u16)>(),
        (hops, label) in (any::<u8>(), 0u32..1 << 28),
        extensions in extensions(),
        payload in vec(any::<u8>(), 0..100),
    ) {
        let mut plain = tcp6(sport, dport);
        (plain.src, plain.dst) = (src, dst);
        let mut other = plain.clone();
        (other.hops, other.label, other.extensions) = (hops, label, extensions);
        other.body.truncate(4);
        other.body.extend(payload);
        prop_assert_eq!(
            hashes(Family::V6, &other.bytes()),
            hashes(Family::V6, &plain.bytes())
        );
        prop_assert_eq!(plain.key(), plain.by_ports(sport, dport));
    }

    #[test]
    fn an_error_has_the_key_of_incoming_packets(
        (local, peer, router) in any::<(u32, u32, u32)>(),
        (local6, peer6) in any::<([u64; 2], [u64; 2])>(),
        (lport, pport) in any::<(u16, u16)>(),
        words in 0usize..=10,
        extensions in extensions(),
    ) {
        let mut sent = tcp4(lport, pport);
        (sent.src, sent.dst, sent.options) = (local, peer, vec![1; 4 * words]);
        let mut incoming = tcp4(pport, lport);
        (incoming.src, incoming.dst) = (peer, local);
        let mut error = V4::new(1, icmp(3, &sent.bytes()));
        (error.src, error.dst) = (router, local);
        prop_assert_eq!(error.key(), incoming.key());
        prop_assert_eq!(incoming.key().map(FlowKey::reversed), sent.key());

        let mut sent = tcp6(lport, pport);
        (sent.src, sent.dst, sent.extensions) = (local6, peer6, extensions);
        let mut incoming = tcp6(pport, lport);
        (incoming.src, incoming.dst) = (peer6, local6);
        let mut error = V6::new(58, icmp(1, &sent.bytes()));
        error.dst = local6;
        prop_assert_eq!(error.key(), incoming.key());
    }

    #[test]
    fn siphash_takes_both_directions_alike(
        packet in any::<[u8; 44]>(),
        (src, dst) in any::<(u32, u32)>(),
    ) {
        let key6 = flow_key(Family::V6, &packet[..]).unwrap();
        let mut packet = tcp4(1000, 80);
        (packet.src, packet.dst) = (src, dst);
        let key4 = packet.key().unwrap();
        for key in [key4, key6] {
            prop_assert_eq!(key_hashes(&key)[0], key_hashes(&key.reversed())[0]);
        }
    }

    #[test]
    fn every_bit_of_a_tuple_counts(bit in 0usize..96, noise in any::<[u8; 12]>()) {
        // CRC-32C and Toeplitz: a single bit always changes a linear hash.
        let mut bytes = tcp4(0, 0).bytes();
        bytes[12..24].copy_from_slice(&noise);
        let [_, crc, toeplitz] = hashes(Family::V4, &bytes);
        bytes[12 + bit / 8] ^= 1 << (bit % 8);
        let [_, other_crc, other_toeplitz] = hashes(Family::V4, &bytes);
        prop_assert_ne!(crc, other_crc);
        prop_assert_ne!(toeplitz, other_toeplitz);
    }
}

/// The control of `siphash_takes_both_directions_alike`.
#[test]
fn the_linear_hashes_tell_directions_apart() {
    for key in [tcp4(1000, 80).key().unwrap(), tcp6(1000, 80).key().unwrap()] {
        let ([_, crc, toeplitz], [_, back_crc, back_toeplitz]) =
            (key_hashes(&key), key_hashes(&key.reversed()));
        assert_ne!(crc, back_crc);
        assert_ne!(toeplitz, back_toeplitz);
    }
}

#[test]
fn no_offset_is_too_large_to_ask_for() {
    let bytes: &[u8] = &[1, 2, 3];
    assert_eq!(bytes.read(1), Some([2, 3]));
    assert_eq!(bytes.read::<0>(3), Some([]));
    assert_eq!(bytes.read::<3>(1), None);
    assert_eq!(bytes.read::<1>(usize::MAX), None);
}
