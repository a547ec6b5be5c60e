// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/flowbucket/moves`; see Documentation/ABI.

use super::control::Control;
use super::files::ControlDir;
use super::lane::Lane;
use super::stats::Histogram;
use crate::kapi::{
    bh::BhGuard,
    cpus,
    sysfs::{Attribute, BinAttribute, BinFile, Kobject, Page, Parent},
};
use crate::model::map::text;
use core::fmt::Write;
use kernel::{prelude::*, str::kstrtobool_bytes, sync::Arc};

/// The directory.
pub(super) struct MovesDir(Arc<Control>);

/// Makes it and its files. Errors: `ENOMEM`.
pub(super) fn new(
    parent: &Kobject<ControlDir>,
    control: Arc<Control>,
) -> Result<Kobject<MovesDir>> {
    let dir = Kobject::new(Parent::Of(parent), c"moves", MovesDir(control), &MOVES)?;
    dir.add_bin(&BUCKETS)?;
    Ok(dir)
}

static BUCKETS: BinAttribute<MovesDir> = BinAttribute::ro(c"buckets");

static MOVES: [Attribute<MovesDir>; 5] = [
    Attribute::ro(c"total", |dir, page| {
        dir.show_sum(page, |lane| lane.stats.moves.get())
    }),
    Attribute::ro(c"held", |dir, page| {
        dir.show_sum(page, |lane| lane.stats.held.get())
    }),
    Attribute::ro(c"histogram", |dir, page| {
        Histogram::show(page, |entry| dir.sum(|lane| lane.move_ns.get(entry)))
    }),
    Attribute::ro(c"order_violations", |dir, page| {
        dir.show_sum(page, |lane| lane.stats.violations.get())
    }),
    Attribute::rw(
        c"check_order",
        |dir, page| {
            let on = dir.0.engine.checks.is_on();
            Ok(writeln!(page, "{}", u8::from(on))?)
        },
        |dir, text| dir.0.set_check_order(kstrtobool_bytes(text.trim_ascii())?),
    ),
];

impl MovesDir {
    fn sum(&self, of: impl Fn(&Lane) -> u64) -> u64 {
        let lanes = &self.0.engine.lanes;
        cpus::possible()
            .filter_map(|cpu| lanes.get(cpu).map(&of))
            .sum()
    }

    fn show_sum(&self, page: &mut Page<'_>, of: impl Fn(&Lane) -> u64) -> Result {
        Ok(writeln!(page, "{}", self.sum(of))?)
    }
}

impl BinFile for MovesDir {
    fn read(&self, offset: usize, to: &mut [u8]) -> Result<usize> {
        self.0.with_settings(|settings| {
            let bh = BhGuard::new();
            let table = self.0.engine.table.read(&bh);
            Ok(text::fill_lines(to, offset, settings.buckets, |bucket| {
                let more = table.more(bucket as usize);
                let (moves, held, ns) = more.map_or((0, 0, 0), |more| {
                    (more.moves.relaxed(), more.held.relaxed(), more.ns.relaxed())
                });
                text::moves(bucket, moves as u32, held as u32, ns as u64)
            }))
        })
    }

    fn write(&self, _offset: usize, _from: &[u8]) -> Result<usize> {
        Err(EPERM)
    }
}
