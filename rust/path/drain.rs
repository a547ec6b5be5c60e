// SPDX-License-Identifier: GPL-2.0

//! Waiting until packets that wait have gone: before the module, a device or a CPU
//! goes.

use super::control::Control;
use super::steer::Engine;
use crate::kapi::{bh::BhGuard, cpus, napi::Napis, netdev, rcu::synchronize_net};
use crate::model::sync::full_barrier;
use kernel::{sync::Arc, time::delay::fsleep, time::Delta};

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
            while lane.waking.acquire() != 0 || !lane.inbox.is_at_rest() {
                fsleep(LOOK);
            }
        }
    }
}

impl Napis<Engine> {
    /// Has each CPU drop what waits there of devices that are no longer registered;
    /// returns when all have. Packets that are on their way with a bucket are not seen:
    /// the caller sees to it that there are none, and that no CPU goes.
    fn sweep(&self) {
        let online = || cpus::possible().filter(|&cpu| cpus::is_online(cpu));
        for lane in online().filter_map(|cpu| self.lanes.get(cpu)) {
            lane.sweep.set_release(1);
        }
        full_barrier();
        {
            let bh = BhGuard::new();
            let (own, _) = self.lanes.local(&bh);
            for cpu in online() {
                if self.lanes.get(cpu).is_some_and(|lane| lane.inbox.wake()) {
                    self.wake_now(cpu, own, &bh);
                }
            }
        }
        for lane in online().filter_map(|cpu| self.lanes.get(cpu)) {
            while lane.sweep.acquire() != 0 {
                fsleep(LOOK);
            }
        }
    }
}

/// Sees to it that no packet outlives its device.
pub(super) struct DeviceWatch(pub(super) Arc<Control>);

impl netdev::Unregister for DeviceWatch {
    fn unregister(&self, dev: &netdev::Device) {
        // One that goes to another namespace, or all when this notifier itself goes.
        if dev.is_registered() {
            return;
        }
        let _hotplug = cpus::HotplugGuard::new();
        // Who moves buckets has the settings until they have arrived, with their packets.
        // By now none of the device's packets comes in any more.
        self.0.with_settings(|_| self.0.engine.sweep());
    }
}
