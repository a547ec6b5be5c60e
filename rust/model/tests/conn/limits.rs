// SPDX-License-Identifier: GPL-2.0

//! What it takes, and what it takes at most.

use crate::world::{tcp, Real, Tracker};
use flowbucket_model::conn::state::SYN;
use flowbucket_model::conn::table::MOST;
use flowbucket_model::conn::{State, Tracked};

fn established(count: u32) -> Real {
    let mut real = Real::default();
    for at in 0..count {
        let mut syn = tcp(at, 1 << 24, SYN);
        syn.hash = at.wrapping_mul(0x85eb_ca6b);
        real.track(&syn, 0, true);
        syn.says = flowbucket_model::conn::state::Says::Tcp(16);
        real.track(&syn, 0, true);
    }
    real
}

/// Bytes for each connection, of a million in 4,096 buckets, of more in fewer, and of few.
#[test]
fn memory_is_small() {
    for (count, most) in [(244, 128), (15_625, 128), (60_000, 128), (30, 256)] {
        let real = established(count);
        let each = real.0.memory() / count as usize;
        assert!(each <= most, "{each} bytes each of {count}");
    }
}

/// What many have needed is given back when few are left, and those are found.
#[test]
fn memory_is_given_back() {
    let mut real = established(60_000);
    let much = real.0.memory();
    let ack = |real: &mut Real, at: u32, now| {
        let mut ack = tcp(at, 1 << 24, 16);
        ack.hash = at.wrapping_mul(0x85eb_ca6b);
        real.track(&ack, now, false)
    };
    let known = Tracked::Known(State::Established, State::Established);
    for at in 100..200 {
        assert_eq!(ack(&mut real, at, 900), known);
    }
    assert_eq!(real.expire(1200, 64), 59_900);
    let bound = |count: usize| count * 160 + 2560;
    assert!(real.0.memory() <= bound(100), "{} bytes", real.0.memory());
    assert!(much <= bound(60_000) && much > bound(100));
    for at in 100..200 {
        assert_eq!(ack(&mut real, at, 1300), known);
    }
    assert_eq!(ack(&mut real, 99, 1300), Tracked::Full);
}

#[test]
fn a_flood_pushes_out_itself_alone() {
    let mut real = established(1000);
    let flood = |real: &mut Real, at: u32| {
        let mut syn = tcp(at, 1 << 25, SYN);
        syn.hash = at.wrapping_mul(0x85eb_ca6b);
        real.track(&syn, 1, real.0.len() < 1200)
    };
    for at in 0..100_000 {
        let expected = match at {
            0..200 => Tracked::New(State::HalfOpen),
            _ => Tracked::Instead(State::HalfOpen),
        };
        assert_eq!(flood(&mut real, at), expected);
    }
    assert_eq!(real.counts()[State::Established as usize], 1000);
    assert_eq!(real.0.len(), 1200);
    // With none that is half open there is nobody to make way.
    let mut full = established(10);
    assert_eq!(full.track(&tcp(99, 1, SYN), 1, false), Tracked::Full);
}

#[test]
fn a_bucket_is_bounded() {
    let mut real = established(MOST as u32);
    assert_eq!(real.0.len(), MOST);
    assert_eq!(real.track(&tcp(1, 2, SYN), 1, true), Tracked::Full);
    assert_eq!(real.expire(10_000, 1000) as usize, MOST);
    assert!(real.0.is_empty());
}

/// All of one hash, as with a hash that can be chosen: what it costs is bounded.
#[test]
fn long_chains_are_not_followed() {
    let mut real = Real::default();
    let tracked = (0..1000).filter(|&at| {
        let mut syn = tcp(at, 1 << 24, SYN);
        syn.hash = 77;
        real.track(&syn, 0, true) != Tracked::Full
    });
    let tracked = tracked.count();
    assert!((8..64).contains(&tracked), "{tracked}");
    assert_eq!(real.expire(100, 1000) as usize, tracked);
}
