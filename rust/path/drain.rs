// SPDX-License-Identifier: GPL-2.0

//! Waiting until packets that wait have gone: before the module, a device or a
//! CPU goes.

use super::steer::Engine;
use crate::kapi::{cpus, napi::Napis, netdev, rcu::synchronize_net};
use kernel::{sync::Arc, time::delay::fsleep, time::Delta};

/// How long to sleep between two looks. The owners need no help to empty their
/// inboxes, and do it in far less when they are not overloaded.
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

    /// Returns when `cpu`, which is given no packets any more, has processed those
    /// that wait, has woken whom it had noted, and has come to rest.
    pub(super) fn settle_cpu(&self, cpu: u32) {
        self.drain_cpu(cpu);
        if let Some(lane) = self.lanes.get(cpu) {
            while lane.waking.acquire() != 0 || lane.inbox.is_awake() {
                fsleep(LOOK);
            }
        }
    }

    /// Returns when all packets that wait now have been processed.
    pub(super) fn drain(&self) {
        for cpu in cpus::possible() {
            self.drain_cpu(cpu);
        }
    }

    /// Returns when all packets that wait now for `cpu` have been processed.
    fn drain_cpu(&self, cpu: u32) {
        if let Some(lane) = self.lanes.get(cpu) {
            let end = lane.inbox.end();
            while !lane.inbox.passed(end) {
                fsleep(LOOK);
            }
        }
    }
}

/// Sees to it that no packet outlives its device.
pub(super) struct DeviceWatch(pub(super) Arc<Napis<Engine>>);

impl netdev::Unregister for DeviceWatch {
    fn unregister(&self, _dev: &netdev::Device) {
        // By now none of its packets comes in any more, and its waiting packets
        // are dropped by the poll. Those of other devices just go on.
        self.0.drain();
    }
}
