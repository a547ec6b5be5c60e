// SPDX-License-Identifier: GPL-2.0

//! Which connection has the most memory queued, nearly.
//!
//! Connections are in lists by the logarithm of their memory. One of the highest list
//! that is not empty has more than half of what the longest has, and looking at some of
//! that list mostly finds the longest itself. It costs the same however many there are:
//! looking at all of them for each packet shed would help whoever sends a flood of
//! connections. Among equals it is the one that has been of that size for longest, so
//! that each has as much time as possible to be served.
//!
//! Strangers, connections not known to have sent before ([`super::known`]), are in a list
//! of their own while they are short. If nobody is longer than [`SHORT`], it is not one
//! who sends too much but a crowd, and strangers go first, the newest before all.

use super::list::{List, Which, NONE};
use super::{Fifo, Flow};

/// How many of the highest list are looked at.
const LOOK: usize = 8;

/// One list for those without packets, and one per bit of a 32-bit number of bytes.
const SIZES: usize = 33;

/// The list of short strangers.
const STRANGERS: u32 = SIZES as u32;

/// Who has less than 2^14 bytes of memory, 7 packets of Ethernet's size, is short.
const SHORT: u32 = 14;

/// The lists.
pub(super) struct Longest {
    lists: [List; SIZES + 1],
    /// Which of them are not empty: a bit each.
    used: u64,
}

impl Default for Longest {
    fn default() -> Self {
        Self {
            lists: [List::EMPTY; SIZES + 1],
            used: 0,
        }
    }
}

#[inline]
fn class(memory: u32) -> u32 {
    u32::BITS - memory.leading_zeros()
}

/// The list of a connection.
#[inline]
fn list<F>(flow: &Flow<F>) -> u32 {
    match class(flow.memory) {
        1..=SHORT if flow.stranger => STRANGERS,
        class => class,
    }
}

impl Longest {
    #[inline]
    fn change<F: Fifo>(
        &mut self,
        flows: &mut [Flow<F>],
        number: u32,
        change: impl FnOnce(&mut List, &mut [Flow<F>]),
    ) {
        if let Some(list) = self.lists.get_mut(number as usize) {
            change(list, flows);
            self.used &= !(1 << number);
            self.used |= u64::from(!list.is_empty()) << number;
        }
    }

    /// Puts a connection, which is in no list, into its own.
    #[inline]
    pub(super) fn enter<F: Fifo>(&mut self, flows: &mut [Flow<F>], at: u16) {
        if let Some(number) = flows.get(usize::from(at)).map(list) {
            self.change(flows, number, |list, flows| {
                list.push(flows, Which::Size, at);
            });
        }
    }

    /// Takes a connection out of its list.
    #[inline]
    pub(super) fn leave<F: Fifo>(&mut self, flows: &mut [Flow<F>], at: u16) {
        if let Some(number) = flows.get(usize::from(at)).map(list) {
            self.change(flows, number, |list, flows| {
                list.remove(flows, Which::Size, at);
            });
        }
    }

    /// Changes a connection that is in a list; from then on it is in the one that it
    /// belongs to.
    #[inline]
    pub(super) fn update<F: Fifo>(
        &mut self,
        flows: &mut [Flow<F>],
        at: u16,
        change: impl FnOnce(&mut Flow<F>),
    ) {
        let Some(flow) = flows.get_mut(usize::from(at)) else {
            return;
        };
        let before = list(flow);
        change(flow);
        if before != list(flow) {
            self.change(flows, before, |list, flows| {
                list.remove(flows, Which::Size, at);
            });
            self.enter(flows, at);
        }
    }

    /// A connection without packets, the one that has had none for longest.
    #[inline]
    pub(super) fn idle(&self) -> Option<u16> {
        let at = self.lists.first().map_or(NONE, List::first);
        (at != NONE).then_some(at)
    }

    /// The highest list by size that is not empty.
    fn highest(&self) -> Option<u32> {
        let used = self.used & ((1 << STRANGERS) - 1);
        used.checked_ilog2().filter(|class| *class > 0)
    }

    /// Whether all who have packets are short.
    #[inline]
    pub(super) fn is_crowd(&self) -> bool {
        self.highest().is_none_or(|class| class <= SHORT)
    }

    /// Whether there are short strangers.
    #[inline]
    pub(super) fn has_strangers(&self) -> bool {
        self.used & 1 << STRANGERS != 0
    }

    /// The one to lose packets: of a crowd the newest stranger, else the longest. `None` if
    /// nobody has any.
    pub(super) fn victim<F: Fifo>(&self, flows: &[Flow<F>]) -> Option<u16> {
        if self.is_crowd() && self.has_strangers() {
            return self.lists.get(STRANGERS as usize).map(List::last);
        }
        self.longest(flows)
    }

    /// One that has more than half the memory of the longest, strangers that are short left
    /// alone. `None` if none has any.
    pub(super) fn longest<F: Fifo>(&self, flows: &[Flow<F>]) -> Option<u16> {
        let class = self.highest()?;
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
