// SPDX-License-Identifier: GPL-2.0

//! Bottom halves.
//!
//! C header: [`include/linux/bottom_half.h`](srctree/include/linux/bottom_half.h)

use crate::bindings;
use kernel::types::NotThreadSafe;

/// Evidence that bottom halves are off on the current CPU: either they were
/// disabled, or a softirq is running.
///
/// Whoever holds it stays on its CPU, no softirq of that CPU runs in between,
/// and RCU readers are protected (a region with bottom halves off is one).
///
/// # Invariants
///
/// Bottom halves are off on the current CPU for the lifetime of the value.
pub(crate) struct BhOff(NotThreadSafe);

impl BhOff {
    /// Evidence inside a callback that C code calls with bottom halves off.
    ///
    /// # Safety
    ///
    /// Bottom halves must be off until the value is dropped.
    #[inline]
    pub(super) unsafe fn assume() -> Self {
        // INVARIANT: By the safety requirements.
        Self(NotThreadSafe)
    }
}

/// Keeps bottom halves off while it lives.
pub(crate) struct BhGuard(BhOff);

impl BhGuard {
    /// Disables bottom halves on the current CPU.
    #[inline]
    pub(crate) fn new() -> Self {
        // SAFETY: May be called in any context but hard interrupts, in which no
        // code of this module creates a guard.
        unsafe { bindings::fb_local_bh_disable() };
        // INVARIANT: Just disabled; enabled again only by `drop`.
        Self(BhOff(NotThreadSafe))
    }
}

impl core::ops::Deref for BhGuard {
    type Target = BhOff;

    #[inline]
    fn deref(&self) -> &BhOff {
        &self.0
    }
}

impl Drop for BhGuard {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant this guard disabled them.
        unsafe { bindings::fb_local_bh_enable() };
    }
}
