// SPDX-License-Identifier: GPL-2.0

//! What CPUs and buckets are loaded with, from one look to the next.
//!
//! A bucket's load is the time its packets took: an owner's poll reads the clock when a
//! turn begins and ends, and each packet of the turn is charged the same. Packets that go
//! straight on are charged what is usual, since nothing sees where their way ends. What a
//! CPU was busy with besides is what the kernel accounts to it less that.

use super::lane::Lane;
use super::owners;
use super::settings::Settings;
use super::steer::Engine;
use super::table::Table;
use crate::kapi::{bh::BhGuard, cpus, cputime, time};
use crate::model::balance::{
    active, rate,
    rest::Rest,
    smooth::{Smooth, Sum, Tempo},
    Board, Bucket, Cpu, FULL,
};
use core::mem::replace;
use kernel::prelude::*;

/// A load of less than this keeps nobody busy.
pub(super) const NOTHING: u64 = FULL / 20;

/// What a CPU does besides is minded at once when it has changed by this much, and else
/// slowly. Most often the kernel knows it by timer ticks only, of which few come in a
/// period: what is less may be chance.
const CHANGE: u64 = FULL / 10;

/// What is remembered of a CPU.
#[derive(Default)]
struct CpuBefore {
    times: cputime::Times,
    own: u64,
    queued: u64,
    packets: u64,
    /// What came in the last period.
    new_queued: u64,
    new_packets: u64,
    /// Load that is not of buckets, and what is taken for it.
    other: u64,
    minded: u64,
    /// What came of its buckets in the last period.
    sum: Sum,
    /// What the last period was spent on.
    spent: cputime::Times,
}

/// What is remembered of a bucket.
#[derive(Default)]
struct BucketBefore {
    ns: u64,
    /// Its load in the last period alone.
    measured: u32,
    load: Smooth,
    rest: Rest,
}

/// What is remembered, and room to plan in.
#[derive(Default)]
pub(super) struct Memory {
    /// When the last look was; 0 if there was none.
    at: u64,
    /// How long the last period was, in nanoseconds.
    period: u64,
    cpus: KVec<CpuBefore>,
    buckets: KVVec<BucketBefore>,
    tempo: Tempo,
    /// The board: its CPUs are those named by `ids`.
    ids: KVec<u32>,
    board_cpus: KVec<Cpu>,
    board_buckets: KVVec<Bucket>,
    order: KVVec<u16>,
    /// How many CPUs are used.
    active: usize,
}

impl Memory {
    /// Forgets buckets, because there are others now.
    pub(super) fn forget(&mut self) {
        self.at = 0;
        self.buckets.clear();
        self.board_buckets.clear();
    }

    /// Looks at everything; it is meant to do so every `interval` nanoseconds. False if that was the first look, from which nothing follows.
    ///
    /// Errors: `ENOMEM`.
    pub(super) fn look(
        &mut self,
        engine: &Engine,
        settings: &Settings,
        interval: u64,
    ) -> Result<bool> {
        let count = settings.buckets.count() as usize;
        let first = self.at == 0 || self.buckets.len() != count;
        self.make_room(count)?;
        self.ids = owners::online_of(&settings.cpus)?;
        let now = time::now();
        self.period = now.saturating_sub(self.at).max(1);
        self.at = now;
        self.look_at_cpus(engine, first, interval)?;
        let bh = BhGuard::new();
        self.look_at_buckets(engine.table.read(&bh), first);
        Ok(!first)
    }

    fn make_room(&mut self, buckets: usize) -> Result {
        self.buckets.truncate(buckets);
        while self.buckets.len() < buckets {
            self.buckets.push(BucketBefore::default(), GFP_KERNEL)?;
        }
        self.board_buckets.truncate(buckets);
        while self.board_buckets.len() < buckets {
            self.board_buckets.push(Bucket::default(), GFP_KERNEL)?;
        }
        self.order.truncate(buckets);
        while self.order.len() < buckets {
            self.order.push(0, GFP_KERNEL)?;
        }
        Ok(())
    }

    fn look_at_cpus(&mut self, engine: &Engine, first: bool, interval: u64) -> Result {
        let period = self.period;
        // Of CPUs that let packets go on from their queue: time, packets.
        let mut priced = (0, 0);
        for (cpu, lane) in lanes(engine) {
            while self.cpus.len() <= cpu as usize {
                self.cpus.push(CpuBefore::default(), GFP_KERNEL)?;
            }
            let Some(before) = self.cpus.get_mut(cpu as usize) else {
                continue;
            };
            let times = cputime::times(cpu);
            before.spent = times.since(&replace(&mut before.times, times));
            let own = since(&mut before.own, lane.stats.busy.get());
            before.new_queued = since(&mut before.queued, lane.stats.queued.get());
            before.new_packets = since(&mut before.packets, lane.stats.packets.get());
            if first {
                (before.spent, before.other, before.minded) = Default::default();
                continue;
            }
            let other = before.spent.busy().saturating_sub(own);
            let other = rate::of(other, period).min(FULL);
            before.other = rate::blend(before.other, other, period, interval);
            before.minded = match before.other.abs_diff(before.minded) {
                CHANGE.. => before.other,
                _ => (15 * before.minded + before.other) / 16,
            };
            if before.new_queued != 0 {
                priced = (priced.0 + own, priced.1 + before.new_packets);
            }
        }
        let elsewhere = priced.0.checked_div(priced.1);
        for (cpu, lane) in lanes(engine) {
            if let Some(before) = self.cpus.get(cpu as usize) {
                if !first && before.new_queued == 0 && before.new_packets != 0 {
                    let most = before
                        .spent
                        .softirq
                        .checked_div(before.new_packets)
                        .unwrap_or(0);
                    lane.set_price(elsewhere.unwrap_or(most));
                }
            }
        }
        self.board_cpus.clear();
        for &cpu in self.ids.iter() {
            let other = (self.cpus.get(cpu as usize)).map_or(0, |before| before.minded);
            self.board_cpus
                .push(Cpu::new(cpus::node(cpu), other), GFP_KERNEL)?;
        }
        Ok(())
    }

