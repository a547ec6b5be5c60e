// SPDX-License-Identifier: GPL-2.0

//! ICMP and ICMPv6: errors go with the connection they quote, the rest by addresses, and quotes
//! that lie or lack go by the outer addresses.

use crate::build::{
    extension, fragment, icmp, ports, tcp4, tcp6, DESTINATION, FRAGMENT, MF, V4, V6,
};
use flowbucket_model::packet::{flow_key, Family, TCP, UDP, UDP_LITE};

const ICMP: u8 = 1;
const ICMP6: u8 = 58;
const GRE: u8 = 47;

/// An IPv4 error from a router on the way about `quoted`.
fn error4(icmp_type: u8, quoted: &[u8]) -> V4 {
    let mut packet = V4::new(ICMP, icmp(icmp_type, quoted));
    packet.src = 0x0a00_0001;
    packet.dst = 0xc000_0201;
    packet
}

/// An IPv6 error from a router on the way about `quoted`.
fn error6(icmp_type: u8, quoted: &[u8]) -> V6 {
    let mut packet = V6::new(ICMP6, icmp(icmp_type, quoted));
    packet.src = [0xfe80_0000_0000_0000, 1];
    packet
}

/// What the peer of `sent` sends.
fn incoming4(sent: &V4, sport: u16, dport: u16) -> V4 {
    let mut packet = V4::new(sent.proto, ports(sport, dport));
    (packet.src, packet.dst) = (sent.dst, sent.src);
    packet
}

/// What the peer of `sent` sends.
fn incoming6(sent: &V6, sport: u16, dport: u16) -> V6 {
    let mut packet = V6::new(sent.proto, ports(sport, dport));
    (packet.src, packet.dst) = (sent.dst, sent.src);
    packet
}

#[test]
fn errors_go_with_the_connection_they_quote() {
    for proto in [TCP, UDP, UDP_LITE] {
        let sent = V4::new(proto, ports(40_000, 443));
        let incoming = incoming4(&sent, 443, 40_000).key();
        assert!(incoming.is_some());
        for icmp_type in 0..=255 {
            let error = error4(icmp_type, &sent.bytes());
            let expected = match icmp_type {
                3 | 4 | 5 | 11 | 12 => incoming,
                _ => error.by_addresses(),
            };
            assert_eq!(error.key(), expected, "type {icmp_type}");
        }
        let sent = V6::new(proto, ports(40_000, 443));
        let incoming = incoming6(&sent, 443, 40_000).key();
        assert!(incoming.is_some());
        for icmp_type in 0..=255 {
            let error = error6(icmp_type, &sent.bytes());
            let expected = match icmp_type {
                1..=4 => incoming,
                _ => error.by_addresses(ICMP6),
            };
            assert_eq!(error.key(), expected, "type {icmp_type}");
        }
    }
}

#[test]
fn the_quoted_direction_is_reversed() {
    // The control of the test above: the packet as sent has another key.
    let sent = tcp4(40_000, 443);
    assert_ne!(error4(3, &sent.bytes()).key(), sent.key());
    let sent = tcp6(40_000, 443);
    assert_ne!(error6(1, &sent.bytes()).key(), sent.key());
}

#[test]
fn options_and_extension_headers_may_be_anywhere() {
    let mut sent = tcp4(40_000, 443);
    sent.options = vec![1; 12];
    let mut error = error4(11, &sent.bytes());
    error.options = vec![1; 40];
    assert_eq!(error.key(), incoming4(&sent, 443, 40_000).key());

    let sent = tcp6(40_000, 443)
        .with(DESTINATION, extension(2))
        .with(FRAGMENT, fragment(0, false));
    let error = error6(2, &sent.bytes()).with(DESTINATION, extension(1));
    assert_eq!(error.key(), incoming6(&sent, 443, 40_000).key());
}

#[test]
fn a_quote_needs_eight_bytes_behind_its_header() {
    let sent = tcp4(40_000, 443);
    let incoming = incoming4(&sent, 443, 40_000).key();
    for len in 0..=sent.bytes().len() {
        let error = error4(3, &sent.bytes()[..len]);
        let expected = match len {
            0..28 => error.by_addresses(),
            _ => incoming,
        };
        assert_eq!(error.key(), expected, "{len} bytes");
    }
    let sent = tcp6(40_000, 443).with(DESTINATION, extension(1));
    let incoming = incoming6(&sent, 443, 40_000).key();
    for len in 0..=sent.bytes().len() {
        let error = error6(3, &sent.bytes()[..len]);
        let expected = match len {
            0..56 => error.by_addresses(ICMP6),
            _ => incoming,
        };
        assert_eq!(error.key(), expected, "{len} bytes");
    }
}

