// SPDX-License-Identifier: GPL-2.0

//! The queue through which other CPUs hand packets to a bucket's owner.
//!
//! Multi producer / single consumer: any CPU pushes, only the owner takes out. A
//! ring of words, bounded, without a lock. Packets come out in the order in which
//! their places were taken, whoever pushed them: like a FIFO behind a lock, so
//! that a sender which wanders from CPU to CPU is not reordered.
//!
//! What a list of packets linked through themselves would not give: the owner
//! reads eight packets' addresses per cache line and can bring packets into its
//! cache before it needs them.
//!
//! A packet goes to whoever owns its bucket, and that may change between looking it
//! up and taking a place here. So `push` looks again once it has the place, and if
//! the bucket has gone it leaves a hole there. Taking the place is a full barrier:
//! whoever changes an owner, then a full barrier, then reads [`Inbox::end`], knows
//! that no packet pushed for the old owner lies behind that position. This is what
//! moves are built on ([`super::handoff`]), and it costs a packet one load.
//!
//! The inbox also carries the owner's wake-up: `push` tells exactly one producer
//! per idle period to wake the owner.

use super::sync::{full_barrier, Word};
use core::cell::Cell;
use core::num::NonZeroUsize;
use core::ops::Deref;

/// On a cache line of its own.
#[repr(align(64))]
struct Line<T>(T);

/// What the owner writes and producers read.
struct Owner {
    /// Everything before this position was taken out.
    taken: Word,
    /// 1 from the moment somebody was told to wake the owner until it rests.
    awake: Word,
    /// The connection that has, or had last, most of what waits, plus one of those
    /// below; or 0.
    hog: Word,
}

/// The owner does not want more of the connection's packets.
const HOG: usize = 1 << 32;
/// It would again, but not so many that there is no room for others: if the owner is held
/// up, this is whose packets come in meanwhile.
const SUSPECT: usize = 2 << 32;

/// The queue. `S` holds the ring's words: a slice of them behind any pointer.
///
/// Positions count up forever (wrapping); a position's place in the ring is its
/// low bits.
pub struct Inbox<S> {
    /// Where the next packet goes; written by producers.
    tail: Line<Word>,
    owner: Line<Owner>,
    slots: S,
}

/// The owner's place in its inbox.
#[derive(Debug, Default)]
pub struct Reader {
    next: Cell<usize>,
}

/// What became of a packet that was to be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in. `wake`: the owner was idle, and this caller is the one to wake it.
    In {
        /// See above.
        wake: bool,
    },
    /// It is not: its bucket has another owner by now. `wake` as above.
    Moved {
        /// See above.
        wake: bool,
    },
    /// It is not: there is no room.
    Full,
}

/// In a place whose packet went elsewhere. Not an address.
const HOLE: usize = 1;

impl<S: Deref<Target = [Word]>> Inbox<S> {
    /// An empty inbox over `slots`, zeros, whose number is a power of two.
    /// `None` for any other number.
    pub fn new(slots: S) -> Option<Self> {
        slots.len().is_power_of_two().then(|| Self {
            tail: Line(Word::new(0)),
            owner: Line(Owner {
                taken: Word::new(0),
                awake: Word::new(0),
                hog: Word::new(0),
            }),
            slots,
        })
    }

    #[inline(always)]
    fn slot(&self, position: usize) -> Option<&Word> {
        let slots: &[Word] = &self.slots;
        slots.get(position & slots.len().wrapping_sub(1))
    }

    /// Puts a packet of a connection in, if `still` its owner is ours when it has its
    /// place. A packet is an address: not 1.
    #[inline]
    pub fn push(&self, packet: NonZeroUsize, flow: u32, still: impl FnOnce() -> bool) -> Pushed {
        let most = match self.owner.0.hog.relaxed() ^ flow as usize {
            HOG => return Pushed::Full,
            SUSPECT => self.slots.len() / 2,
            _ => self.slots.len(),
        };
        let mut tail = self.tail.0.relaxed();
        loop {
            // The exchange, a full barrier, makes the owner's clearing of the slot come
            // before.
            let taken = self.owner.0.taken.relaxed();
            // Signed: the owner may have gone past a tail that is no longer true,
            // and then the exchange below fails.
            if tail.wrapping_sub(taken) as isize >= most as isize {
                return Pushed::Full;
            }
            match self.tail.0.exchange(tail, tail.wrapping_add(1)) {
                Ok(()) => break,
                Err(found) => tail = found,
            }
        }
        let Some(slot) = self.slot(tail) else {
            return Pushed::Full;
        };
        let still = still();
        slot.set_release(if still { packet.get() } else { HOLE });
        // Against `rest`: either it sees the packet or we see that it rests. A hole
        // matters too: packets behind it may wait for it.
        full_barrier();
        let wake = self.wake();
        if still {
            Pushed::In { wake }
        } else {
            Pushed::Moved { wake }
        }
    }