    fn look_at_buckets(&mut self, table: &Table, first: bool) {
        for cpu in self.cpus.iter_mut() {
            cpu.sum.begin();
        }
        for (at, before) in self.buckets.iter_mut().enumerate() {
            let ns = since(
                &mut before.ns,
                table.load(at).map_or(0, |load| load.ns.get()),
            );
            if first {
                before.load = Smooth::default();
                continue;
            }
            // No division for those that have nothing.
            let load = match ns {
                0 => 0,
                _ => rate::of(ns, self.period),
            };
            before.measured = u32::try_from(load).unwrap_or(u32::MAX);
            if let Some(cpu) = self.cpus.get_mut(table.owner(at) as usize) {
                cpu.sum.add(&before.load, before.measured);
            }
        }
        if !first {
            self.tempo.take(self.cpus.iter().map(|cpu| &cpu.sum));
        }
        // In ascending order.
        let place = |cpu: u32| self.ids.binary_search(&cpu).ok();
        let all = self.buckets.iter_mut().zip(self.board_buckets.iter_mut());
        for (at, (before, bucket)) in all.enumerate() {
            let owner = table.owner(at);
            if !first {
                let sum = self.cpus.get(owner as usize).map(|cpu| &cpu.sum);
                let jumped = sum.is_some_and(Sum::jumped);
                before.load.add(before.measured, jumped, &self.tempo);
            }
            let load = before.load.get();
            let rests = before.rest.found(owner);
            *bucket = match place(owner) {
                Some(cpu) => Bucket::new(cpu as u16, load).resting(rests),
                // Lent to a CPU that is not to have any: anyone else may have it.
                None => Bucket::homeless((at % self.ids.len().max(1)) as u16, load),
            };
        }
    }

    /// The hysteresis for now, from the one that is set.
    pub(super) fn hysteresis(&self, least: u32) -> u32 {
        self.tempo.hysteresis(least)
    }

    /// All in order, for a policy.
    pub(super) fn board(&mut self) -> Board<'_> {
        Board {
            cpus: &mut self.board_cpus,
            buckets: &mut self.board_buckets,
            order: &mut self.order,
        }
    }

    /// Leaves out CPUs that are not needed, but for at least `min`; 0 is for using all.
    pub(super) fn close(&mut self, min: usize) {
        let all = self.board_cpus.len();
        let load = self.board_cpus.iter().map(|cpu| cpu.other).sum::<u64>()
            + (self
                .board_buckets
                .iter()
                .map(|bucket| u64::from(bucket.load)))
            .sum::<u64>();
        self.active = match min {
            0 => all,
            _ => active::active(self.active, load, min, all),
        };
        let count = self.active;
        self.board().close_after(count);
    }

    /// The CPU that a bucket is planned to go to, if it is to move.
    pub(super) fn planned(&self, bucket: usize) -> Option<u32> {
        let bucket = self.board_buckets.get(bucket)?;
        let moves = bucket.cpu != bucket.from;
        moves.then(|| self.ids.get(usize::from(bucket.cpu)).copied())?
    }

    /// The smoothed load of a CPU that is not of buckets, in nanoseconds per second.
    pub(super) fn other(&self, cpu: u32) -> u64 {
        (self.cpus.get(cpu as usize)).map_or(0, |before| before.other)
    }

    /// The smoothed load of a bucket, in nanoseconds per second.
    pub(super) fn load(&self, bucket: usize) -> u32 {
        (self.buckets.get(bucket)).map_or(0, |before| before.load.get())
    }

    /// What a CPU spent the last period on, in thousandths of it.
    pub(super) fn spent(&self, cpu: u32) -> cputime::Times {
        let spent = (self.cpus.get(cpu as usize)).map_or(Default::default(), |before| before.spent);
        spent.map(|ns| ns.saturating_mul(1000) / self.period.max(1))
    }
}

/// The lanes of all CPUs.
fn lanes(engine: &Engine) -> impl Iterator<Item = (u32, &Lane)> {
    cpus::possible().filter_map(|cpu| Some((cpu, engine.lanes.get(cpu)?)))
}

/// By how much a counter has grown since `before`, which becomes `now`.
fn since(before: &mut u64, now: u64) -> u64 {
    now.saturating_sub(replace(before, now))
}