#[test]
fn a_quoted_fragment_goes_with_the_peers_fragments() {
    for bits in [MF, 1, MF | 100] {
        let mut sent = tcp4(40_000, 443);
        sent.fragment = bits;
        let mut incoming = incoming4(&sent, 1, 2);
        incoming.fragment = 7;
        assert_eq!(error4(3, &sent.bytes()).key(), incoming.key(), "{bits:#x}");
    }
    let sent = tcp6(40_000, 443).with(FRAGMENT, fragment(9, true));
    let incoming = incoming6(&sent, 1, 2).with(FRAGMENT, fragment(0, true));
    assert_eq!(error6(1, &sent.bytes()).key(), incoming.key());
}

#[test]
fn a_quoted_protocol_without_ports_goes_with_the_peers_packets() {
    let sent = V4::new(GRE, Vec::new());
    assert_eq!(error4(3, &sent.bytes()).key(), incoming4(&sent, 1, 2).key());
    let sent = V6::new(GRE, Vec::new());
    assert_eq!(error6(1, &sent.bytes()).key(), incoming6(&sent, 1, 2).key());
}

#[test]
fn quotes_are_followed_one_level() {
    let inner = error4(3, &tcp4(1, 2).bytes());
    let echo = V4::new(ICMP, icmp(8, &[0; 56]));
    let mut piece = V4::new(ICMP, vec![0; 56]);
    piece.fragment = 100;
    for quoted in [inner, echo, piece] {
        let error = error4(11, &quoted.bytes());
        assert_eq!(error.key(), error.by_addresses());
    }
    let inner = error6(1, &tcp6(1, 2).bytes());
    let echo = V6::new(ICMP6, icmp(128, &[0; 56])).with(DESTINATION, extension(1));
    for quoted in [inner, echo] {
        let error = error6(3, &quoted.bytes());
        assert_eq!(error.key(), error.by_addresses(ICMP6));
    }
}

#[test]
fn a_damaged_quote_is_not_followed() {
    let change = |change: fn(&mut V4)| {
        let mut sent = tcp4(40_000, 443);
        change(&mut sent);
        error4(3, &sent.bytes())
    };
    for error in [
        change(|quoted| quoted.version = 6),
        change(|quoted| quoted.version = 0),
        change(|quoted| quoted.ihl = Some(0)),
        change(|quoted| quoted.ihl = Some(4)),
        change(|quoted| quoted.ihl = Some(15)),
        // Another version's packet inside.
        error4(3, &tcp6(40_000, 443).bytes()),
    ] {
        assert_eq!(error.key(), error.by_addresses());
    }
    let mut deep = tcp6(40_000, 443);
    for _ in 0..9 {
        deep = deep.with(DESTINATION, extension(1));
    }
    let mut wrong = tcp6(40_000, 443);
    wrong.version = 4;
    for quoted in [deep.bytes(), wrong.bytes(), tcp4(40_000, 443).bytes()] {
        let error = error6(1, &quoted);
        assert_eq!(error.key(), error.by_addresses(ICMP6));
    }
}

#[test]
fn a_fragmented_error_is_a_fragment() {
    let mut error = error4(3, &tcp4(1, 2).bytes());
    error.fragment = MF;
    assert_eq!(error.key(), error.by_addresses());
    let error = error6(1, &tcp6(1, 2).bytes()).with(FRAGMENT, fragment(0, true));
    assert_eq!(error.key(), error.by_addresses(ICMP6));
}

#[test]
fn the_other_versions_icmp_is_just_a_protocol() {
    let quoted = tcp4(1, 2).bytes();
    let packet = V4::new(ICMP6, icmp(3, &quoted));
    assert_eq!(packet.key(), packet.by_addresses());
    let packet = V6::new(ICMP, icmp(3, &tcp6(1, 2).bytes()));
    assert_eq!(packet.key(), packet.by_addresses(ICMP));
    // And quoted, it is no reason to stop.
    let sent = V4::new(ICMP6, vec![0; 8]);
    assert_eq!(error4(3, &sent.bytes()).key(), incoming4(&sent, 0, 0).key());
}

#[test]
fn an_error_cut_in_its_own_header_goes_by_addresses() {
    for len in 0..8 {
        let error = V4::new(ICMP, icmp(3, &[])[..len].to_vec());
        assert_eq!(
            flow_key(Family::V4, &error.bytes()[..]),
            error.by_addresses()
        );
        let error = V6::new(ICMP6, icmp(1, &[])[..len].to_vec());
        assert_eq!(error.key(), error.by_addresses(ICMP6));
    }
}
