// SPDX-License-Identifier: GPL-2.0

//! The owner's softirq: takes packets from the inbox and lets them go on.

use super::lane::{Lane, Local};
use super::steer::Engine;
use crate::kapi::{
    bh::BhOff,
    napi::{Napis, Poll},
    netfilter::Resume,
    skb::DropReason,
};

impl Poll for Engine {
    fn poll(&self, napis: &Napis<Self>, budget: u32, bh: &BhOff) -> u32 {
        let (lane, local) = self.lanes.local(bh);
        if lane.waking.relaxed() != 0 {
            for cpu in local.wakes.take() {
                napis.wake_now(cpu, lane, bh);
            }
            lane.waking.set_release(0);
        }
        self.run(lane, local, budget, bh)
    }

    fn idle(&self, bh: &BhOff) -> bool {
        let (lane, local) = self.lanes.local(bh);
        local.reader.rest(&lane.inbox) || lane.waking.relaxed() != 0
    }
}

impl Engine {
    /// Processes up to `budget` packets of the inbox; returns how many.
    fn run(&self, lane: &Lane, local: &Local, budget: u32, bh: &BhOff) -> u32 {
        let mut resume = Resume::new(bh);
        let mut done = 0;
        let mut bytes = 0;
        local.resuming.set(true);
        while done < budget {
            let Some(skb) = local.reader.take(&lane.inbox) else {
                break;
            };
            local.reader.prefetch(&lane.inbox);
            done += 1;
            if !skb.device().is_registered() {
                lane.stats.drop_device.add(1, bh);
                skb.drop_with(DropReason::Device);
                continue;
            }
            bytes += u64::from(skb.len());
            lane.stats.packets.add(1, bh);
            lane.stats.queued.add(1, bh);
            resume.packet(skb);
        }
        local.resuming.set(false);
        local.reader.release(&lane.inbox);
        lane.stats.bytes.add(bytes, bh);
        done
    }
}
