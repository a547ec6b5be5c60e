// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/flowbucket/connections`; see Documentation/ABI.

use super::control::Control;
use super::files::{number, ControlDir};
use super::stats::Histogram;
use super::timers::TimerStats;
use crate::kapi::{
    cpus,
    sysfs::{Attribute, Kobject, Page, Parent},
};
use crate::model::conn::State;
use core::fmt::Write;
use kernel::{prelude::*, sync::Arc};

/// The directory.
pub(super) struct ConnsDir(Arc<Control>);

/// Makes it and its files. Errors: `ENOMEM`.
pub(super) fn new(
    parent: &Kobject<ControlDir>,
    control: Arc<Control>,
) -> Result<Kobject<ConnsDir>> {
    Kobject::new(
        Parent::Of(parent),
        c"connections",
        ConnsDir(control),
        &FILES,
    )
}

/// The file that has the timeout of a state.
const fn timeout<const STATE: usize>(name: &'static CStr) -> Attribute<ConnsDir> {
    Attribute::rw(
        name,
        |dir, page| {
            let seconds = dir.0.engine.tracking.seconds(State::ALL[STATE]);
            Ok(writeln!(page, "{seconds}")?)
        },
        |dir, text| {
            let seconds = number(text)?;
            dir.0
                .engine
                .tracking
                .set_timeout(State::ALL[STATE], seconds)
        },
    )
}

static FILES: [Attribute<ConnsDir>; 13] = [
    Attribute::ro(c"states", |dir, page| {
        for state in State::ALL {
            let all = dir.sum_online(|timers| timers.count(state));
            writeln!(page, "{} {all}", state.name())?;
        }
        Ok(())
    }),
    Attribute::ro(c"memory", |dir, page| {
        let memory = dir.sum_online(|timers| timers.memory.relaxed() as u64);
        Ok(writeln!(page, "{memory}")?)
    }),
    Attribute::ro(c"added", |dir, page| {
        dir.show(page, |timers| timers.added.get())
    }),
    Attribute::ro(c"evicted", |dir, page| {
        dir.show(page, |timers| timers.evicted.get())
    }),
    Attribute::ro(c"untracked", |dir, page| {
        dir.show(page, |timers| timers.untracked.get())
    }),
    Attribute::ro(c"late", |dir, page| {
        Histogram::show(page, |entry| dir.sum(|timers| timers.late.get(entry)))
    }),
    timeout::<{ State::HalfOpen as usize }>(c"timeout_half_open"),
    timeout::<{ State::Established as usize }>(c"timeout_established"),
    timeout::<{ State::Closing as usize }>(c"timeout_closing"),
    timeout::<{ State::TimeWait as usize }>(c"timeout_time_wait"),
    timeout::<{ State::Closed as usize }>(c"timeout_closed"),
    timeout::<{ State::Udp as usize }>(c"timeout_udp"),
    timeout::<{ State::Other as usize }>(c"timeout_other"),
];

impl ConnsDir {
    fn sum(&self, of: impl Fn(&TimerStats) -> u64) -> u64 {
        self.sum_of(cpus::possible(), of)
    }

    /// Of what was found in rounds: those of a CPU that has gone since found what others have
    /// now.
    fn sum_online(&self, of: impl Fn(&TimerStats) -> u64) -> u64 {
        self.sum_of(cpus::possible().filter(|&cpu| cpus::is_online(cpu)), of)
    }

    fn sum_of(&self, cpus: impl Iterator<Item = u32>, of: impl Fn(&TimerStats) -> u64) -> u64 {
        let lanes = &self.0.engine.lanes;
        cpus.filter_map(|cpu| lanes.get(cpu).map(|lane| of(&lane.timers)))
            .sum()
    }

    fn show(&self, page: &mut Page<'_>, of: impl Fn(&TimerStats) -> u64) -> Result {
        Ok(writeln!(page, "{}", self.sum(of))?)
    }
}

/// The file `connections` of a CPU.
pub(super) fn show_conns(timers: &TimerStats, cpu: u32, page: &mut Page<'_>) -> Result {
    // Others have them now.
    let own = |count: u64| if cpus::is_online(cpu) { count } else { 0 };
    for state in State::ALL {
        writeln!(page, "{} {}", state.name(), own(timers.count(state)))?;
    }
    let memory = timers.memory.relaxed() as u64;
    Ok(writeln!(page, "memory {}", own(memory))?)
}

/// The file `timers` of a CPU.
pub(super) fn show_timers(timers: &TimerStats, page: &mut Page<'_>) -> Result {
    for (name, value) in [
        ("rounds", timers.rounds.get()),
        ("walked", timers.walked.get()),
        ("expired", timers.expired.get()),
        ("probes", timers.probes.get()),
        ("acks", timers.acks.get()),
        ("dead", timers.dead.relaxed() as u64),
        ("last_ns", timers.last_ns.relaxed() as u64),
        ("longest_ns", timers.longest_ns.relaxed() as u64),
        ("slice_ns", timers.slice_ns.relaxed() as u64),
    ] {
        writeln!(page, "{name} {value}")?;
    }
    Ok(())
}
