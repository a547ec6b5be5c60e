// SPDX-License-Identifier: GPL-2.0

//! CPUs that come and go.

use super::control::Control;
use crate::kapi::{bh::BhGuard, cpuhp::Hotplug, rcu::synchronize_net};
use kernel::prelude::*;

impl Hotplug for Control {
    fn online(&self, cpu: u32) {
        self.set_going(false);
        self.return_to(cpu);
    }

    fn offline(&self, cpu: u32) {
        self.lend_from(cpu);
        // Whoever saw the old owner has found out, and has left it alone, after this.
        synchronize_net();
        // From now on this CPU wakes others at once: its next softirq may not come.
        self.set_going(true);
        self.engine.settle_cpu(cpu);
        pr_debug!("CPU {} gave its buckets away\n", cpu);
    }
}

impl Control {
    /// Runs on the CPU in question, as hotplug callbacks do.
    fn set_going(&self, going: bool) {
        let bh = BhGuard::new();
        let (_, local) = self.engine.lanes.local(&bh);
        local.going.set(going);
    }
}