    /// Marks the owner as about to run. True if it was not: the caller wakes it.
    #[inline]
    pub fn wake(&self) -> bool {
        let awake = &self.owner.0.awake;
        awake.relaxed() == 0 && awake.swap(1) == 0
    }

    /// Whether the owner has been woken and has not come to rest since.
    #[inline]
    pub fn is_awake(&self) -> bool {
        self.owner.0.awake.acquire() != 0
    }

    /// The owner has so much of this connection that more would only be dropped: producers
    /// do that for it. `None`: not so of any; half the inbox is free to the last one then,
    /// and all of it to others.
    #[inline]
    pub fn set_hog(&self, flow: Option<u32>) {
        let was = self.owner.0.hog.relaxed();
        let hog = match flow {
            Some(flow) => flow as usize | HOG,
            None if was & HOG != 0 => was ^ HOG | SUSPECT,
            None => was,
        };
        // Producers read this cache line.
        if was != hog {
            self.owner.0.hog.set_relaxed(hog);
        }
    }

    /// Whether the owner wants all but some connection's.
    #[inline]
    pub fn has_hog(&self) -> bool {
        self.owner.0.hog.relaxed() & HOG != 0
    }

    /// Whether the owner rests and nothing waits. (It is at rest for a moment also when
    /// it then finds something.)
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        !self.is_awake() && self.owner.0.taken.acquire() == self.tail.0.acquire()
    }

    /// Position behind the last place that was taken. When [`Reader::passed`] is
    /// true for it, all packets that are in the inbox now have been taken out.
    #[inline]
    pub fn end(&self) -> usize {
        self.tail.0.acquire()
    }
}

impl Reader {
    /// Takes the oldest packet out. `None`: there is none, or its producer has
    /// not finished putting it in (and will find out whether to wake the owner).
    #[inline]
    pub fn take<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> Option<NonZeroUsize> {
        loop {
            let next = self.next.get();
            let slot = inbox.slot(next)?;
            // Acquire: who looks at the packet's bucket then sees at least what its
            // producer saw.
            let packet = NonZeroUsize::new(slot.acquire())?;
            slot.set_relaxed(0);
            self.next.set(next.wrapping_add(1));
            if packet.get() != HOLE {
                return Some(packet);
            }
        }
    }

    /// Whether all that was pushed before `end` has been taken out.
    #[inline]
    pub fn passed(&self, end: usize) -> bool {
        (self.next.get().wrapping_sub(end) as isize) >= 0
    }

    /// How many places are taken, holes and unfinished ones among them.
    #[inline]
    pub fn backlog<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> usize {
        inbox.tail.0.relaxed().wrapping_sub(self.next.get())
    }

    /// The packet `ahead` places behind the oldest, if it is there: to prefetch.
    #[inline]
    pub fn peek<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>, ahead: usize) -> usize {
        let word = inbox.slot(self.next.get().wrapping_add(ahead));
        match word.map_or(0, Word::relaxed) {
            HOLE => 0,
            packet => packet,
        }
    }

    /// Whether nothing waits: all that was pushed has been taken out.
    #[inline]
    pub fn is_empty<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> bool {
        inbox.tail.0.relaxed() == self.next.get()
    }

    /// Gives the places of taken packets back to the producers; called once for
    /// many packets.
    #[inline]
    pub fn release<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) {
        // Release: the slots were cleared before.
        inbox.owner.0.taken.set_release(self.next.get());
    }

    /// The owner found nothing more to do and comes to rest. True: something came
    /// in meanwhile, here or where `more` looks, and the owner must run again.
    #[inline]
    pub fn rest<S: Deref<Target = [Word]>>(
        &self,
        inbox: &Inbox<S>,
        more: impl FnOnce() -> bool,
    ) -> bool {
        // A full barrier, against that of `push`.
        inbox.owner.0.awake.swap(0);
        // A packet whose producer is still busy with it does not count: that
        // producer will see that the owner rests.
        let next = inbox.slot(self.next.get());
        (next.is_some_and(|slot| slot.acquire() != 0) || more()) && inbox.wake()
    }
}
