// SPDX-License-Identifier: GPL-2.0

//! Which connection has the most memory queued, nearly.
//!
//! Connections are in lists by the logarithm of their memory. One of the highest list
//! that is not empty has more than half of what the longest has, and looking at some of
//! that list mostly finds the longest itself. It costs the same however many there are:
//! looking at all of them for each packet shed would help whoever sends a flood of
//! connections. Among equals it is the one that has been of that size for longest, so
//! that each has as much time as possible to be served.

use super::list::{List, Which, NONE};
use super::{Fifo, Flow};

/// How many of the highest list are looked at.
const LOOK: usize = 8;

/// One list for those without packets, and one per bit of a 32-bit number of bytes.
const LISTS: usize = 33;

/// The lists.
pub(super) struct Longest {
    lists: [List; LISTS],
    /// Which of them are not empty: a bit each.
    used: u64,
}

impl Default for Longest {
    fn default() -> Self {
        Self {
            lists: [List::EMPTY; LISTS],
            used: 0,
        }
    }
}

#[inline]
fn class(memory: u32) -> u32 {
    u32::BITS - memory.leading_zeros()
}

impl Longest {
    #[inline]
    fn change<F: Fifo>(
        &mut self,
        flows: &mut [Flow<F>],
        class: u32,
        change: impl FnOnce(&mut List, &mut [Flow<F>]),
    ) {
        if let Some(list) = self.lists.get_mut(class as usize) {
            change(list, flows);
            self.used &= !(1 << class);
            self.used |= u64::from(!list.is_empty()) << class;
        }
    }

    /// A connection, not in a list, has this much now.
    #[inline]
    pub(super) fn enter<F: Fifo>(&mut self, flows: &mut [Flow<F>], at: u16, memory: u32) {
        self.change(flows, class(memory), |list, flows| {
            list.push(flows, Which::Size, at);
        });
    }

    /// A connection, which has this much, is not to be in a list any more.
    #[inline]
    pub(super) fn leave<F: Fifo>(&mut self, flows: &mut [Flow<F>], at: u16, memory: u32) {
        self.change(flows, class(memory), |list, flows| {
            list.remove(flows, Which::Size, at);
        });
    }

    /// A connection has `after` and had `before`.
    #[inline]
    pub(super) fn resize<F: Fifo>(
        &mut self,
        flows: &mut [Flow<F>],
        at: u16,
        before: u32,
        after: u32,
    ) {
        if class(before) != class(after) {
            self.leave(flows, at, before);
            self.enter(flows, at, after);
        }
    }

    /// A connection without packets, the one that has had none for longest.
    #[inline]
    pub(super) fn idle(&self) -> Option<u16> {
        let at = self.lists.first().map_or(NONE, List::first);
        (at != NONE).then_some(at)
    }

    /// One that has more than half the memory of the longest. `None` if none has any.
    pub(super) fn longest<F: Fifo>(&self, flows: &[Flow<F>]) -> Option<u16> {
        let class = self.used.checked_ilog2().filter(|class| *class > 0)?;
        let mut at = self.lists.get(class as usize)?.first();
        let mut longest = (at, 0);
        for _ in 0..LOOK {
            let Some(flow) = flows.get(usize::from(at)) else {
                break;
            };
            if flow.memory > longest.1 {
                longest = (at, flow.memory);
            }
            at = List::behind(flows, Which::Size, at);
        }
        Some(longest.0)
    }
}
