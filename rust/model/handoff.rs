// SPDX-License-Identifier: GPL-2.0

//! How a bucket goes from one CPU to another without a packet overtaking another.
//!
//! 1. The mover (one at a time) writes the new owner B into the bucket's word, as
//!    not arrived yet. From then on everybody hands the bucket's packets to B, which
//!    holds them.
//! 2. After a full barrier it reads the end of the old owner A's inbox: no packet of
//!    the bucket lies behind it, see [`super::inbox`]. It asks A to let go.
//! 3. A, in its softirq, takes its inbox up to that end. Now all packets of the
//!    bucket that it will ever have are in its queue: it puts them into a parcel and
//!    sends the bucket to B. What A let straight on before has left the stack, since
//!    A's softirq is not in the middle of anything else.
//! 4. B, in its softirq, puts the parcel before what it held, and marks the bucket as
//!    arrived. Only then may the mover move it again.
//!
//! The wait is for A's next softirq and for what is in front of the end, which A only
//! sorts into its queue and does not process first. So a CPU gives a bucket away
//! however overloaded it is and however fast packets for it come in. Packets pay
//! nothing for it: no counter is shared, the word is only read.

use super::sync::Word;
use core::cell::Cell;
use core::ops::Deref;

/// What a bucket's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(usize);

/// On its way to its owner.
const AWAY: usize = 1 << 31;

impl Owner {
    /// The CPU that gets the bucket's packets.
    #[inline]
    pub fn cpu(self) -> u32 {
        (self.0 & !AWAY) as u32
    }

    /// Whether the bucket has arrived there, so that its packets may be processed.
    #[inline]
    pub fn has_arrived(self) -> bool {
        self.0 & AWAY == 0
    }
}

/// What a bucket needs while it moves.
pub struct Move {
    /// While it leaves: the end of the old owner's inbox.
    until: Word,
    /// The next bucket in the list in which this one is, plus 1.
    next: Word,
}

impl Default for Move {
    fn default() -> Self {
        Self {
            until: Word::new(0),
            next: Word::new(0),
        }
    }
}

/// The word of a bucket that `cpu` owns.
pub fn owned_by(cpu: u32) -> Word {
    Word::new(cpu as usize)
}

/// A list of buckets that any CPU adds to and one takes as a whole. A bucket is in
/// one list at most: moves of the same bucket do not overlap.
pub struct List(Word);

impl Default for List {
    fn default() -> Self {
        Self(Word::new(0))
    }
}

/// What is on its way to one CPU, beside packets.
#[derive(Default)]
pub struct Mail {
    /// Buckets it is asked to give away.
    requests: List,
    /// Buckets that were sent to it.
    arrivals: List,
}

impl Mail {
    /// Whether there is anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.requests.0.acquire() == 0 && self.arrivals.0.acquire() == 0
    }
}

/// What a CPU does with its packets and buckets when [`Buckets::turn`] says so.
pub trait Keeper {
    /// Takes all there is out of the inbox: into the queue those of its own buckets,
    /// to hold them those of buckets that have not arrived.
    fn take_in(&mut self);
    /// Whether all before `end` has been taken out of the inbox.
    fn passed(&self, end: usize) -> bool;
    /// Puts the bucket's packets into its parcel, calls `send`, and wakes `to`.
    fn send(&mut self, bucket: usize, to: u32, send: impl FnOnce(&Mail));
    /// Queues the packets of the bucket's parcel and then those that were held.
    fn receive(&mut self, bucket: usize);
}

/// All buckets. Their words are apart from the rest: packets look at nothing else.
pub struct Buckets<W, M> {
    owners: W,
    moves: M,
}

impl<W: Deref<Target = [Word]>, M: Deref<Target = [Move]>> Buckets<W, M> {
    /// From their words ([`owned_by`]), the number of which is a power of two, and as
    /// many moves.
    pub fn new(owners: W, moves: M) -> Option<Self> {
        let fits = owners.len().is_power_of_two() && owners.len() == moves.len();
        fits.then_some(Self { owners, moves })
    }

