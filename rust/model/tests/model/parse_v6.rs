// SPDX-License-Identifier: GPL-2.0

//! IPv6 packets: extension headers within and beyond the bound, fragments, damage.

use crate::build::{
    extension, fragment, ports, tcp6, DESTINATION, FRAGMENT, HOP_BY_HOP, ROUTING, V6,
};
use flowbucket_model::packet::{flow_key, Family, FlowKey, TCP, UDP, UDP_LITE};

const ESP: u8 = 50;
const AH: u8 = 51;
const NO_NEXT: u8 = 59;

#[test]
fn the_fields_are_those_on_the_wire() {
    let Some(FlowKey::V6(flow)) = tcp6(0x1234, 0xabcd).key() else {
        panic!("no IPv6 key");
    };
    assert_eq!(flow.src, [0x2001_0db8_0000_0001, 0xaa]);
    assert_eq!(flow.dst, [0x2001_0db8_0000_0002, 0x0202_b3ff_fe1e_8329]);
    assert_eq!((flow.sport, flow.dport), (0x1234, 0xabcd));
    assert_eq!((flow.proto, flow.ported), (TCP, true));
}

#[test]
fn protocols_with_ports_go_by_them() {
    for proto in 0..=255 {
        if matches!(proto, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION) {
            continue;
        }
        let packet = V6::new(proto, ports(1000, 80));
        let expected = match proto {
            TCP | UDP | UDP_LITE => packet.by_ports(1000, 80),
            _ => packet.by_addresses(proto),
        };
        assert_eq!(packet.key(), expected, "protocol {proto}");
    }
}

#[test]
fn extension_headers_are_stepped_over() {
    for kind in [HOP_BY_HOP, ROUTING, DESTINATION] {
        for units in [1, 2, 255] {
            let packet = tcp6(1000, 80).with(kind, extension(units));
            assert_eq!(packet.key(), packet.by_ports(1000, 80), "{kind} {units}");
        }
    }
    let packet = tcp6(1000, 80)
        .with(HOP_BY_HOP, extension(1))
        .with(DESTINATION, extension(3))
        .with(ROUTING, extension(2))
        .with(FRAGMENT, fragment(0, false))
        .with(DESTINATION, extension(1));
    assert_eq!(packet.key(), packet.by_ports(1000, 80));
}

#[test]
fn eight_extension_headers_are_the_bound() {
    for count in 0..12 {
        let mut packet = tcp6(1000, 80);
        for i in 0..count {
            packet = match i % 2 {
                0 => packet.with(DESTINATION, extension(1)),
                _ => packet.with(ROUTING, extension(1)),
            };
        }
        // Stopped before the ninth, which is the fifth destination header.
        let expected = match count {
            0..=8 => packet.by_ports(1000, 80),
            _ => packet.by_addresses(DESTINATION),
        };
        assert_eq!(packet.key(), expected, "{count} headers");
    }
}

#[test]
fn the_header_after_the_eighth_may_be_anything_else() {
    let mut packet = V6::new(AH, vec![0; 24]);
    for _ in 0..8 {
        packet = packet.with(HOP_BY_HOP, extension(1));
    }
    assert_eq!(packet.key(), packet.by_addresses(AH));
}

#[test]
fn opaque_headers_end_the_walk() {
    for proto in [AH, ESP, NO_NEXT] {
        let packet = V6::new(proto, ports(1000, 80)).with(DESTINATION, extension(1));
        assert_eq!(packet.key(), packet.by_addresses(proto), "{proto}");
        let empty = V6::new(proto, Vec::new());
        assert_eq!(empty.key(), empty.by_addresses(proto), "{proto}");
    }
}

#[test]
fn every_fragment_goes_by_addresses() {
    for (offset, more) in [(0, true), (1, true), (185, false), (0x1fff, false)] {
        let packet = tcp6(1000, 80).with(FRAGMENT, fragment(offset, more));
        assert_eq!(packet.key(), packet.by_addresses(TCP), "{offset} {more}");
        let behind = tcp6(1000, 80)
            .with(HOP_BY_HOP, extension(1))
            .with(FRAGMENT, fragment(offset, more));
        assert_eq!(behind.key(), packet.key(), "{offset} {more}");
    }
}

#[test]
fn all_fragments_of_a_packet_have_one_key() {
    // The first has a destination header behind its fragment header, the others only data.
    let first = tcp6(1000, 80)
        .with(FRAGMENT, fragment(0, true))
        .with(DESTINATION, extension(1));
    let rest = V6::new(DESTINATION, vec![0x77; 64]).with(FRAGMENT, fragment(64, false));
    assert_eq!(first.key(), first.by_addresses(DESTINATION));
    assert_eq!(rest.key(), first.key());
}

#[test]
fn atomic_fragments_are_whole_packets() {
    let packet = tcp6(1000, 80).with(FRAGMENT, fragment(0, false));
    assert_eq!(packet.key(), packet.by_ports(1000, 80));
}

#[test]
fn another_version_hides_the_ports() {
    for version in [0, 4, 5, 7, 15] {
        let mut packet = tcp6(1000, 80);
        packet.version = version;
        assert_eq!(packet.key(), packet.by_addresses(TCP), "version {version}");
    }
}

#[test]
fn a_cut_packet_has_a_key_as_long_as_its_fixed_header_is_whole() {
    let packet = tcp6(1000, 80)
        .with(HOP_BY_HOP, extension(2))
        .with(FRAGMENT, fragment(0, false));
    let bytes = packet.bytes();
    for len in 0..bytes.len() {
        let expected = match len {
            0..40 => None,
            // Of a header at least its first 8 bytes must be there.
            40..48 => packet.by_addresses(HOP_BY_HOP),
            48..64 => packet.by_addresses(FRAGMENT),
            64..68 => packet.by_addresses(TCP),
            _ => packet.by_ports(1000, 80),
        };
        assert_eq!(flow_key(Family::V6, &bytes[..len]), expected, "{len} bytes");
    }
    let plain = tcp6(1000, 80);
    for len in 40..44 {
        let key = flow_key(Family::V6, &plain.bytes()[..len]);
        assert_eq!(key, plain.by_addresses(TCP), "{len} bytes");
    }
}

#[test]
fn a_header_longer_than_the_packet_is_no_way_out_of_it() {
    let mut long = extension(1);
    long[1] = 255;
    let packet = tcp6(1000, 80).with(DESTINATION, long);
    assert_eq!(packet.key(), packet.by_addresses(TCP));
}

#[test]
fn the_payload_length_does_not_matter() {
    let packet = tcp6(1000, 80);
    for len in [0u16, 1, 3, 65_535] {
        let mut bytes = packet.bytes();
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        assert_eq!(
            flow_key(Family::V6, &bytes[..]),
            packet.by_ports(1000, 80),
            "{len} bytes"
        );
    }
}

#[test]
fn reversing_twice_changes_nothing() {
    let key = tcp6(1000, 80).key().unwrap();
    assert_ne!(key.reversed(), key);
    assert_eq!(key.reversed().reversed(), key);
}
