// SPDX-License-Identifier: GPL-2.0

//! Lists of waiting packets, linked through the packets themselves.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::held::Held;
use crate::bindings::sk_buff;
use crate::model::{fair::Fifo, sync::Word};
use core::ptr::null_mut;

/// A first-in first-out list.
///
/// # Invariants
///
/// `head` is null, or the first of a chain of packets from [`Held::into_raw`],
/// linked by `next`, that only this list has; `tail` is the last of it.
pub(crate) struct PacketList {
    head: *mut sk_buff,
    tail: *mut sk_buff,
}

// SAFETY: Owned packets may be processed on any CPU.
unsafe impl Send for PacketList {}

/// The packet after `skb`.
///
/// # Safety
///
/// `skb` must be valid and ours.
#[inline]
unsafe fn next(skb: *mut sk_buff) -> *mut *mut sk_buff {
    // SAFETY: By the safety requirements; the union's member for lists.
    unsafe { &raw mut (*skb).__bindgen_anon_1.__bindgen_anon_1.next }
}

/// The same for `prev`.
///
/// # Safety
///
/// As [`next`].
#[inline]
unsafe fn prev(skb: *mut sk_buff) -> *mut *mut sk_buff {
    // SAFETY: By the safety requirements; the union's member for lists.
    unsafe { &raw mut (*skb).__bindgen_anon_1.__bindgen_anon_1.prev }
}

impl Default for PacketList {
    #[inline]
    fn default() -> Self {
        Self {
            head: null_mut(),
            tail: null_mut(),
        }
    }
}

impl PacketList {
    /// Links a chain behind the list.
    ///
    /// # Safety
    ///
    /// As the type invariant says of `head` and `tail`, not null.
    #[inline]
    unsafe fn link(&mut self, head: *mut sk_buff, tail: *mut sk_buff) {
        if self.head.is_null() {
            self.head = head;
        } else {
            // SAFETY: By the type invariant.
            unsafe { *next(self.tail) = head };
        }
        self.tail = tail;
    }
}

impl Fifo for PacketList {
    type Packet = Held;

    #[inline]
    fn push(&mut self, packet: Held) {
        let raw = packet.into_raw();
        // SAFETY: The packet is ours: a chain of one.
        unsafe {
            *next(raw) = null_mut();
            self.link(raw, raw);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Held> {
        let raw = self.head;
        if raw.is_null() {
            return None;
        }
        // SAFETY: By the type invariant. What leaves is no longer linked.
        unsafe {
            self.head = core::mem::replace(&mut *next(raw), null_mut());
            Some(Held::from_raw(raw))
        }
    }

    #[inline]
    fn append(&mut self, other: Self) {
        let other = core::mem::ManuallyDrop::new(other);
        if !other.head.is_null() {
            // SAFETY: By the type invariant of `other`, which is forgotten.
            unsafe { self.link(other.head, other.tail) };
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.head.is_null()
    }
}

impl Drop for PacketList {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// A place where one CPU leaves a list for another. That the other looks only after
/// it was left there is up to them ([`crate::model::handoff`]).
///
/// # Invariants
///
/// Zero, or the address of a list's first packet; its last is in the `prev` of that.
pub(crate) struct Parcel(Word);

impl Parcel {
    /// An empty place.
    pub(crate) fn new() -> Self {
        Self(Word::new(0))
    }

    /// Leaves a list here. What was there before, nothing normally, is dropped.
    pub(crate) fn put(&self, list: PacketList) {
        let list = core::mem::ManuallyDrop::new(list);
        if !list.head.is_null() {
            // SAFETY: The first packet is ours.
            unsafe { *prev(list.head) = list.tail };
        }
        // INVARIANT: As required.
        drop(Self::list(self.0.swap(list.head as usize)));
    }

    /// Takes what is here.
    pub(crate) fn take(&self) -> PacketList {
        Self::list(self.0.swap(0))
    }

    fn list(word: usize) -> PacketList {
        let head = word as *mut sk_buff;
        if head.is_null() {
            return PacketList::default();
        }
        // SAFETY: By the type invariant; it was swapped out, so it is ours now.
        let tail = unsafe { core::mem::replace(&mut *prev(head), null_mut()) };
        PacketList { head, tail }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        drop(self.take());
    }
}
