// SPDX-License-Identifier: GPL-2.0

//! What of a packet matters to its connection.

use crate::build::{fragment, icmp, ports, tcp4, tcp6, V4, V6};
use flowbucket_model::conn::state::{Says, FIN, SYN};
use flowbucket_model::conn::{Key, Seen, State};
use flowbucket_model::packet::{Family, TCP, UDP, UDP_LITE};

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// A TCP header with these flags.
fn tcp(sport: u16, dport: u16, flags: u8) -> Vec<u8> {
    let mut header = ports(sport, dport);
    header.resize(20, 0);
    header[13] = flags;
    header
}

fn seen4(proto: u8, body: Vec<u8>) -> Option<Seen> {
    Seen::parse(Family::V4, &V4::new(proto, body).bytes()[..])
}

fn seen6(packet: &V6) -> Option<Seen> {
    Seen::parse(Family::V6, &packet.bytes()[..])
}

#[test]
fn tcp_tells_its_flags() {
    for flags in [SYN, SYN | 16, 16, FIN | 16, 4] {
        let seen = seen4(TCP, tcp(1000, 80, flags)).expect("a packet");
        assert_eq!(seen.says, Says::Tcp(flags));
        assert_eq!((seen.key.proto(), seen.key.is_v6()), (TCP, false));
        let seen = seen6(&V6::new(TCP, tcp(1000, 80, flags))).expect("a packet");
        assert_eq!(seen.says, Says::Tcp(flags));
        assert_eq!((seen.key.proto(), seen.key.is_v6()), (TCP, true));
    }
}

#[test]
fn both_directions_have_one_key() {
    for key in [tcp4(1000, 80).key(), tcp6(1000, 80).key()] {
        let flow = key.expect("a flow");
        let ((there, down), (back, up)) = (Key::of(&flow), Key::of(&flow.reversed()));
        assert_eq!(there, back);
        assert_ne!(down, up);
        assert!(there.low() < there.high());
        let mut both = [there.low().port, there.high().port];
        both.sort_unstable();
        assert_eq!(both, [80, 1000]);
    }
}

#[test]
fn others_say_less() {
    for proto in [UDP, UDP_LITE] {
        let says = |seen: Option<Seen>| seen.map(|seen| seen.says);
        assert_eq!(says(seen4(proto, ports(5, 6))), Some(Says::Udp));
        let packet = V6::new(proto, ports(5, 6));
        assert_eq!(says(seen6(&packet)), Some(Says::Udp));
        // Without ports there is no telling what it is.
        assert_eq!(says(seen4(proto, vec![0; 2])), Some(Says::Other));
        let packet = packet.with(44, fragment(0, true));
        assert_eq!(says(seen6(&packet)), Some(Says::Other));
    }
    let short = seen4(TCP, ports(1000, 80)[..8].to_vec()).expect("a packet");
    assert_eq!(short.says, Says::Other);
    // A question is of a connection of its own, an error of the one that it is about.
    assert_eq!(
        seen4(ICMP, icmp(8, &[])).map(|seen| seen.says),
        Some(Says::Other)
    );
    assert!(seen4(ICMP, icmp(3, &tcp4(1, 2).bytes())).is_none());
    let error = V6::new(ICMPV6, icmp(1, &tcp6(1, 2).bytes()));
    assert!(seen6(&error).is_none());
    assert!(Seen::parse(Family::V4, &[0x45u8; 8][..]).is_none());
    assert!(Seen::parse(Family::V6, &[0x60u8; 39][..]).is_none());
}

#[test]
fn states_have_names_and_timeouts() {
    for state in State::ALL {
        let same = |other: &&State| other.name() == state.name();
        assert_eq!(State::ALL.iter().filter(same).count(), 1);
        assert!(state.default_timeout() > 0);
    }
    let waits = [State::HalfOpen, State::Established].map(State::default_timeout);
    assert!(waits[0] < waits[1]);
}
