// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/flowbucket/cpu<N>`; see Documentation/ABI.

use super::conns_dir;
use super::control::Control;
use super::files::ControlDir;
use super::lane::Lane;
use super::stats::Stats;
use crate::kapi::{
    bh::BhGuard,
    counter::Counter,
    sysfs::{Attribute, Kobject, Page, Parent},
};
use crate::model::balance::FULL;
use core::fmt::Write;
use kernel::{prelude::*, str::CString, sync::Arc};

/// The directory `cpu<N>`.
pub(super) struct CpuDir {
    control: Arc<Control>,
    cpu: u32,
}

/// Makes the directory of a CPU. Errors: `ENOMEM`, `EEXIST`.
pub(super) fn new(
    root: &Kobject<ControlDir>,
    control: Arc<Control>,
    cpu: u32,
) -> Result<Kobject<CpuDir>> {
    let name = CString::try_from_fmt(fmt!("cpu{}", cpu))?;
    Kobject::new(Parent::Of(root), &name, CpuDir { control, cpu }, &CPU)
}

static CPU: [Attribute<CpuDir>; 17] = [
    Attribute::ro(c"packets", |dir, page| {
        dir.show(page, |stats| &stats.packets)
    }),
    Attribute::ro(c"bytes", |dir, page| dir.show(page, |stats| &stats.bytes)),
    Attribute::ro(c"direct", |dir, page| dir.show(page, |stats| &stats.direct)),
    Attribute::ro(c"queued", |dir, page| dir.show(page, |stats| &stats.queued)),
    Attribute::ro(c"steered", |dir, page| {
        dir.show(page, |stats| &stats.steered)
    }),
    Attribute::ro(c"ipis", |dir, page| dir.show(page, |stats| &stats.ipis)),
    Attribute::ro(c"drop_backlog", |dir, page| {
        dir.show(page, |stats| &stats.drop_backlog)
    }),
    Attribute::ro(c"drop_overlimit", |dir, page| {
        dir.show(page, |stats| &stats.drop_overlimit)
    }),
    Attribute::ro(c"drop_device", |dir, page| {
        dir.show(page, |stats| &stats.drop_device)
    }),
    Attribute::ro(c"drop_route", |dir, page| {
        dir.show(page, |stats| &stats.drop_route)
    }),
    Attribute::ro(c"rps", |dir, page| dir.show(page, |stats| &stats.rps)),
    Attribute::ro(c"busy_ns", |dir, page| dir.show(page, |stats| &stats.busy)),
    Attribute::ro(c"load_other", |dir, page| {
        let state = dir.control.balancer.state.lock();
        let other = state.memory.other(dir.cpu) * 1000 / FULL;
        Ok(writeln!(page, "{other}")?)
    }),
    Attribute::ro(c"utilization", |dir, page| {
        let spent = dir.control.balancer.state.lock().memory.spent(dir.cpu);
        for (name, parts) in [
            ("user", spent.user),
            ("nice", spent.nice),
            ("system", spent.system),
            ("softirq", spent.softirq),
            ("irq", spent.irq),
            ("steal", spent.steal),
        ] {
            writeln!(page, "{name} {parts}")?;
        }
        Ok(())
    }),
    Attribute::ro(c"connections", |dir, page| {
        conns_dir::show_conns(&dir.lane()?.timers, dir.cpu, page)
    }),
    Attribute::ro(c"timers", |dir, page| {
        conns_dir::show_timers(&dir.lane()?.timers, page)
    }),
    Attribute::ro(c"buckets", |dir, page| {
        let bh = BhGuard::new();
        let table = dir.control.engine.table.read(&bh);
        let owned = (0..table.len()).filter(|&bucket| table.owner(bucket) == dir.cpu);
        Ok(writeln!(page, "{}", owned.count())?)
    }),
];

impl CpuDir {
    fn show(&self, page: &mut Page<'_>, counter: fn(&Stats) -> &Counter) -> Result {
        Ok(writeln!(page, "{}", counter(&self.lane()?.stats).get())?)
    }

    fn lane(&self) -> Result<&Lane> {
        self.control.engine.lanes.get(self.cpu).ok_or(ENODEV)
    }
}