    /// How many there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.owners.len()
    }

    /// The bucket of a hash.
    #[inline]
    pub fn of_hash(&self, hash: u32) -> usize {
        hash as usize & self.owners.len().wrapping_sub(1)
    }

    #[inline]
    fn get(&self, bucket: usize) -> Option<(&Word, &Move)> {
        Some((self.owners.get(bucket)?, self.moves.get(bucket)?))
    }

    /// Who gets a bucket's packets. That it has arrived here, a CPU learns from itself.
    #[inline]
    pub fn owner(&self, bucket: usize) -> Owner {
        Owner(self.owners.get(bucket).map_or(0, Word::relaxed))
    }

    /// Mover: whether the bucket has arrived. What its owner did with it then comes before.
    pub fn is_settled(&self, bucket: usize) -> bool {
        Owner(self.owners.get(bucket).map_or(0, Word::acquire)).has_arrived()
    }

    /// Mover, step 1: names the new owner; the bucket must have arrived at the one
    /// before, who is returned. `None` if that is the same CPU: nothing to do.
    /// A full barrier must follow, one for any number of buckets.
    pub fn announce(&self, bucket: usize, to: u32) -> Option<u32> {
        let owner = self.owners.get(bucket)?;
        let from = Owner(owner.acquire()).cpu();
        (from != to).then(|| {
            owner.set_relaxed(to as usize | AWAY);
            from
        })
    }

    /// Mover, step 2: asks the old owner to let go; `end` is that of its inbox, read
    /// after the barrier. The old owner must be woken then.
    pub fn request(&self, bucket: usize, from: &Mail, end: usize) {
        if let Some(its) = self.moves.get(bucket) {
            its.until.set_relaxed(end);
            self.add(&from.requests, bucket, its);
        }
    }

    /// An owner's softirq, before it processes packets. `leaving` is where it keeps
    /// the buckets whose packets are not all taken in yet: 0 at first.
    pub fn turn(&self, mail: &Mail, leaving: &Cell<usize>, keeper: &mut impl Keeper) {
        let mut at = self.take(&mail.arrivals);
        while let Some((bucket, owner, _)) = self.pop(&mut at) {
            keeper.receive(bucket);
            // Release: whoever sees it arrived sees what was done with it before.
            owner.set_release(owner.relaxed() & !AWAY);
        }
        // After the arrivals: a bucket that came may be asked for already.
        let mut at = self.take(&mail.requests);
        while let Some((bucket, _, its)) = self.pop(&mut at) {
            its.next.set_relaxed(leaving.replace(bucket + 1));
        }
        keeper.take_in();
        let mut at = leaving.replace(0);
        while let Some((bucket, owner, its)) = self.pop(&mut at) {
            if keeper.passed(its.until.relaxed()) {
                let to = Owner(owner.relaxed()).cpu();
                keeper.send(bucket, to, |mail| self.add(&mail.arrivals, bucket, its));
            } else {
                its.next.set_relaxed(leaving.replace(bucket + 1));
            }
        }
    }

    fn add(&self, list: &List, bucket: usize, its: &Move) {
        let mut head = list.0.relaxed();
        loop {
            its.next.set_relaxed(head);
            match list.0.exchange(head, bucket + 1) {
                Ok(()) => return,
                Err(found) => head = found,
            }
        }
    }

    #[inline]
    fn take(&self, list: &List) -> usize {
        if list.0.relaxed() == 0 {
            return 0;
        }
        list.0.swap(0)
    }

    /// The first of a list that was taken. Its link is not looked at again.
    fn pop(&self, at: &mut usize) -> Option<(usize, &Word, &Move)> {
        let bucket = at.checked_sub(1)?;
        let (owner, its) = self.get(bucket)?;
        *at = its.next.relaxed();
        Some((bucket, owner, its))
    }
}
