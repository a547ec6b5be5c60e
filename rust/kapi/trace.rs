// SPDX-License-Identifier: GPL-2.0

//! Tracepoints, defined in `rust/helpers/flowbucket_trace.h`.

use super::{held::Held, skb::DropReason};
use crate::bindings;

/// A bucket begins to move.
pub(crate) fn bucket_move(bucket: usize, from: u32, to: u32) {
    // SAFETY: Plain numbers.
    unsafe { bindings::fb_trace_bucket_move(bucket as u32, from, to) };
}

/// A bucket has arrived, with `held` packets, after `ns` nanoseconds.
pub(crate) fn bucket_moved(bucket: usize, from: u32, to: u32, held: u32, ns: u64) {
    // SAFETY: Plain numbers.
    unsafe { bindings::fb_trace_bucket_moved(bucket as u32, from, to, held, ns) };
}

/// A packet of a bucket is about to be dropped.
pub(crate) fn dropped(packet: &Held, bucket: usize, reason: DropReason) {
    // SAFETY: The packet is valid.
    unsafe { bindings::fb_trace_drop(packet.as_ptr(), bucket as u32, reason as u32) };
}
