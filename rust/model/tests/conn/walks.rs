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
    let mut walk = real.0.begin_walk(0);
    loop {
        let visit = |conn: &mut flowbucket_model::conn::Conn| {
            visited.push(conn.key);
            Visit::Keep
        };
        if real.0.walk(&mut walk, 77, 1, &TIMEOUTS, visit).over {
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
    let mut walk = real.0.begin_walk(0);
    let mut next = 1000;
    loop {
        let slice = real.0.walk(&mut walk, 50, 59, &TIMEOUTS, |_| Visit::Keep);
        if slice.over {
            break;
        }
        // Half-open ones make way for others, which are due later.
        for _ in 0..20 {
            real.0.track(
                &tcp(next, 1 << 24, SYN),
                59,
                |state| TIMEOUTS.of(state),
                || false,
            );
            next += 1;
        }
    }
    assert_eq!(real.0.len(), 1000);
    assert!(!real.0.is_due_at(59, 0) && real.0.is_due_at(60, 0));
    let old = real.conns().iter().filter(|conn| conn.seen == 0).count() as u32;
    assert!(old > 0 && old < 1000);
    assert_eq!(real.expire(60, 13), old);
    assert!(!real.0.is_due_at(60, 0) && real.0.is_due_at(119, 0));
    assert_eq!(real.expire(119, 13), 1000 - old);
    assert!(!real.0.is_due_at(1 << 20, 0));
}

/// A walk that does not end, because its bucket goes elsewhere, leaves it due.
#[test]
fn an_unfinished_walk_is_begun_again() {
    let mut real = Real::default();
    many(&mut real, 0, 100);
    let mut walk = real.0.begin_walk(0);
    real.0.walk(&mut walk, 10, 60, &TIMEOUTS, |_| Visit::Keep);
    assert!(real.0.is_due_at(60, 0));
    assert_eq!(real.expire(60, 1000), 90);
}

#[test]
fn visitors_are_heard() {
    let mut real = Real::default();
    many(&mut real, 0, 10);
    let mut walk = real.0.begin_walk(0);
    let mut count = 0;
    let visit = |_: &mut _| {
        count += 1;
        match count {
            1 => Visit::Forget,
            2 => Visit::Until(30),
            _ => Visit::Keep,
        }
    };
    let slice = real.0.walk(&mut walk, 100, 1, &TIMEOUTS, visit);
    assert_eq!((slice.walked, slice.expired, slice.over), (10, 1, true));
    assert!(!real.0.is_due_at(29, 0) && real.0.is_due_at(30, 0));
}

/// A table goes elsewhere in the middle of a walk, is walked through there, and comes back.
#[test]
fn an_old_walk_does_no_harm() {
    let mut real = Real::default();
    many(&mut real, 0, 100);
    let mut old = real.0.begin_walk(0);
    real.0.walk(&mut old, 10, 1, &TIMEOUTS, |_| Visit::Keep);
    assert_eq!(real.expire(60, 1000), 100);
    many(&mut real, 0, 100);
    let slice = real.0.walk(&mut old, 1000, 1, &TIMEOUTS, |_| Visit::Keep);
    assert_eq!((slice.walked, slice.over), (0, true));
    assert!(real.0.is_due_at(60, 0));
}

/// Other timeouts are for all to see, wherever they are.
#[test]
fn another_epoch_is_due() {
    let mut real = Real::default();
    assert!(!real.0.is_due_at(1, 1));
    many(&mut real, 0, 1);
    assert!(real.0.is_due_at(1, 1) && !real.0.is_due_at(1, 0));
    let mut walk = real.0.begin_walk(1);
    real.0.walk(&mut walk, 10, 1, &TIMEOUTS, |_| Visit::Keep);
    assert!(!real.0.is_due_at(1, 1) && real.0.is_due_at(1, 0));
}
