// SPDX-License-Identifier: GPL-2.0

//! An inbox that owns the packets in it: the only place where packets become
//! numbers and back.

use super::held::Held;
use crate::bindings;
use crate::model::fair::Packet;
use crate::model::inbox::{self, Inbox, Pushed};
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

    /// Puts a packet in if, with its place taken, it is `still` meant for this
    /// inbox. Gives it back if it is not in; see [`Inbox::push`].
    #[inline]
    pub(crate) fn push(
        &self,
        packet: Held,
        still: impl FnOnce() -> bool,
    ) -> (Pushed, Option<Held>) {
        let flow = packet.flow();
        let raw = packet.into_raw();
        // A packet is not at address 0.
        let token = NonZeroUsize::new(raw as usize).unwrap_or(NonZeroUsize::MIN);
        let pushed = self.0.push(token, flow, still);
        let back = match pushed {
            Pushed::In { .. } => None,
            // SAFETY: Given up just above and not put in.
            Pushed::Moved { .. } | Pushed::Full => Some(unsafe { Held::from_raw(raw) }),
        };
        (pushed, back)
    }

    /// See [`Inbox::wake`].
    #[inline]
    pub(crate) fn wake(&self) -> bool {
        self.0.wake()
    }

    /// See [`Inbox::set_hog`].
    #[inline]
    pub(crate) fn set_hog(&self, flow: Option<u32>) {
        self.0.set_hog(flow);
    }

    /// See [`Inbox::has_hog`].
    #[inline]
    pub(crate) fn has_hog(&self) -> bool {
        self.0.has_hog()
    }

    /// See [`Inbox::is_at_rest`].
    pub(crate) fn is_at_rest(&self) -> bool {
        self.0.is_at_rest()
    }

    /// See [`Inbox::end`].
    pub(crate) fn end(&self) -> usize {
        self.0.end()
    }
}

impl PacketReader {
    /// Takes the oldest packet out.
    #[inline]
    pub(crate) fn take(&self, inbox: &PacketInbox) -> Option<Held> {
        let token = self.0.take(&inbox.0)?;
        // SAFETY: By the invariant of the inbox.
        Some(unsafe { Held::from_raw(token.get() as *mut _) })
    }

    /// Brings a packet that is next but a few into the cache.
    #[inline]
    pub(crate) fn prefetch(&self, inbox: &PacketInbox) {
        let ahead = self.0.peek(&inbox.0, 4) as *const bindings::sk_buff;
        // SAFETY: Prefetching accesses nothing.
        unsafe { bindings::fb_prefetch_skb(ahead) };
    }

    /// See [`inbox::Reader::passed`].
    #[inline]
    pub(crate) fn passed(&self, end: usize) -> bool {
        self.0.passed(end)
    }

    /// See [`inbox::Reader::backlog`].
    #[inline]
    pub(crate) fn backlog(&self, inbox: &PacketInbox) -> usize {
        self.0.backlog(&inbox.0)
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
    pub(crate) fn rest(&self, inbox: &PacketInbox, more: impl FnOnce() -> bool) -> bool {
        self.0.rest(&inbox.0, more)
    }
}
