// SPDX-License-Identifier: GPL-2.0

//! A box that readers may look into while it is being exchanged.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use super::bh::BhOff;
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::atomic::{ordering, Atomic},
};

/// An RCU-protected, always present `T`.
///
/// # Invariants
///
/// The pointer came from [`KBox::into_raw`]; it is freed only after a grace
/// period in which no reader can see it any more.
pub(crate) struct RcuBox<T> {
    ptr: Atomic<*mut T>,
    _owns: PhantomData<T>,
}

// SAFETY: Gives out `&T` to any thread and moves `T` between threads.
unsafe impl<T: Send + Sync> Send for RcuBox<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for RcuBox<T> {}

impl<T> RcuBox<T> {
    /// Starts with `first`.
    pub(crate) fn new(first: KBox<T>) -> Self {
        Self {
            ptr: Atomic::new(KBox::into_raw(first)),
            _owns: PhantomData,
        }
    }

    /// What is in the box; valid while bottom halves are off.
    #[inline]
    pub(crate) fn read<'a>(&'a self, _: &'a BhOff) -> &'a T {
        // As rcu_dereference(): the dependency on the address orders the accesses.
        // SAFETY: By the type invariant, and since a region with bottom halves
        // off is an RCU read-side critical section.
        unsafe { &*self.ptr.load(ordering::Relaxed) }
    }

    /// Puts `new` in, waits until nobody reads the old value, and drops it.
    /// Must be called from a context that may sleep.
    pub(crate) fn replace(&self, new: KBox<T>) {
        let old = self.ptr.xchg(KBox::into_raw(new), ordering::Full);
        synchronize_net();
        // SAFETY: By the type invariant `old` is a box; a grace period has passed
        // since it was last reachable.
        drop(unsafe { KBox::from_raw(old) });
    }
}

impl<T> Drop for RcuBox<T> {
    fn drop(&mut self) {
        // SAFETY: The only owner drops it: no reader is left.
        drop(unsafe { KBox::from_raw(self.ptr.load(ordering::Relaxed)) });
    }
}

/// Waits until all packet processing that is under way now has ended: an RCU
/// grace period.
pub(crate) fn synchronize_net() {
    // SAFETY: Callers may sleep.
    unsafe { bindings::synchronize_net() };
}
