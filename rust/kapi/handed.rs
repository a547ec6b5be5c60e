// SPDX-License-Identifier: GPL-2.0

//! A box that one CPU leaves for another.

use core::marker::PhantomData;
use core::ptr::null_mut;
use kernel::{
    prelude::*,
    sync::atomic::{ordering, Atomic},
};

/// A place for a box. That the other looks only after it was left here is up to them
/// ([`crate::model::handoff`]).
///
/// # Invariants
///
/// The pointer is null or came from [`KBox::into_raw`].
pub(crate) struct Handed<T> {
    ptr: Atomic<*mut T>,
    _owns: PhantomData<T>,
}

// SAFETY: Moves `T` between threads, and gives out no reference.
unsafe impl<T: Send> Send for Handed<T> {}
// SAFETY: As above.
unsafe impl<T: Send> Sync for Handed<T> {}

impl<T> Handed<T> {
    /// An empty place.
    pub(crate) fn new() -> Self {
        Self {
            ptr: Atomic::new(null_mut()),
            _owns: PhantomData,
        }
    }

    /// Leaves a box here, or nothing. What was there before, nothing normally, is dropped.
    pub(crate) fn put(&self, new: Option<KBox<T>>) {
        // INVARIANT: As required.
        drop(Self::owned(self.ptr.xchg(
            new.map_or(null_mut(), KBox::into_raw),
            ordering::Full,
        )));
    }

    /// Takes what is here.
    pub(crate) fn take(&self) -> Option<KBox<T>> {
        Self::owned(self.ptr.xchg(null_mut(), ordering::Full))
    }

    fn owned(ptr: *mut T) -> Option<KBox<T>> {
        if ptr.is_null() {
            return None;
        }
        // SAFETY: By the type invariant; it was exchanged, so it is ours now.
        Some(unsafe { KBox::from_raw(ptr) })
    }
}

impl<T> Drop for Handed<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
