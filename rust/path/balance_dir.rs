// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/flowbucket/balance`; see Documentation/ABI.

use super::balancer::Last;
use super::control::Control;
use super::files::ControlDir;
use crate::kapi::{
    bh::BhGuard,
    sysfs::{Attribute, BinAttribute, BinFile, Kobject, Page, Parent},
};
use crate::model::map::text;
use core::fmt::Write;
use kernel::{prelude::*, sync::Arc};

/// The directory.
pub(super) struct BalanceDir(Arc<Control>);

/// Makes it and its files. Errors: `ENOMEM`.
pub(super) fn new(
    parent: &Kobject<ControlDir>,
    control: Arc<Control>,
) -> Result<Kobject<BalanceDir>> {
    let dir = Kobject::new(Parent::Of(parent), c"balance", BalanceDir(control), &FILES)?;
    dir.add_bin(&LOADS)?;
    Ok(dir)
}

static LOADS: BinAttribute<BalanceDir> = BinAttribute::ro(c"loads");

static FILES: [Attribute<BalanceDir>; 7] = [
    Attribute::ro(c"runs", |dir, page| dir.show(page, |last| last.runs)),
    Attribute::ro(c"moved", |dir, page| dir.show(page, |last| last.moved)),
    Attribute::ro(c"imbalance", |dir, page| {
        dir.show(page, |last| last.imbalance.into())
    }),
    Attribute::ro(c"predicted", |dir, page| {
        dir.show(page, |last| last.predicted.into())
    }),
    Attribute::ro(c"achieved", |dir, page| {
        dir.show(page, |last| last.achieved.into())
    }),
    Attribute::ro(c"run_ns", |dir, page| dir.show(page, |last| last.ns)),
    Attribute::ro(c"plan", |dir, page| {
        for moved in dir.0.balancer.state.lock().plan.iter() {
            let (bucket, load) = (moved.bucket, moved.load);
            writeln!(page, "{} {} {} {}", bucket, moved.from, moved.to, load)?;
        }
        Ok(())
    }),
];

impl BalanceDir {
    fn show(&self, page: &mut Page<'_>, of: fn(&Last) -> u64) -> Result {
        let last = self.0.balancer.state.lock().last;
        Ok(writeln!(page, "{}", of(&last))?)
    }
}

impl BinFile for BalanceDir {
    fn read(&self, offset: usize, to: &mut [u8]) -> Result<usize> {
        self.0.with_settings(|settings| {
            let state = self.0.balancer.state.lock();
            let bh = BhGuard::new();
            let table = self.0.engine.table.read(&bh);
            Ok(text::fill_lines(to, offset, settings.buckets, |bucket| {
                let at = bucket as usize;
                let load = table.load(at);
                let (packets, bytes, ns) = load.map_or((0, 0, 0), |load| {
                    (load.packets.get(), load.bytes.get(), load.ns.get())
                });
                text::loads(bucket, packets, bytes, ns, state.memory.load(at))
            }))
        })
    }

    fn write(&self, _offset: usize, _from: &[u8]) -> Result<usize> {
        Err(EPERM)
    }
}
