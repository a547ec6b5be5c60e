// SPDX-License-Identifier: GPL-2.0

//! The check that nothing overtakes: a debugging aid, off unless switched on.

use super::lane::{Lane, Local};
use crate::kapi::{bh::BhOff, cpus, rcu::RcuBox};
use crate::model::{
    order::{Order, Stamp},
    sync::Word,
};
use kernel::prelude::*;

/// Entries of the table while the check is on: 512 KiB.
const ENTRIES: usize = 1 << 16;

/// The check.
pub(super) struct Checks {
    /// 1 while it is on.
    on: Word,
    order: RcuBox<Order<KVVec<Word>>>,
}

fn table(entries: usize) -> Result<KBox<Order<KVVec<Word>>>> {
    let mut words = KVVec::with_capacity(entries, GFP_KERNEL)?;
    for _ in 0..entries {
        words.push(Word::new(0), GFP_KERNEL)?;
    }
    Ok(KBox::new(Order::new(words).ok_or(EINVAL)?, GFP_KERNEL)?)
}

impl Checks {
    /// The check, switched off. Errors: `ENOMEM`.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            on: Word::new(0),
            order: RcuBox::new(table(1)?),
        })
    }

    /// Whether it is on.
    pub(super) fn is_on(&self) -> bool {
        self.on.relaxed() != 0
    }

    /// Switches it on or off, with an empty table. The caller keeps others away.
    ///
    /// Errors: `ENOMEM`.
    pub(super) fn set(&self, on: bool) -> Result {
        self.order.replace(table(if on { ENTRIES } else { 1 })?);
        self.on.set_release(usize::from(on));
        Ok(())
    }

    /// The stamp of a packet that comes in.
    #[inline]
    pub(super) fn stamp(&self, local: &Local, bh: &BhOff) -> Stamp {
        if self.on.relaxed() == 0 {
            return Stamp::default();
        }
        let number = local.stamps.get() + 1;
        local.stamps.set(number);
        Stamp::new(cpus::current(bh), number)
    }

    /// A packet goes on to the stack.
    #[inline]
    pub(super) fn processed(&self, flow: u32, stamp: Stamp, lane: &Lane, bh: &BhOff) {
        if stamp != Stamp::default() && !self.order.read(bh).processed(flow, stamp) {
            lane.stats.violations.add(1, bh);
        }
    }
}
