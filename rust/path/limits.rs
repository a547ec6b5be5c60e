// SPDX-License-Identifier: GPL-2.0

//! What may wait, and how much a connection gets in its turn.

use crate::model::{fair, sync::Word};
use kernel::prelude::*;

/// Connections that can wait for one CPU, and so packets: the size of its pool.
pub(super) const POOL: usize = 4096;

/// A limit that can be set at run time.
pub(super) struct Limit {
    value: Word,
    min: u32,
    max: u32,
}

impl Limit {
    /// One with this value, and these bounds.
    pub(super) fn new(default: u32, min: u32, max: u32) -> Self {
        Self {
            value: Word::new(default as usize),
            min,
            max,
        }
    }

    /// Its value now.
    #[inline]
    pub(super) fn get(&self) -> u32 {
        self.value.relaxed() as u32
    }

    /// Sets it. Errors: `ERANGE`.
    pub(super) fn set(&self, value: u32) -> Result {
        if !(self.min..=self.max).contains(&value) {
            return Err(ERANGE);
        }
        self.value.set_relaxed(value as usize);
        Ok(())
    }
}

/// The limits of each CPU's queue.
pub(super) struct Limits {
    /// Bytes that a connection may send before it is the next one's turn.
    pub(super) quantum: Limit,
    /// Packets that may wait.
    pub(super) packets: Limit,
    /// Bytes of memory that they may take.
    pub(super) memory: Limit,
}

impl Limits {
    /// The defaults: one Ethernet frame, the packets that RPS's backlog has (more than
    /// fit into a CPU's cache do not get through faster), and the memory that fq_codel
    /// has.
    pub(super) fn new() -> Self {
        Self {
            quantum: Limit::new(1514, 64, 1 << 20),
            packets: Limit::new(1000, 64, POOL as u32),
            memory: Limit::new(32 << 20, 1 << 18, 1 << 30),
        }
    }

    /// Their values now.
    #[inline]
    pub(super) fn now(&self) -> fair::Limits {
        fair::Limits {
            quantum: self.quantum.get(),
            packets: self.packets.get(),
            memory: self.memory.get(),
        }
    }
}
