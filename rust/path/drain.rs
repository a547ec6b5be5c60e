// SPDX-License-Identifier: GPL-2.0

//! Waiting until packets that wait have gone: before the module or a CPU goes.

use super::steer::Engine;
use crate::kapi::{cpus, rcu::synchronize_net};
use kernel::{time::delay::fsleep, time::Delta};

/// How long to sleep between two looks. The owners need no help to empty their
/// queues, and do it in far less when they are not overloaded.
const LOOK: Delta = Delta::from_micros(200);

impl Engine {
    /// Stops steering, and returns when no packet waits any more and no CPU is
    /// about to look for one.
    pub(super) fn pause(&self) {
        self.enabled.set_release(0);
        // Hooks that still saw it on have put their packets in after this.
        synchronize_net();
        for cpu in cpus::possible() {
            self.settle_cpu(cpu);
        }
    }

    /// Returns when `cpu`, which is given nothing any more, has processed what waits,
    /// has woken whom it had noted, and has come to rest.
    pub(super) fn settle_cpu(&self, cpu: u32) {
        if let Some(lane) = self.lanes.get(cpu) {
            while lane.waking.acquire() != 0 || lane.inbox.is_awake() {
                fsleep(LOOK);
            }
        }
    }
}
