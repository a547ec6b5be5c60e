// SPDX-License-Identifier: GPL-2.0

//! Two CPUs and one bucket, small enough to try all interleavings: what the module
//! does around the hand-over, in a few lines and with numbers for packets.
//!
//! A packet is `10 * source + sequence`, from 2 (1 is a hole) to 63. What was processed goes into a
//! log behind a lock that loom does not see, so that logging orders nothing.

use super::handoff::{owned_by, Buckets, Keeper, Mail, Move};
use super::inbox::{Inbox, Pushed, Reader};
use super::sync::{full_barrier, Word};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// The one bucket.
pub(super) const BUCKET: usize = 0;

/// Faults to put in, for the controls.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// Packets are not looked at again once they have their place.
    pub(super) no_second_look: bool,
    /// A new owner does not wait for the bucket.
    pub(super) no_hold: bool,
    /// An old owner lets go without looking how far its inbox is taken.
    pub(super) no_wait: bool,
}

pub(super) struct Cpu {
    pub(super) inbox: Inbox<Vec<Word>>,
    mail: Mail,
}

/// What all CPUs see.
pub(super) struct World {
    pub(super) cpus: [Cpu; 2],
    pub(super) buckets: Buckets<Vec<Word>, Vec<Move>>,
    /// The bucket's packets on their way, six bits each.
    parcel: Word,
    pub(super) log: Mutex<Vec<usize>>,
    faults: Faults,
}

impl World {
    /// CPU 0 owns the bucket.
    pub(super) fn new(faults: Faults) -> Self {
        let cpu = || Cpu {
            inbox: Inbox::new((0..4).map(|_| Word::new(0)).collect()).unwrap(),
            mail: Mail::default(),
        };
        Self {
            cpus: [cpu(), cpu()],
            buckets: Buckets::new(vec![owned_by(0)], vec![Move::default()]).unwrap(),
            parcel: Word::new(0),
            log: Mutex::new(Vec::new()),
            faults,
        }
    }

    /// A packet is given to the bucket's owner.
    pub(super) fn push(&self, packet: usize) {
        let packet = NonZeroUsize::new(packet).unwrap();
        loop {
            let owner = self.buckets.owner(BUCKET).cpu();
            let still = || self.faults.no_second_look || self.buckets.owner(BUCKET).cpu() == owner;
            match self.cpus[owner as usize].inbox.push(packet, 0, still) {
                Pushed::In { .. } => return,
                Pushed::Moved { .. } => (),
                Pushed::Full => unreachable!("fewer packets than places"),
            }
        }
    }

    /// The mover.
    pub(super) fn move_to(&self, to: u32) {
        if let Some(from) = self.buckets.announce(BUCKET, to) {
            full_barrier();
            let from = &self.cpus[from as usize];
            self.buckets.request(BUCKET, &from.mail, from.inbox.end());
            from.inbox.wake();
        }
    }

    /// Each source's packets once and in order, the bucket where it belongs, and
    /// nobody asleep over a packet.
    pub(super) fn check(&self, owner: u32, sources: &[&[usize]]) {
        let log = self.log.lock().unwrap();
        for packets in sources {
            let source = packets[0] / 10;
            let seen: Vec<_> = log.iter().copied().filter(|p| p / 10 == source).collect();
            assert_eq!(seen, *packets, "order of source {source} in {log:?}");
        }
        let now = self.buckets.owner(BUCKET);
        assert!(
            now.has_arrived() && now.cpu() == owner,
            "the move did not end"
        );
    }
}

/// What one CPU has to itself.
pub(super) struct Softirq<'a> {
    world: &'a World,
    me: u32,
    state: &'a Local,
}

#[derive(Default)]
pub(super) struct Local {
    reader: Reader,
    leaving: Cell<usize>,
    queue: Cell<Vec<usize>>,
    held: Cell<Vec<usize>>,
}

fn push(to: &Cell<Vec<usize>>, packet: usize) {
    let mut packets = to.take();
    packets.push(packet);
    to.set(packets);
}

impl<'a> Softirq<'a> {
    pub(super) fn new(world: &'a World, me: u32, state: &'a Local) -> Self {
        Self { world, me, state }
    }

    fn cpu(&self) -> &'a Cpu {
        &self.world.cpus[self.me as usize]
    }

    /// The hook on this CPU: straight on if the bucket is here and nothing waits.
    pub(super) fn receive_here(&self, packet: usize) {
        let owner = self.world.buckets.owner(BUCKET);
        let queue = self.state.queue.take();
        let waits = !queue.is_empty() || !self.state.reader.is_empty(&self.cpu().inbox);
        self.state.queue.set(queue);
        if owner.cpu() == self.me && owner.has_arrived() && !waits {
            self.world.log.lock().unwrap().push(packet);
        } else {
            self.world.push(packet);
        }
    }

    /// One run of the softirq.
    pub(super) fn run(&mut self) {
        let (mail, leaving) = (&self.cpu().mail, &self.state.leaving);
        self.world.buckets.turn(mail, leaving, self);
        for packet in self.state.queue.take() {
            self.world.log.lock().unwrap().push(packet);
        }
        // What came in since, or was too little to be sorted, goes on as it came.
        if leaving.get() == 0 {
            while let Some(packet) = self.state.reader.take(&self.cpu().inbox) {
                if self.must_hold() {
                    push(&self.state.held, packet.get());
                } else {
                    self.world.log.lock().unwrap().push(packet.get());
                }
            }
            self.state.reader.release(&self.cpu().inbox);
        }
    }

    fn must_hold(&self) -> bool {
        let owner = self.world.buckets.owner(BUCKET);
        owner.cpu() == self.me && !owner.has_arrived() && !self.world.faults.no_hold
    }

    /// Runs while somebody says that there is something to do.
    pub(super) fn run_until_asleep(&mut self) -> bool {
        let inbox = &self.cpu().inbox;
        let ran = inbox.is_awake();
        while inbox.is_awake() {
            self.run();
            let mail = &self.cpu().mail;
            self.state.reader.rest(inbox, || !mail.is_empty());
        }
        ran
    }
}

impl Keeper for Softirq<'_> {
    fn take_in(&mut self) {
        let queue = self.state.queue.take();
        let nothing = queue.is_empty();
        self.state.queue.set(queue);
        if nothing && self.state.leaving.get() == 0 {
            return;
        }
        while let Some(packet) = self.state.reader.take(&self.cpu().inbox) {
            let to = match self.must_hold() {
                true => &self.state.held,
                false => &self.state.queue,
            };
            push(to, packet.get());
        }
        self.state.reader.release(&self.cpu().inbox);
    }

    fn passed(&self, end: usize) -> bool {
        self.world.faults.no_wait || self.state.reader.passed(end)
    }

    fn send(&mut self, _bucket: usize, to: u32, send: impl FnOnce(&Mail)) {
        let packets = self.state.queue.take();
        let parcel = packets.iter().rev().fold(0, |all, p| all << 6 | p);
        self.world.parcel.set_relaxed(parcel);
        let to = &self.world.cpus[to as usize];
        send(&to.mail);
        to.inbox.wake();
    }

    fn receive(&mut self, _bucket: usize) {
        let mut packets = self.state.queue.take();
        let mut parcel = self.world.parcel.relaxed();
        while parcel != 0 {
            packets.push(parcel & 63);
            parcel >>= 6;
        }
        packets.append(&mut self.state.held.take());
        self.state.queue.set(packets);
    }
}
