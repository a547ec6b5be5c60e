// SPDX-License-Identifier: GPL-2.0

//! Memory that is asked for in a softirq.

use crate::model::conn::room::{Growing, Room};
use core::ops::{Deref, DerefMut};
use kernel::alloc::{flags::__GFP_NOWARN, Flags};
use kernel::prelude::*;

/// Does not sleep, and that there may be none is no news.
#[inline]
pub(crate) fn at_once() -> Flags {
    GFP_ATOMIC | __GFP_NOWARN
}

/// The memory of tables that grow in softirqs.
pub(crate) struct Softirq;

impl Room for Softirq {
    type Vec<T> = SoftirqVec<T>;
}

/// A [`KVec`] that grows in softirqs.
pub(crate) struct SoftirqVec<T>(KVec<T>);

impl<T> Default for SoftirqVec<T> {
    #[inline]
    fn default() -> Self {
        Self(KVec::new())
    }
}

impl<T> Deref for SoftirqVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for SoftirqVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Growing<T> for SoftirqVec<T> {
    fn reserve(&mut self, more: usize) -> bool {
        self.0.reserve(more, at_once()).is_ok()
    }

    #[inline]
    fn push(&mut self, item: T) -> bool {
        self.0.push(item, at_once()).is_ok()
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
