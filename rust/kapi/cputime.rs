// SPDX-License-Identifier: GPL-2.0

//! What CPUs spend their time on.
//!
//! C header: [`include/linux/kernel_stat.h`](srctree/include/linux/kernel_stat.h)

use crate::bindings;

/// Nanoseconds that a CPU has spent, of each kind, as the kernel accounts for them: with
/// most configurations by looking at every timer tick.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) user: u64,
    pub(crate) nice: u64,
    pub(crate) system: u64,
    pub(crate) softirq: u64,
    pub(crate) irq: u64,
    pub(crate) steal: u64,
}

/// The times of a possible CPU.
pub(crate) fn times(cpu: u32) -> Times {
    let mut raw = bindings::fb_cpu_times {
        user: 0,
        nice: 0,
        system: 0,
        softirq: 0,
        irq: 0,
        steal: 0,
    };
    // SAFETY: Fills in the structure; callers ask for possible CPUs.
    unsafe { bindings::fb_cpu_times(cpu, &mut raw) };
    Times {
        user: raw.user,
        nice: raw.nice,
        system: raw.system,
        softirq: raw.softirq,
        irq: raw.irq,
        steal: raw.steal,
    }
}

impl Times {
    /// What has been spent since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            nice: self.nice.saturating_sub(before.nice),
            system: self.system.saturating_sub(before.system),
            softirq: self.softirq.saturating_sub(before.softirq),
            irq: self.irq.saturating_sub(before.irq),
            steal: self.steal.saturating_sub(before.steal),
        }
    }

    /// Each of them put through `f`.
    pub(crate) fn map(&self, f: impl Fn(u64) -> u64) -> Self {
        Self {
            user: f(self.user),
            nice: f(self.nice),
            system: f(self.system),
            softirq: f(self.softirq),
            irq: f(self.irq),
            steal: f(self.steal),
        }
    }

    /// All that keeps a CPU from doing more: not what runs at low priority.
    pub(crate) fn busy(&self) -> u64 {
        self.user + self.system + self.softirq + self.irq + self.steal
    }
}
