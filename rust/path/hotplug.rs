// SPDX-License-Identifier: GPL-2.0

//! CPUs that come and go.

use super::control::Control;
use crate::kapi::{bh::BhGuard, cpuhp::Hotplug, rcu::synchronize_net};
use kernel::{prelude::*, time::delay::fsleep, time::Delta};

impl Hotplug for Control {
    fn online(&self, cpu: u32) {
        self.set_leaving(false);
        self.return_to(cpu);
    }

    fn offline(&self, cpu: u32) {
        self.lend_from(cpu);
        // Whoever saw the old owner has given it its packets after this.
        synchronize_net();
        self.engine.settle_cpu(cpu);
        // From now on this CPU wakes others at once; what it noted before is sent
        // by its poll, which is scheduled.
        self.set_leaving(true);
        while !self.wakes_sent() {
            fsleep(Delta::from_micros(200));
        }
        pr_debug!("CPU {} gave its buckets away\n", cpu);
    }
}

impl Control {
    /// Runs on the CPU in question, as hotplug callbacks do.
    fn set_leaving(&self, leaving: bool) {
        let bh = BhGuard::new();
        let (_, local) = self.engine.lanes.local(&bh);
        local.leaving.set(leaving);
    }

    fn wakes_sent(&self) -> bool {
        let bh = BhGuard::new();
        let (_, local) = self.engine.lanes.local(&bh);
        local.wakes.is_empty()
    }
}
