// SPDX-License-Identifier: GPL-2.0

//! Turns by themselves: what looking for one costs.

use super::super::entry::Node;
use super::*;
use std::cell::Cell;

#[derive(Default)]
struct Sender {
    node: Node,
    packets: u32,
    /// How often it was looked at: up to twice when it comes to the front.
    visits: Cell<u32>,
}

impl Entry for Sender {
    fn node(&self) -> &Node {
        self.visits.set(self.visits.get() + 1);
        &self.node
    }

    fn node_mut(&mut self) -> &mut Node {
        &mut self.node
    }

    fn is_empty(&self) -> bool {
        self.visits.set(self.visits.get() + 1);
        self.packets == 0
    }
}

/// Turns of `debts.len()` senders until each has sent once, all of them old and in debt; returns
/// who sent and the most visits a turn needed.
///
/// `skip`: whether a pass may add more than a quantum.
fn turns(debts: &[i32], quantum: i32, skip: bool) -> (Vec<u16>, u32) {
    let mut rounds = Rounds::default();
    let mut senders: Vec<Sender> = (0..debts.len()).map(|_| Sender::default()).collect();
    for (at, debt) in debts.iter().enumerate() {
        senders[at].packets = 1;
        senders[at].node.deficit = -debt;
        senders[at].node.list = In::Old;
        rounds.old.push(&mut senders, Which::Round, at as u16);
    }
    let (mut sent, mut most) = (Vec::new(), 0);
    while sent.len() < debts.len() {
        let mut pass = Pass::new(quantum);
        let at = loop {
            if !skip {
                // Never comes back to where it began.
                while rounds.old.first() != NONE && senders.iter().all(|s| s.node.deficit <= 0) {
                    let at = rounds.old.first();
                    rounds.end_old(&mut senders, at, quantum, &mut Pass::new(quantum));
                }
            }
            match rounds.turn(&mut senders, quantum, &mut pass) {
                Turn::Of(at) => break at,
                Turn::Over(_) => {}
                Turn::Nobody => panic!("there is somebody"),
            }
        };
        sent.push(at);
        senders[usize::from(at)].packets = 0;
        let visits: u32 = senders.iter().map(|sender| sender.visits.take()).sum();
        most = most.max(visits);
    }
    (sent, most)
}

#[test]
fn debts_of_many_rounds_are_skipped() {
    for quantum in [1, 64, 1514] {
        let debts: Vec<i32> = (0..100).map(|i| 524_288 + i * 31 % 100 * quantum).collect();
        let (sent, visits) = turns(&debts, quantum, true);
        assert!(visits <= 2 * 4 * 100, "{visits}");
        // Who owes less sends earlier.
        let paid: Vec<i32> = sent.iter().map(|at| debts[usize::from(*at)]).collect();
        assert!(paid.is_sorted(), "{paid:?}");
    }
}

#[test]
fn rounds_one_by_one_would_be_noticed() {
    // The control: every pass adds one quantum only, as without skipping.
    let (_, visits) = turns(&[100_000; 100], 1514, false);
    assert!(visits > 2 * 4 * 100, "{visits}");
}

#[test]
fn one_alone_is_topped_up() {
    let (sent, visits) = turns(&[524_288], 1, true);
    assert_eq!(sent, [0]);
    assert!(visits <= 4, "{visits}");
}
