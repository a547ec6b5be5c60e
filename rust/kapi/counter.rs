// SPDX-License-Identifier: GPL-2.0

//! Counters with one writer.

use super::bh::BhOff;
use core::cell::UnsafeCell;

/// A 64-bit statistics counter: written by one CPU with bottom halves off, read
/// by any. Costs a load and a store, no atomic operation.
///
/// Two writers would lose counts, never more: the accesses are what C's
/// `READ_ONCE()` and `WRITE_ONCE()` are.
#[repr(transparent)]
pub(crate) struct Counter(UnsafeCell<u64>);

// SAFETY: All accesses are volatile and of machine-word size, which the kernel's
// memory model treats as relaxed atomics.
unsafe impl Sync for Counter {}

impl Counter {
    /// A counter at zero.
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// Adds `n`.
    #[inline]
    pub(crate) fn add(&self, n: u64, _: &BhOff) {
        let p = self.0.get();
        // SAFETY: `p` is valid and aligned; see the `Sync` implementation.
        unsafe { p.write_volatile(p.read_volatile().wrapping_add(n)) };
    }

    /// The current value.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // SAFETY: As in `add`.
        unsafe { self.0.get().read_volatile() }
    }
}
