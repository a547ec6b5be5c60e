// SPDX-License-Identifier: GPL-2.0

//! Real sequences of TCP packets.

use crate::world::{packet, tcp, Real, Tracker};
use flowbucket_model::conn::state::{Says, FIN, RST, SYN};
use flowbucket_model::conn::{Seen, State, Tracked};
use State::{Closed, Closing, Established, HalfOpen, TimeWait, Udp};

const ACK: u8 = 16;

/// Two ends, the client the higher one.
fn up(flags: u8) -> Seen {
    tcp(9, 5, flags)
}

fn down(flags: u8) -> Seen {
    tcp(5, 9, flags)
}

/// How far the connection is after each packet.
fn states(packets: &[Seen]) -> Vec<State> {
    let mut real = Real::default();
    (packets.iter())
        .map(|seen| match real.track(seen, 0, true) {
            Tracked::New(state) | Tracked::Known(_, state) => state,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn both_directions() {
    let packets = [
        up(SYN),
        down(SYN | ACK),
        up(ACK),
        up(ACK),
        down(ACK),
        up(FIN | ACK),
        down(ACK),
        down(FIN | ACK),
        up(ACK),
    ];
    let expected = [
        HalfOpen,
        HalfOpen,
        Established,
        Established,
        Established,
        Closing,
        Closing,
        TimeWait,
        TimeWait,
    ];
    assert_eq!(states(&packets), expected);
}

#[test]
fn one_direction() {
    let server = [up(SYN), up(ACK), up(ACK), up(FIN | ACK), up(ACK)];
    assert_eq!(
        states(&server),
        [HalfOpen, Established, Established, Closing, Closing]
    );
    let client = [down(SYN | ACK), down(ACK), down(FIN | ACK)];
    assert_eq!(states(&client), [HalfOpen, Established, Closing]);
    let found_midway = [up(ACK), up(ACK), up(RST)];
    assert_eq!(states(&found_midway), [HalfOpen, Established, Closed]);
}

#[test]
fn again_with_the_same_ports() {
    let reset = [up(SYN), down(RST | ACK), up(SYN), down(SYN | ACK), up(ACK)];
    assert_eq!(
        states(&reset),
        [HalfOpen, Closed, HalfOpen, HalfOpen, Established]
    );
    let closed = [
        up(ACK),
        up(FIN),
        down(FIN),
        down(SYN),
        down(ACK),
        down(FIN),
        up(FIN),
    ];
    let expected = [
        HalfOpen,
        Closing,
        TimeWait,
        HalfOpen,
        Established,
        Closing,
        TimeWait,
    ];
    assert_eq!(states(&closed), expected);
}

#[test]
fn forged_packets_do_little() {
    let forged = [up(SYN), up(ACK), up(SYN), up(RST), up(ACK)];
    assert_eq!(
        states(&forged),
        [HalfOpen, Established, Established, Closed, Established]
    );
    // Nor do first packets again and again make one established.
    assert_eq!(states(&[up(SYN), up(SYN), up(SYN)]), [HalfOpen; 3]);
}

#[test]
fn others() {
    let udp = packet(9, 5, 17, Says::Udp);
    assert_eq!(states(&[udp, udp]), [HalfOpen, Udp]);
    let other = packet(9, 5, 47, Says::Other);
    assert_eq!(states(&[other, other]), [HalfOpen, State::Other]);
}
