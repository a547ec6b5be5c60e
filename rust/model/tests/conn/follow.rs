// SPDX-License-Identifier: GPL-2.0

//! Any packets, any times: the table does what the book says.

use crate::host::LEFT;
use crate::steps::{follow, Step};
use crate::world::{packet, tcp, Real, Tracker};
use flowbucket_model::conn::state::{Says, FIN, RST, SYN};
use flowbucket_model::conn::{Conn, Ms, Seen, State, Tracked};
use proptest::collection::vec;
use proptest::prelude::*;

fn step(people: u32) -> impl Strategy<Value = Step> {
    let flags = prop_oneof![
        4 => Just(SYN), 2 => Just(SYN | 16), 6 => Just(16u8), 2 => Just(FIN | 16), 1 => Just(RST)
    ];
    let seen = (0..people, 0..people, flags, 0..10u32, 0..2u32).prop_map(
        |(from, to, flags, kind, net)| {
            let seen = match kind {
                0 => packet(from, to, 17, Says::Udp),
                1 => packet(from, to, 1, Says::Other),
                _ => tcp(from, to, flags),
            };
            Seen { net, ..seen }
        },
    );
    prop_oneof![
        20 => (seen, prop::bool::weighted(0.9)).prop_map(|(seen, room)| Step::Packet(seen, room)),
        3 => (0..100u32).prop_map(Step::Wait),
        1 => (1..20u32).prop_map(Step::Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn as_the_book_says(steps in (2u32..60).prop_flat_map(|people| vec(step(people), 1..1500))) {
        prop_assert_eq!(follow(&mut Real::default(), &steps), Ok(()));
    }

    /// Without memory a connection is not tracked; nothing else changes.
    #[test]
    fn memory_may_end(left in 0usize..60) {
        let mut real = Real::default();
        LEFT.set(left);
        let tracked = (0..2000).filter(|&at| real.track(&tcp(at, 1 << 20, SYN), 0, true) != Tracked::Full);
        let tracked: Vec<u32> = tracked.collect();
        LEFT.set(usize::MAX);
        prop_assert_eq!(tracked.len(), real.0.len());
        for &at in &tracked {
            let again = real.track(&tcp(at, 1 << 20, 16), 1, false);
            prop_assert_eq!(again, Tracked::Known(State::HalfOpen, State::Established));
        }
        prop_assert_eq!(real.expire(5000, 7) as usize, tracked.len());
        prop_assert!(real.0.is_empty());
    }
}

/// Wrong in one way each.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Forgets every fiftieth record.
    Loses,
    /// The other direction is another connection.
    OneWay,
    /// Nothing is ever forgotten.
    Hoards,
    /// The newest goes first.
    Lifo,
    /// A namespace does not matter.
    Mixes,
}

struct Wrong(Real, Fault, u32);

impl Tracker for Wrong {
    fn track(&mut self, seen: &Seen, now: Ms, room: bool) -> Tracked {
        self.2 += 1;
        let mut seen = *seen;
        match self.1 {
            Fault::Loses if self.2 % 50 == 0 => return Tracked::Full,
            Fault::OneWay if seen.down => seen.net += 7,
            Fault::Mixes => seen.net = 0,
            Fault::Lifo if !room => return Tracked::Full,
            _ => {}
        }
        self.0.track(&seen, now, room)
    }
    fn expire(&mut self, now: Ms, most: u32) -> u32 {
        match self.1 {
            Fault::Hoards => 0,
            _ => self.0.expire(now, most),
        }
    }
    fn conns(&self) -> Vec<Conn> {
        self.0.conns()
    }
    fn counts(&self) -> [u16; State::COUNT] {
        self.0.counts()
    }
}

#[test]
fn what_is_wrong_is_noticed() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    for fault in [
        Fault::Loses,
        Fault::OneWay,
        Fault::Hoards,
        Fault::Lifo,
        Fault::Mixes,
    ] {
        let mut runner = TestRunner::deterministic();
        let noticed = (0..20).any(|_| {
            let steps = vec(step(20), 1000..1500)
                .new_tree(&mut runner)
                .expect("a case");
            follow(&mut Wrong(Real::default(), fault, 0), &steps.current()).is_err()
        });
        assert!(noticed, "{fault:?}");
    }
}
