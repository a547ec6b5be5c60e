// SPDX-License-Identifier: GPL-2.0

//! Which CPU owns which bucket: dealt evenly, written by hand, or lent while a CPU is
//! away. All of them move buckets; see [`super::moves`].

use super::control::Control;
use super::settings::Settings;
use super::table::Table;
use crate::kapi::{bh::BhGuard, cpus};
use crate::model::map::{deal_evenly, tail::Tail, text::Assignments, text::MapError, Buckets};
use core::cell::Cell;
use kernel::{cpumask::Cpumask, prelude::*};

/// The CPUs that own buckets now: the chosen ones that are online or, so that
/// traffic goes on, all that are online when none of them is.
pub(super) fn online_of(chosen: &Cpumask) -> Result<KVec<u32>> {
    let mut owners = KVec::new();
    for cpu in cpus::possible().filter(|&cpu| cpus::is_online(cpu) && cpus::has(chosen, cpu)) {
        owners.push(cpu, GFP_KERNEL)?;
    }
    if owners.is_empty() {
        for cpu in cpus::possible().filter(|&cpu| cpus::is_online(cpu)) {
            owners.push(cpu, GFP_KERNEL)?;
        }
    }
    Ok(owners)
}

/// The CPU that gets a bucket when all are dealt evenly to `owners`.
pub(super) fn dealt(owners: &[u32], buckets: Buckets, bucket: usize) -> u32 {
    let place = deal_evenly(buckets, owners.len() as u32, bucket as u32);
    owners.get(place as usize).copied().unwrap_or(0)
}

/// Stands for "stays where it is" in a list of targets.
const STAYS: u32 = u32::MAX;

/// A target for each of `count` buckets, none at first. Errors: `ENOMEM`.
fn targets(count: usize) -> Result<KVVec<u32>> {
    let mut targets = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        targets.push(STAYS, GFP_KERNEL)?;
    }
    Ok(targets)
}

impl Control {
    /// Deals all buckets evenly to `owners`, for good.
    pub(super) fn deal(&self, owners: &[u32], buckets: Buckets) {
        self.engine.move_buckets(|table, bucket| {
            let cpu = dealt(owners, buckets, bucket);
            table.set_home(bucket, cpu);
            Some(cpu)
        });
    }

    /// A table for `new` settings with the map of now. Errors: `ENOMEM`.
    pub(super) fn same_map(&self, new: &Settings) -> Result<KBox<Table>> {
        let count = new.buckets.count() as usize;
        let mut owners = targets(count)?;
        {
            let bh = BhGuard::new();
            let old = self.engine.table.read(&bh);
            for (bucket, owner) in owners.iter_mut().enumerate() {
                *owner = old.owner(bucket);
            }
        }
        let table = new.table_by(|bucket| owners.get(bucket).copied().unwrap_or(0))?;
        let bh = BhGuard::new();
        let old = self.engine.table.read(&bh);
        for bucket in 0..count {
            table.set_home(bucket, old.home(bucket));
        }
        Ok(table)
    }

    /// Gives buckets to CPUs as `text`, written at `offset` of the file, says (see
    /// `model::map::text`), all or none. They have arrived when it returns.
    ///
    /// Errors: `EINVAL` for a malformed line, `ERANGE` for a bucket that does not
    /// exist, `ENODEV` for a CPU that is not online, `ENOMEM`.
    pub(super) fn write_map(&self, offset: usize, text: &[u8]) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let mut settings = self.settings.lock();
        let piece = settings.map_tail.take(offset, text).ok_or(EINVAL)?;
        settings.map_tail = Tail::NONE;
        if !piece.tail.is_sane() {
            return Err(EINVAL);
        }
        let of = |lines| Assignments::new(lines, settings.buckets);
        let mut targets = targets(settings.buckets.count() as usize)?;
        let mut give = |first: u32, last: u32, cpu: u32| {
            let range = targets.get_mut(first as usize..=last as usize);
            range.unwrap_or_default().fill(cpu);
        };
        for item in piece.lines().into_iter().flat_map(of) {
            let item = item.map_err(|e| match e {
                MapError::Syntax => EINVAL,
                MapError::Range => ERANGE,
            })?;
            if !cpus::is_online(item.cpu) {
                return Err(ENODEV);
            }
            give(item.first, item.last, item.cpu);
        }
        // What may be a last line without newline takes effect at once; if it goes
        // on, that can only change its CPU, and it will be assigned again.
        let last = of(piece.tail.line()).flatten();
        for item in last.filter(|item| cpus::is_online(item.cpu)) {
            give(item.first, item.last, item.cpu);
        }
        self.engine.move_buckets(|table, bucket| {
            let cpu = targets.get(bucket).copied().filter(|&cpu| cpu != STAYS)?;
            table.set_home(bucket, cpu);
            Some(cpu)
        });
        settings.map_tail = piece.tail;
        Ok(())
    }

    /// Gives the buckets of a CPU that goes to the others, evenly.
    pub(super) fn lend_from(&self, gone: u32) {
        let settings = self.settings.lock();
        let may = |cpu: &u32| *cpu != gone && cpus::is_online(*cpu);
        let chosen = |cpu: &u32| may(cpu) && cpus::has(&settings.cpus, *cpu);
        let turn = Cell::new(0);
        self.engine.move_buckets(|table, bucket| {
            if table.owner(bucket) != gone {
                return None;
            }
            // Without a list of them, for which there may be no memory. If it was the
            // last of the chosen ones, any other will do.
            let after = |from: u32| {
                let next = |cpu: &u32| *cpu >= from && chosen(cpu);
                cpus::possible().find(next)
            };
            let cpu = after(turn.get())
                .or_else(|| after(0))
                .or_else(|| cpus::possible().find(may))?;
            turn.set(cpu + 1);
            Some(cpu)
        });
    }

    /// Gives a CPU that came back the buckets whose home it is.
    pub(super) fn return_to(&self, back: u32) {
        let _settings = self.settings.lock();
        self.engine
            .move_buckets(|table, bucket| (table.home(bucket) == back).then_some(back));
    }
}
