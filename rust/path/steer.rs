// SPDX-License-Identifier: GPL-2.0

//! The hook: which CPU a packet belongs to, and how it gets there.

use super::checks::Checks;
use super::lane::{self, Lane, Lanes, Local};
use super::limits::{Limit, Limits};
use super::settings::Settings;
use super::table::Table;
use super::track::Tracking;
use crate::kapi::{
    bh::BhOff,
    cpus,
    held::Held,
    napi::Napis,
    netfilter::{Arrival, Hook, Verdict},
    rcu::RcuBox,
    skb::{DropReason, Skb},
    time,
};
use crate::model::{inbox::Pushed, names::Names, sync::Word};
use kernel::{prelude::*, str::BStr};

/// One packet in this many is looked at for whether RPS is on for its device.
pub(super) const RPS_SAMPLE: u32 = 64;

/// All that packets meet.
pub(super) struct Engine {
    pub(super) lanes: Lanes,
    pub(super) table: RcuBox<Table>,
    /// The interfaces to steer; empty for all.
    pub(super) interfaces: RcuBox<Names>,
    pub(super) limits: Limits,
    pub(super) checks: Checks,
    pub(super) tracking: Tracking,
    /// Milliseconds between two rounds of a CPU's timer thread.
    pub(super) timer_interval: Limit,
    /// 1 while packets are steered.
    pub(super) enabled: Word,
    /// 1 once RPS on a steered interface has been reported.
    rps_reported: Word,
}

impl Engine {
    /// An engine that steers nothing yet. Errors: `ENOMEM`, `EINVAL`.
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            lanes: lane::new()?,
            table: RcuBox::new(settings.table()?),
            interfaces: RcuBox::new(KBox::new(Names::default(), GFP_KERNEL)?),
            limits: Limits::new(),
            checks: Checks::new()?,
            tracking: Tracking::new(),
            timer_interval: Limit::new(224, 10, 10_000),
            enabled: Word::new(0),
            rps_reported: Word::new(0),
        })
    }

    /// Whether packets that arrive like this are ours.
    #[inline]
    fn wants(&self, skb: &Skb, at: &Arrival<'_>, bh: &BhOff) -> bool {
        if !at.can_wait(skb) {
            return false;
        }
        let only = self.interfaces.read(bh);
        only.is_empty() || only.contains(&skb.device().name())
    }

    /// Looks, now and then, for RPS on the way of our packets. It does no harm but
    /// is work done twice; the operator is told, once.
    #[inline]
    fn sample_rps(&self, skb: &Skb, lane: &Lane, local: &Local, bh: &BhOff) {
        let seen = local.seen.get();
        local.seen.set(seen.wrapping_add(1));
        if seen % RPS_SAMPLE == 0 && skb.device().has_rps() {
            lane.stats.rps.add(1, bh);
            if self.rps_reported.swap(1) == 0 {
                pr_warn!(
                    "RPS is on for {}, which is steered here: its work is wasted, turn one of them off\n",
                    BStr::from_bytes(until_zero(&skb.device().name()))
                );
            }
        }
    }
}

impl Hook for Napis<Engine> {
    fn namespace_gone(&self, number: u32) {
        self.tracking.namespace_gone(number);
    }

    #[inline]
    fn pre_routing(&self, mut skb: Skb, at: &Arrival<'_>, bh: &BhOff) -> Verdict {
        if self.enabled.relaxed() == 0 {
            return Verdict::Accept(skb);
        }
        let (lane, local) = self.lanes.local(bh);
        if local.resuming.get() || !self.wants(&skb, at, bh) {
            return Verdict::Accept(skb);
        }
        self.sample_rps(&skb, lane, local, bh);

        let table = self.table.read(bh);
        let hash = match table.hasher.hash_packet(at.family(), &skb) {
            Some(hash) => hash,
            None => skb.flow_hash(),
        };
        let bucket = table.buckets.of_hash(hash);
        let stamp = self.checks.stamp(local, bh);
        let owner = table.buckets.owner(bucket);
        // Straight on if it is ours and nothing waits here that would be overtaken.
        if owner.cpu() == cpus::current(bh)
            && owner.has_arrived()
            && local.reader.is_empty(&lane.inbox)
            && local.is_idle()
        {
            self.checks.processed(hash, stamp, lane, bh);
            lane.stats.packets.add(1, bh);
            lane.stats.direct.add(1, bh);
            lane.stats.bytes.add(u64::from(skb.len()), bh);
            if let Some(load) = table.load(bucket) {
                load.count(skb.len(), bh);
                load.ns.add(lane.charge(lane.price(), 1, bh), bh);
            }
            if self.tracking.on.relaxed() != 0 {
                self.tracking.tracker(lane, time::coarse_ms()).packet(
                    (table, bucket),
                    (at.family(), &skb),
                    (skb.device(), hash, skb.len()),
                    bh,
                );
            }
            return Verdict::Accept(skb);
        }
        if !skb.leave_rcu() {
            lane.stats.drop_route.add(1, bh);
            skb.drop_with(DropReason::Route);
            return Verdict::Stolen;
        }
        let packet = at.hold(skb, hash, stamp);
        self.hand_over(packet, (table, bucket), (lane, local), bh);
        Verdict::Stolen
    }
}

impl Napis<Engine> {
    /// Puts a packet into the inbox of its bucket's owner.
    #[inline]
    fn hand_over(
        &self,
        mut packet: Held,
        (table, bucket): (&Table, usize),
        (lane, local): (&Lane, &Local),
        bh: &BhOff,
    ) {
        loop {
            let owner = table.buckets.owner(bucket).cpu();
            // The map names possible CPUs only.
            let Some(to) = self.lanes.get(owner) else {
                break;
            };
            let still = || table.buckets.owner(bucket).cpu() == owner;
            let (pushed, back) = to.inbox.push(packet, still);
            if let Pushed::In { wake: true } | Pushed::Moved { wake: true } = pushed {
                self.wake_later(owner, (lane, local), bh);
            }
            let Some(back) = back else {
                return lane.stats.steered.add(1, bh);
            };
            packet = back;
            if pushed == Pushed::Full {
                break;
            }
        }
        lane.stats.drop_backlog.add(1, bh);
        lane::drop_packet(packet, bucket, DropReason::Backlog);
    }

    /// Notes that `cpu` is to be woken at the end of this softirq round: one
    /// interrupt, however many packets it is given in between.
    #[inline]
    fn wake_later(&self, cpu: u32, (lane, local): (&Lane, &Local), bh: &BhOff) {
        if local.going.get() || !local.wakes.push(cpu) {
            self.wake_now(cpu, lane, bh);
        } else if lane.waking.relaxed() == 0 {
            lane.waking.set_relaxed(1);
            // Our own poll runs after the NIC's, in the same round, and sends them.
            self.schedule(bh);
        }
    }

    /// Wakes `cpu`.
    #[inline]
    pub(super) fn wake_now(&self, cpu: u32, lane: &Lane, bh: &BhOff) {
        if cpu == cpus::current(bh) {
            self.schedule(bh);
        } else if self.kick(cpu) == Ok(true) {
            lane.stats.ipis.add(1, bh);
        }
    }
}

/// A name without its padding.
fn until_zero(name: &[u8]) -> &[u8] {
    name.split(|&b| b == 0).next().unwrap_or(name)
}
