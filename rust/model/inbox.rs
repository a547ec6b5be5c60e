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
}

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

/// The inbox has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<S: Deref<Target = [Word]>> Inbox<S> {
    /// An empty inbox over `slots`, zeros, whose number is a power of two.
    /// `None` for any other number.
    pub fn new(slots: S) -> Option<Self> {
        slots.len().is_power_of_two().then(|| Self {
            tail: Line(Word::new(0)),
            owner: Line(Owner {
                taken: Word::new(0),
                awake: Word::new(0),
            }),
            slots,
        })
    }

    #[inline(always)]
    fn slot(&self, position: usize) -> Option<&Word> {
        let slots: &[Word] = &self.slots;
        slots.get(position & slots.len().wrapping_sub(1))
    }

    /// Puts a packet in. `Ok(true)`: the owner was idle, and this caller is the
    /// one to wake it.
    #[inline]
    pub fn push(&self, packet: NonZeroUsize) -> Result<bool, Full> {
        let mut tail = self.tail.0.relaxed();
        loop {
            // Acquire: the owner's clearing of the slot happened before.
            let taken = self.owner.0.taken.acquire();
            // Signed: the owner may have gone past a tail that is no longer true,
            // and then the exchange below fails.
            if tail.wrapping_sub(taken) as isize >= self.slots.len() as isize {
                return Err(Full);
            }
            match self.tail.0.exchange(tail, tail.wrapping_add(1)) {
                Ok(()) => break,
                Err(found) => tail = found,
            }
        }
        let Some(slot) = self.slot(tail) else {
            return Err(Full);
        };
        slot.set_release(packet.get());
        // Against `rest`: either it sees the packet or we see that it rests.
        full_barrier();
        Ok(self.wake())
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

    /// Position behind the last packet that was pushed. When [`Inbox::passed`] is
    /// true for it, all packets that are in the inbox now have been taken out.
    #[inline]
    pub fn end(&self) -> usize {
        self.tail.0.acquire()
    }

    /// Whether everything before `end` has been taken out and processed.
    #[inline]
    pub fn passed(&self, end: usize) -> bool {
        // Positions wrap; nothing waits for half the range.
        (self.owner.0.taken.acquire().wrapping_sub(end) as isize) >= 0
    }
}

impl Reader {
    /// Takes the oldest packet out. `None`: there is none, or its producer has
    /// not finished putting it in (and will find out whether to wake the owner).
    #[inline]
    pub fn take<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> Option<NonZeroUsize> {
        let next = self.next.get();
        let slot = inbox.slot(next)?;
        let packet = NonZeroUsize::new(slot.acquire())?;
        slot.set_relaxed(0);
        self.next.set(next.wrapping_add(1));
        Some(packet)
    }

    /// The packet `ahead` places behind the oldest, if it is there: to prefetch.
    #[inline]
    pub fn peek<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>, ahead: usize) -> usize {
        inbox
            .slot(self.next.get().wrapping_add(ahead))
            .map_or(0, Word::relaxed)
    }

    /// Whether nothing waits: all that was pushed has been taken out.
    #[inline]
    pub fn is_empty<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> bool {
        inbox.tail.0.relaxed() == self.next.get()
    }

    /// Gives the places of taken packets back to the producers, and lets
    /// [`Inbox::passed`] know. Called after the packets were processed, once for
    /// many.
    #[inline]
    pub fn release<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) {
        // Release: the slots were cleared before.
        inbox.owner.0.taken.set_release(self.next.get());
    }

    /// The owner found nothing more to do and comes to rest. True: something came
    /// in meanwhile, and the owner must run again.
    #[inline]
    pub fn rest<S: Deref<Target = [Word]>>(&self, inbox: &Inbox<S>) -> bool {
        // A full barrier, against that of `push`.
        inbox.owner.0.awake.swap(0);
        // A packet whose producer is still busy with it does not count: that
        // producer will see that the owner rests.
        let next = inbox.slot(self.next.get());
        next.is_some_and(|slot| slot.acquire() != 0) && inbox.wake()
    }
}
