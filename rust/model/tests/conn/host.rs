// SPDX-License-Identifier: GPL-2.0

//! Memory for tables, on the host.

use flowbucket_model::conn::room::{Growing, Room};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

std::thread_local! {
    /// How often memory may still be asked for.
    pub(crate) static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Memory of the host, which ends when a test wants it to.
pub(crate) struct Host;

pub(crate) struct HostVec<T>(Vec<T>);

impl Room for Host {
    type Vec<T> = HostVec<T>;
}

impl<T> Default for HostVec<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for HostVec<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for HostVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

fn ask() -> bool {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    left > 0
}

impl<T> Growing<T> for HostVec<T> {
    fn reserve(&mut self, more: usize) -> bool {
        let room = self.0.capacity() - self.0.len();
        (room >= more || ask()) && {
            self.0.reserve_exact(more);
            true
        }
    }
    fn push(&mut self, item: T) -> bool {
        let full = self.0.len() == self.0.capacity();
        (!full || ask()) && {
            self.0.push(item);
            true
        }
    }
    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
