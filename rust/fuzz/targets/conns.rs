// SPDX-License-Identifier: GPL-2.0

//! Any packets, waits and walks: the table of connections does what the book says, that of its
//! own tests.
//!
//! Input: again and again a byte that says what, and what belongs to it: a packet with two
//! bytes of length before it, a wait, a walk.

#![no_main]

use flowbucket_model::conn::{Conn, Ms, Seen, State, Tracked};
use flowbucket_model::packet::Family;
use libfuzzer_sys::fuzz_target;
use std::hash::{DefaultHasher, Hash, Hasher};
use steps::{follow, Step};
use world::{Real, Tracker};

#[path = "../../model/tests/conn/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../../model/tests/conn/reference.rs"]
mod reference;
#[path = "../../model/tests/conn/steps.rs"]
mod steps;
#[path = "../../model/tests/conn/world.rs"]
#[allow(dead_code)]
mod world;

/// Takes so many bytes off the front.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn step(rest: &mut &[u8]) -> Option<Step> {
    let kind = take(rest, 1)?[0];
    Some(match kind {
        0..=239 => {
            let len = u16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
            let packet = take(rest, usize::from(len).min(rest.len()))?;
            let family = match packet.first().map(|byte| byte >> 4) {
                Some(4) => Family::V4,
                _ => Family::V6,
            };
            let Some(seen) = Seen::parse(family, packet) else {
                return Some(Step::Wait(0));
            };
            let mut hasher = DefaultHasher::new();
            seen.key.hash(&mut hasher);
            let seen = Seen {
                // So few that some are the same, and so many that no input makes a chain so long
                // that it is not followed to its end: the book knows no chains, and limits.rs
                // tests that.
                hash: (hasher.finish() % 256) as u32 * 0x0101_0101,
                len: len.into(),
                net: u32::from(kind & 1),
                ..seen
            };
            Step::Packet(seen, kind & 6 != 0)
        }
        240..=251 => Step::Wait(u32::from(kind - 239) * 10),
        _ => Step::Expire(u32::from(kind - 251)),
    })
}

/// The control: a table that does not tell namespaces apart.
#[derive(Default)]
struct Mixed(Real);

impl Tracker for Mixed {
    fn track(&mut self, seen: &Seen, now: Ms, room: bool) -> Tracked {
        self.0.track(&Seen { net: 0, ..*seen }, now, room)
    }
    fn expire(&mut self, now: Ms, most: u32) -> u32 {
        self.0.expire(now, most)
    }
    fn conns(&self) -> Vec<Conn> {
        self.0.conns()
    }
    fn counts(&self) -> [u16; State::COUNT] {
        self.0.counts()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let steps: Vec<Step> = std::iter::from_fn(|| step(&mut rest)).collect();
    let result = match cfg!(feature = "broken") {
        false => follow(&mut Real::default(), &steps),
        true => follow(&mut Mixed::default(), &steps),
    };
    assert_eq!(result, Ok(()));
});
