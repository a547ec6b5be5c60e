// SPDX-License-Identifier: GPL-2.0

//! An inbox that owns the packets in it: the only place where packets become
//! numbers and back.

use super::skb::Skb;
use crate::bindings;
use crate::model::inbox::{self, Inbox};
use crate::model::sync::Word;
use core::num::NonZeroUsize;
use kernel::prelude::*;

/// Packets on their way to one CPU. Any CPU pushes, one takes out; see
/// [`crate::model::inbox`].
///
/// # Invariants
///
/// Each word in the ring is a packet that nobody else has, put there by
/// [`PacketInbox::push`] and taken out once by the inbox's only reader.
pub(crate) struct PacketInbox(Inbox<KVVec<Word>>);

/// The consumer's side; made together with its inbox.
pub(crate) struct PacketReader(inbox::Reader);

impl PacketInbox {
    /// An empty inbox for `packets` packets, a power of two, and its reader.
    ///
    /// Errors: `EINVAL` for another number, `ENOMEM`.
    pub(crate) fn new(packets: usize) -> Result<(Self, PacketReader)> {
        let mut slots = KVVec::with_capacity(packets, GFP_KERNEL)?;
        for _ in 0..packets {
            slots.push(Word::new(0), GFP_KERNEL)?;
        }
        let inbox = Inbox::new(slots).ok_or(EINVAL)?;
        Ok((Self(inbox), PacketReader(inbox::Reader::default())))
    }

    /// Puts a packet in. `Ok(true)`: wake the reader's CPU. The packet comes back
    /// if there is no room.
    #[inline]
    pub(crate) fn push(&self, skb: Skb) -> Result<bool, Skb> {
        let raw = skb.into_raw();
        // A packet is not at address 0.
        let token = NonZeroUsize::new(raw as usize).unwrap_or(NonZeroUsize::MIN);
        self.0.push(token).map_err(|inbox::Full| {
            // SAFETY: Given up just above and not put in.
            unsafe { Skb::from_raw(raw) }
        })
    }

    /// See [`Inbox::is_awake`].
    pub(crate) fn is_awake(&self) -> bool {
        self.0.is_awake()
    }

    /// See [`Inbox::end`].
    pub(crate) fn end(&self) -> usize {
        self.0.end()
    }

    /// See [`Inbox::passed`].
    pub(crate) fn passed(&self, end: usize) -> bool {
        self.0.passed(end)
    }
}

impl PacketReader {
    /// Takes the oldest packet out.
    #[inline]
    pub(crate) fn take(&self, inbox: &PacketInbox) -> Option<Skb> {
        let token = self.0.take(&inbox.0)?;
        // SAFETY: By the invariant of the inbox.
        Some(unsafe { Skb::from_raw(token.get() as *mut _) })
    }

    /// Brings packets that are next but a few into the cache: first the packet
    /// itself and, when that has arrived, its headers.
    #[inline]
    pub(crate) fn prefetch(&self, inbox: &PacketInbox) {
        let far = self.0.peek(&inbox.0, 4) as *const bindings::sk_buff;
        let near = self.0.peek(&inbox.0, 1) as *const bindings::sk_buff;
        // SAFETY: By the invariant of the inbox `near` is a packet that only we can
        // take out. Prefetching `far` does not access it.
        unsafe {
            bindings::fb_prefetch_skb(far);
            if !near.is_null() {
                bindings::fb_prefetch_data(near);
            }
        }
    }

    /// See [`inbox::Reader::is_empty`].
    #[inline]
    pub(crate) fn is_empty(&self, inbox: &PacketInbox) -> bool {
        self.0.is_empty(&inbox.0)
    }

    /// See [`inbox::Reader::release`].
    #[inline]
    pub(crate) fn release(&self, inbox: &PacketInbox) {
        self.0.release(&inbox.0);
    }

    /// See [`inbox::Reader::rest`].
    #[inline]
    pub(crate) fn rest(&self, inbox: &PacketInbox) -> bool {
        self.0.rest(&inbox.0)
    }
}
