// SPDX-License-Identifier: GPL-2.0

//! IPv4 packets, whole, unusual and damaged.

use crate::build::{ports, tcp4, DF, MF, V4};
use flowbucket_model::packet::{flow_key, Family, FlowKey, TCP, UDP, UDP_LITE};

const SCTP: u8 = 132;
const GRE: u8 = 47;

#[test]
fn the_fields_are_those_on_the_wire() {
    let Some(FlowKey::V4(flow)) = tcp4(0x1234, 0xabcd).key() else {
        panic!("no IPv4 key");
    };
    assert_eq!((flow.src, flow.dst), (0xc000_0201, 0xc633_6402));
    assert_eq!((flow.sport, flow.dport), (0x1234, 0xabcd));
    assert_eq!((flow.proto, flow.ported), (TCP, true));
}

#[test]
fn protocols_with_ports_go_by_them() {
    for proto in 0..=255 {
        let packet = V4::new(proto, ports(1000, 80));
        let expected = match proto {
            TCP | UDP | UDP_LITE => packet.by_ports(1000, 80),
            _ => packet.by_addresses(),
        };
        assert_eq!(packet.key(), expected, "protocol {proto}");
    }
}

#[test]
fn every_fragment_goes_by_addresses() {
    for (fragment, by_ports) in [
        (0, true),
        (DF, true),
        (0x8000, true), // the reserved bit
        (MF, false),
        (MF | DF, false),
        (1, false),
        (0x1fff, false),
        (MF | 185, false),
    ] {
        let mut packet = tcp4(1000, 80);
        packet.fragment = fragment;
        let expected = match by_ports {
            true => packet.by_ports(1000, 80),
            false => packet.by_addresses(),
        };
        assert_eq!(packet.key(), expected, "{fragment:#x}");
    }
}

#[test]
fn options_are_stepped_over() {
    for words in 0..=10 {
        let mut packet = tcp4(1000, 80);
        packet.options = vec![0x01; 4 * words];
        assert_eq!(packet.key(), packet.by_ports(1000, 80), "{words} words");
    }
}

#[test]
fn a_bad_header_length_hides_the_ports() {
    for ihl in 0..5 {
        let mut packet = tcp4(1000, 80);
        packet.ihl = Some(ihl);
        assert_eq!(packet.key(), packet.by_addresses(), "{ihl} words");
    }
    // Longer than the packet.
    let mut packet = tcp4(1000, 80);
    packet.ihl = Some(15);
    assert_eq!(packet.key(), packet.by_addresses());
}

#[test]
fn another_version_hides_the_ports() {
    for version in [0, 5, 6, 15] {
        let mut packet = tcp4(1000, 80);
        packet.version = version;
        assert_eq!(packet.key(), packet.by_addresses(), "version {version}");
    }
}

#[test]
fn the_total_length_does_not_matter() {
    // 0 is what large GRO packets carry.
    for total in [0, 1, 19, 20, 23, 24, 40, 65_535] {
        let mut packet = tcp4(1000, 80);
        packet.total = Some(total);
        assert_eq!(packet.key(), packet.by_ports(1000, 80), "{total} bytes");
    }
}

#[test]
fn a_cut_packet_has_a_key_as_long_as_its_fixed_header_is_whole() {
    for options in [0, 8] {
        let mut packet = tcp4(1000, 80);
        packet.options = vec![1; options];
        let bytes = packet.bytes();
        for len in 0..bytes.len() {
            let expected = match len {
                0..20 => None,
                _ if len < 24 + options => packet.by_addresses(),
                _ => packet.by_ports(1000, 80),
            };
            assert_eq!(flow_key(Family::V4, &bytes[..len]), expected, "{len} bytes");
        }
    }
}

#[test]
fn udp_without_payload_goes_by_ports() {
    // Length field 0, 8 (a header alone), and a lie.
    for len in [0u16, 8, 65_535] {
        let mut body = ports(53, 5353)[..4].to_vec();
        body.extend(len.to_be_bytes());
        body.extend([0, 0]);
        let packet = V4::new(UDP, body);
        assert_eq!(packet.key(), packet.by_ports(53, 5353), "length {len}");
    }
}

#[test]
fn ports_of_zero_are_not_no_ports() {
    let packet = tcp4(0, 0);
    assert_eq!(packet.key(), packet.by_ports(0, 0));
    assert_ne!(packet.key(), packet.by_addresses());
}

#[test]
fn other_protocols_differ_by_protocol() {
    assert_ne!(
        V4::new(SCTP, ports(1, 2)).key(),
        V4::new(GRE, ports(1, 2)).key()
    );
}

#[test]
fn reversing_twice_changes_nothing() {
    let key = tcp4(1000, 80).key().unwrap();
    assert_ne!(key.reversed(), key);
    assert_eq!(key.reversed().reversed(), key);
    let Some(FlowKey::V4(back)) = Some(key.reversed()) else {
        panic!("no IPv4 key");
    };
    assert_eq!((back.sport, back.dport), (80, 1000));
}
