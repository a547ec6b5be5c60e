// SPDX-License-Identifier: GPL-2.0

//! The inbox under all interleavings that its memory orderings allow.
//!
//! The control takes the full barriers out; then the check must fail.

use super::inbox::{Inbox, Reader};
use super::sync::{without_barriers, Word};
use loom::sync::Arc;
use loom::thread;
use std::num::NonZeroUsize;

fn inbox(places: usize) -> Arc<Inbox<Vec<Word>>> {
    let slots = (0..places).map(|_| Word::new(0)).collect();
    Arc::new(Inbox::new(slots).unwrap())
}

fn packet(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// All interleavings in which threads are preempted at most three times.
fn explore(property: fn()) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(property);
}

/// One softirq of the owner: everything there is, then to rest, and again if
/// something came in.
fn serve(inbox: &Inbox<Vec<Word>>, reader: &Reader, got: &mut Vec<usize>) {
    loop {
        while let Some(packet) = reader.take(inbox) {
            got.push(packet.get());
        }
        reader.release(inbox);
        if !reader.rest(inbox) {
            break;
        }
    }
}

/// Two producers and an owner that runs once meanwhile. When all is quiet, a
/// packet that is still in the inbox has somebody who was told to wake the owner.
fn nobody_sleeps_on_a_packet() {
    let inbox = inbox(4);
    let producers: Vec<_> = (1..=2)
        .map(|n| {
            let inbox = inbox.clone();
            thread::spawn(move || inbox.push(packet(n)).unwrap())
        })
        .collect();
    let reader = Reader::default();
    let mut got = Vec::new();
    serve(&inbox, &reader, &mut got);
    let wakes = producers
        .into_iter()
        .map(|producer| usize::from(producer.join().unwrap()))
        .sum::<usize>();
    let before = got.len();
    // What the woken owner will find.
    while let Some(packet) = reader.take(&inbox) {
        got.push(packet.get());
    }
    assert!(
        got.len() == before || inbox.is_awake(),
        "asleep over a packet"
    );
    assert!(!inbox.is_awake() || wakes > 0, "awake, but nobody wakes it");
    got.sort_unstable();
    assert_eq!(got, [1, 2], "each packet once");
}

/// A ring that is smaller than what goes through it: places are used again, and
/// each producer's packets stay in order.
fn order_is_kept() {
    let inbox = inbox(2);
    let other = {
        let inbox = inbox.clone();
        thread::spawn(move || {
            let mut put = Vec::new();
            for n in [11, 12] {
                if inbox.push(packet(n)).is_ok() {
                    put.push(n);
                }
            }
            put
        })
    };
    let reader = Reader::default();
    let mut put = Vec::new();
    let mut got = Vec::new();
    for n in [1, 2] {
        if inbox.push(packet(n)).is_ok() {
            put.push(n);
        }
        if let Some(packet) = reader.take(&inbox) {
            got.push(packet.get());
        }
        reader.release(&inbox);
    }
    let theirs = other.join().unwrap();
    while let Some(packet) = reader.take(&inbox) {
        got.push(packet.get());
    }
    let (mine, other): (Vec<_>, Vec<_>) = got.into_iter().partition(|n| *n < 10);
    assert_eq!(mine, put);
    assert_eq!(other, theirs);
}

/// The end that was read before is passed only when all before it was taken.
fn passed_means_taken() {
    let inbox = inbox(4);
    inbox.push(packet(1)).unwrap();
    let watcher = {
        let inbox = inbox.clone();
        thread::spawn(move || {
            let end = inbox.end();
            (end, inbox.passed(end))
        })
    };
    let reader = Reader::default();
    let taken = reader.take(&inbox).is_some();
    reader.release(&inbox);
    let (end, passed) = watcher.join().unwrap();
    assert!(end == 1 && taken);
    assert!(inbox.passed(end), "taken, but not passed");
    let _ = passed;
}

#[test]
fn owner_is_woken() {
    explore(nobody_sleeps_on_a_packet);
}

#[test]
#[should_panic(expected = "asleep over a packet")]
fn control_without_barriers_the_owner_oversleeps() {
    let _broken = without_barriers();
    explore(nobody_sleeps_on_a_packet);
}

#[test]
fn packets_keep_their_order() {
    explore(order_is_kept);
}

#[test]
fn draining_waits_for_all() {
    explore(passed_means_taken);
}
