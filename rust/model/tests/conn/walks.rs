// SPDX-License-Identifier: GPL-2.0

//! Walks in slices, while the table changes.

use crate::world::{tcp, Real, Tracker, TIMEOUTS};
use flowbucket_model::conn::state::SYN;
use flowbucket_model::conn::walk::Visit;
use std::collections::HashSet;

fn many(real: &mut Real, from: u32, count: u32) {
    for at in from..from + count {
        real.track(&tcp(at, 1 << 24, SYN), 0, true);
    }
}

#[test]
fn everybody_is_visited_once() {
    let mut real = Real::default();
    many(&mut real, 0, 1000);
    let mut visited = Vec::new();
    let mut walk = real.0.begin_walk();
    loop {
        let visit = |conn: &mut flowbucket_model::conn::Conn| {
            visited.push(conn.key);
            Visit::Keep
        };
        if real.0.walk(&mut walk, 77, 1, &TIMEOUTS, visit, |_| {}).over {
            break;
        }
    }
    assert_eq!(visited.len(), 1000);
    assert_eq!(visited.iter().collect::<HashSet<_>>().len(), 1000);
}

#[test]
fn nothing_is_missed_when_the_table_changes() {
    let mut real = Real::default();
    many(&mut real, 0, 1000);
    let mut walk = real.0.begin_walk();
    let mut next = 1000;
    loop {
        let slice = real
            .0
            .walk(&mut walk, 50, 59, &TIMEOUTS, |_| Visit::Keep, |_| {});
        if slice.over {
            break;
        }
        // Half-open ones make way for others, which are due later.
        for _ in 0..20 {
            real.0
                .track(&tcp(next, 1 << 24, SYN), 59, &TIMEOUTS, || false);
            next += 1;
        }
    }
    assert_eq!(real.0.len(), 1000);
    assert!(!real.0.is_due_at(59) && real.0.is_due_at(60));
    let old = real.conns().iter().filter(|conn| conn.seen == 0).count() as u32;
    assert!(old > 0 && old < 1000);
    assert_eq!(real.expire(60, 13), old);
    assert!(!real.0.is_due_at(60) && real.0.is_due_at(119));
    assert_eq!(real.expire(119, 13), 1000 - old);
    assert!(!real.0.is_due_at(1 << 20));
}

/// A walk that does not end, because its bucket goes elsewhere, leaves it due.
#[test]
fn an_unfinished_walk_is_begun_again() {
    let mut real = Real::default();
    many(&mut real, 0, 100);
    let mut walk = real.0.begin_walk();
    real.0
        .walk(&mut walk, 10, 60, &TIMEOUTS, |_| Visit::Keep, |_| {});
    assert!(real.0.is_due_at(60));
    assert_eq!(real.expire(60, 1000), 90);
}

#[test]
fn visitors_are_heard() {
    let mut real = Real::default();
    many(&mut real, 0, 10);
    let mut left = 0;
    let mut walk = real.0.begin_walk();
    let mut count = 0;
    let visit = |_: &mut _| {
        count += 1;
        match count {
            1 => Visit::Forget,
            2 => Visit::Until(30),
            _ => Visit::Keep,
        }
    };
    let slice = real
        .0
        .walk(&mut walk, 100, 1, &TIMEOUTS, visit, |_| left += 1);
    assert_eq!(
        (slice.walked, slice.expired, slice.over, left),
        (10, 1, true, 1)
    );
    assert!(!real.0.is_due_at(29) && real.0.is_due_at(30));
}
