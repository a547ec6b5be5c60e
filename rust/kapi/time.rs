// SPDX-License-Identifier: GPL-2.0

//! The clock.

use kernel::time::{ClockSource, Monotonic};

/// Nanoseconds of the monotonic clock.
#[inline]
pub(crate) fn now() -> u64 {
    Monotonic::ktime_get() as u64
}
