// SPDX-License-Identifier: GPL-2.0

//! A packet that waits: taken from the stack, with a note of how it goes on.

use super::netdev::Device;
use super::skb::{DropReason, Skb};
use crate::bindings;
use crate::model::{
    fair,
    order::Stamp,
    packet::{Bytes, Family},
};
use core::mem::ManuallyDrop;

/// What the module keeps in a waiting packet: the tail of `skb->cb`.
#[derive(Copy, Clone)]
#[repr(C)]
pub(super) struct Note {
    /// Where the packet goes after the hooks.
    pub(super) okfn: usize,
    /// For the check of the order.
    pub(super) stamp: Stamp,
    /// The hash of its connection.
    pub(super) flow: u32,
    /// Protocol family of the hook.
    pub(super) pf: u8,
}

/// First byte of `skb->cb` that the IP layers leave alone at PRE_ROUTING; checked
/// at build time in `rust/helpers/skbuff.c`.
const CB_FREE: usize = 24;
const _: () = assert!(CB_FREE + size_of::<Note>() <= 48 && CB_FREE % align_of::<Note>() == 0);

/// A packet on its way to its owner, or waiting there. Its device stays as long:
/// whoever lets packets wait sees to it ([`super::netdev::Unregister`]).
///
/// # Invariants
///
/// A [`Note`] is in the packet.
pub(crate) struct Held(Skb);

impl Held {
    /// Keeps a packet that no longer depends on RCU ([`Skb::leave_rcu`]).
    #[inline]
    pub(super) fn new(skb: Skb, note: Note) -> Self {
        let held = Self(skb);
        // SAFETY: Aligned and inside `cb`, see `CB_FREE`; the packet is ours.
        unsafe { held.note_ptr().write(note) };
        // INVARIANT: Just written.
        held
    }

    /// Takes over a packet.
    ///
    /// # Safety
    ///
    /// `skb` must come from [`Held::into_raw`], once.
    #[inline]
    pub(super) unsafe fn from_raw(skb: *mut bindings::sk_buff) -> Self {
        // SAFETY: By the safety requirements.
        Self(unsafe { Skb::from_raw(skb) })
    }

    /// Turns it into a pointer that can be put into a list.
    #[inline]
    pub(super) fn into_raw(self) -> *mut bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr().cast_mut()
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *const bindings::sk_buff {
        self.0.as_ptr()
    }

    #[inline]
    fn note_ptr(&self) -> *mut Note {
        // SAFETY: Stays inside `cb`, see `CB_FREE`.
        unsafe {
            let cb = &raw mut (*self.0.as_ptr().cast_mut()).cb;
            cb.cast::<u8>().add(CB_FREE).cast()
        }
    }

    #[inline]
    fn note(&self) -> Note {
        // SAFETY: By the type invariant.
        unsafe { self.note_ptr().read() }
    }

    /// The stamp it was given when it came in.
    #[inline]
    pub(crate) fn stamp(&self) -> Stamp {
        self.note().stamp
    }

    /// Length in bytes, from the network header on.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.0.len()
    }

    /// The device it came in on.
    #[inline]
    pub(crate) fn device(&self) -> &Device {
        self.0.device()
    }

    /// The IP version it was received as.
    #[inline]
    pub(crate) fn family(&self) -> Family {
        match u32::from(self.note().pf) {
            bindings::NFPROTO_IPV6 => Family::V6,
            _ => Family::V4,
        }
    }

    /// Brings its headers into the cache.
    #[inline]
    pub(crate) fn prefetch(&self) {
        // SAFETY: A valid packet.
        unsafe { bindings::fb_prefetch_data(self.0.as_ptr()) };
    }

    /// Takes it apart. The note is cleared: later layers (the bridge's) expect
    /// zeros in its place.
    #[inline]
    pub(super) fn into_parts(self) -> (Skb, Note) {
        let note = self.note();
        // SAFETY: Where the note was.
        unsafe { self.note_ptr().write_bytes(0, 1) };
        (self.0, note)
    }

    /// Frees the packet, telling the kernel's drop monitor why.
    pub(crate) fn drop_with(self, reason: DropReason) {
        self.into_parts().0.drop_with(reason);
    }
}

impl Bytes for Held {
    #[inline]
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.read(offset)
    }
}

impl fair::Packet for Held {
    #[inline]
    fn flow(&self) -> u32 {
        self.note().flow
    }

    #[inline]
    fn bytes(&self) -> u32 {
        self.0.len()
    }

    #[inline]
    fn memory(&self) -> u32 {
        self.0.raw().truesize
    }
}
