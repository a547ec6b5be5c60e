// SPDX-License-Identifier: GPL-2.0

//! The clock.

use crate::bindings;
use kernel::time::{ClockSource, Monotonic};

/// Milliseconds of the monotonic clock, as of the last timer tick; they wrap.
#[inline]
pub(crate) fn coarse_ms() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { bindings::fb_coarse_ms() }
}

/// Nanoseconds of the monotonic clock.
#[inline]
pub(crate) fn now() -> u64 {
    Monotonic::ktime_get() as u64
}
