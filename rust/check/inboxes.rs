// SPDX-License-Identifier: GPL-2.0

//! The inbox under all interleavings that its memory orderings allow.
//!
//! The control takes the full barriers out; then the check must fail.

use super::inbox::{Inbox, Pushed, Reader};
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

/// Puts a packet in that has no reason to go elsewhere: whether it is in, and
/// whether to wake the owner.
fn push(inbox: &Inbox<Vec<Word>>, n: usize) -> (bool, bool) {
    match inbox.push(packet(n), 0, || true) {
        Pushed::In { wake } => (true, wake),
        Pushed::Moved { wake } => (false, wake),
        Pushed::Full => (false, false),
    }
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
        if !reader.rest(inbox, || false) {
            break;
        }
    }
}

/// Two producers and an owner that runs once meanwhile. When all is quiet, a
/// packet that is still in the inbox has somebody who was told to wake the owner.
fn nobody_sleeps_on_a_packet() {
    let inbox = inbox(4);
    let producers: Vec<_> = (2..=3)
        .map(|n| {
            let inbox = inbox.clone();
            thread::spawn(move || push(&inbox, n).1)
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
    assert_eq!(got, [2, 3], "each packet once");
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
                if push(&inbox, n).0 {
                    put.push(n);
                }
            }
            put
        })
    };
    let reader = Reader::default();
    let mut put = Vec::new();
    let mut got = Vec::new();
    for n in [2, 3] {
        if push(&inbox, n).0 {
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
