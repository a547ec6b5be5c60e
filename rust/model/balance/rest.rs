// SPDX-License-Identifier: GPL-2.0

//! Which buckets moved not long ago.
//!
//! After a change of load the first plan goes by what one period told, and the next ones
//! mend it as more is known. If they mend it with the same buckets, these go to and fro,
//! and lose a CPU's caches each time; others do as well.

/// For how many periods a bucket that moved is left alone, if another one will do. `make sim`
/// tells no difference from 8 to 64.
const PERIODS: u8 = 16;

/// Where a bucket was, and for how long it has rested there.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    cpu: u32,
    left: u8,
}

impl Default for Rest {
    /// Nowhere: that it is found somewhere then is no move.
    fn default() -> Self {
        Self {
            cpu: u32::MAX,
            left: 0,
        }
    }
}

impl Rest {
    /// Once a period: the bucket is found on a CPU. Returns whether it moved not long ago.
    pub fn found(&mut self, cpu: u32) -> bool {
        self.left = match self.cpu {
            u32::MAX => 0,
            before if before != cpu => PERIODS,
            _ => self.left.saturating_sub(1),
        };
        self.cpu = cpu;
        self.left > 0
    }
}
