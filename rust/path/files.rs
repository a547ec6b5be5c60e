// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/flowbucket`; see Documentation/ABI.

use super::balance_dir::{self, BalanceDir};
use super::conns_dir::{self, ConnsDir};
use super::control::Control;
use super::cpu_dir::{self, CpuDir};
use super::limits::Limit;
use super::moves_dir::{self, MovesDir};
use crate::kapi::{
    bh::BhGuard,
    cpus,
    sysfs::{Attribute, BinAttribute, Kobject, Page, Parent},
};
use crate::model::{balance::Policy, hash::toeplitz, hash::Algorithm, map::Buckets};
use core::fmt::Write;
use kernel::{
    prelude::*,
    str::{kstrtobool_bytes, BStr, CString},
    sync::Arc,
};

/// The directory itself.
pub(super) struct ControlDir(pub(super) Arc<Control>);

/// All files. Those of CPUs go first, being inside the other directory.
pub(super) struct Files {
    _cpus: KVec<Kobject<CpuDir>>,
    _balance: Kobject<BalanceDir>,
    _conns: Kobject<ConnsDir>,
    _moves: Kobject<MovesDir>,
    _root: Kobject<ControlDir>,
}

impl Files {
    /// Makes the files. Errors: `ENOMEM`, `EEXIST`.
    pub(super) fn new(control: Arc<Control>) -> Result<Self> {
        let root = Kobject::new::<ControlDir>(
            Parent::Kernel,
            c"flowbucket",
            ControlDir(control.clone()),
            &CONTROL,
        )?;
        root.add_bin(&MAP)?;
        let moves = moves_dir::new(&root, control.clone())?;
        let conns = conns_dir::new(&root, control.clone())?;
        let balance = balance_dir::new(&root, control.clone())?;
        let mut cpu_dirs = KVec::new();
        for cpu in cpus::possible() {
            cpu_dirs.push(cpu_dir::new(&root, control.clone(), cpu)?, GFP_KERNEL)?;
        }
        Ok(Self {
            _cpus: cpu_dirs,
            _balance: balance,
            _conns: conns,
            _moves: moves,
            _root: root,
        })
    }
}

static MAP: BinAttribute<ControlDir> = BinAttribute::rw(c"map");

static CONTROL: [Attribute<ControlDir>; 22] = [
    Attribute::rw(c"enabled", show_enabled, |dir, text| {
        dir.0.set_enabled(kstrtobool_bytes(text.trim_ascii())?);
        Ok(())
    }),
    Attribute::rw(c"cpus", show_cpus, |dir, text| {
        let text = CString::try_from_fmt(fmt!("{}", BStr::from_bytes(text.trim_ascii())))?;
        dir.0.set_cpus(cpus::parse_list(&text)?)
    }),
    Attribute::rw(c"interfaces", show_interfaces, |dir, text| {
        dir.0.set_interfaces(text)
    }),
    Attribute::rw(c"hash", show_hash, |dir, text| {
        dir.0.set_hash(Algorithm::parse(text).ok_or(EINVAL)?)
    }),
    Attribute::secret(c"toeplitz_key", show_key, |dir, text| {
        dir.0
            .set_toeplitz_key(toeplitz::text::parse_key(text).map_err(|_| EINVAL)?)
    }),
    Attribute::rw(c"buckets", show_buckets, |dir, text| {
        dir.0
            .set_buckets(Buckets::new(number(text)?).ok_or(ERANGE)?)
    }),
    Attribute::rw(
        c"quantum",
        |dir, page| show_limit(page, &dir.0.engine.limits.quantum),
        |dir, text| dir.0.engine.limits.quantum.set(number(text)?),
    ),
    Attribute::rw(
        c"limit_packets",
        |dir, page| show_limit(page, &dir.0.engine.limits.packets),
        |dir, text| dir.0.engine.limits.packets.set(number(text)?),
    ),
    Attribute::rw(
        c"limit_bytes",
        |dir, page| show_limit(page, &dir.0.engine.limits.memory),
        |dir, text| dir.0.engine.limits.memory.set(number(text)?),
    ),
    Attribute::rw(
        c"policy",
        |dir, page| Ok(writeln!(page, "{}", dir.0.balancer.policy().name())?),
        |dir, text| {
            let policy = Policy::parse(text).ok_or(EINVAL)?;
            dir.0.balancer.set_policy(policy);
            Ok(())
        },
    ),
    Attribute::rw(
        c"interval_ms",
        |dir, page| show_limit(page, &dir.0.balancer.interval),
        |dir, text| dir.0.balancer.interval.set(number(text)?),
    ),
    Attribute::rw(
        c"hysteresis",
        |dir, page| show_limit(page, &dir.0.balancer.hysteresis),
        |dir, text| dir.0.balancer.hysteresis.set(number(text)?),
    ),
    Attribute::rw(
        c"max_moves",
        |dir, page| show_limit(page, &dir.0.balancer.max_moves),
        |dir, text| dir.0.balancer.max_moves.set(number(text)?),
    ),
    Attribute::rw(
        c"min_cpus",
        |dir, page| show_limit(page, &dir.0.balancer.min_cpus),
        |dir, text| dir.0.balancer.min_cpus.set(number(text)?),
    ),
    Attribute::rw(
        c"track",
        |dir, page| Ok(writeln!(page, "{}", dir.0.engine.tracking.on.relaxed())?),
        |dir, text| {
            let on = kstrtobool_bytes(text.trim_ascii())?;
            dir.0.engine.tracking.on.set_relaxed(usize::from(on));
            Ok(())
        },
    ),
    Attribute::rw(
        c"max_connections",
        |dir, page| show_limit(page, &dir.0.engine.tracking.max),
        |dir, text| dir.0.engine.tracking.max.set(number(text)?),
    ),
    Attribute::rw(
        c"timer_interval_ms",
        |dir, page| show_limit(page, &dir.0.engine.timer_interval),
        |dir, text| dir.0.engine.timer_interval.set(number(text)?),
    ),
    keepalive::<0>(c"keepalive_time"),
    keepalive::<1>(c"keepalive_intvl"),
    keepalive::<2>(c"keepalive_probes"),
    Attribute::rw(
        c"delayed_acks",
        |dir, page| {
            Ok(writeln!(
                page,
                "{}",
                dir.0.engine.tracking.delayed_acks.relaxed()
            )?)
        },
        |dir, text| {
            let on = kstrtobool_bytes(text.trim_ascii())?;
            let tracking = &dir.0.engine.tracking;
            tracking.delayed_acks.set_relaxed(usize::from(on));
            Ok(())
        },
    ),
    Attribute::wo(c"rebalance", |dir, text| {
        if !kstrtobool_bytes(text.trim_ascii())? {
            return Err(EINVAL);
        }
        dir.0.balance()
    }),
];

/// A file of keep-alive.
const fn keepalive<const WHICH: usize>(name: &'static CStr) -> Attribute<ControlDir> {
    Attribute::rw(
        name,
        |dir, page| show_limit(page, &dir.0.engine.tracking.keepalive[WHICH]),
        |dir, text| dir.0.engine.tracking.set_keepalive(WHICH, number(text)?),
    )
}

/// A written number. Errors: `EINVAL`.
pub(super) fn number(text: &[u8]) -> Result<u32> {
    let text = core::str::from_utf8(text.trim_ascii()).map_err(|_| EINVAL)?;
    text.parse().map_err(|_| EINVAL)
}

fn show_limit(page: &mut Page<'_>, limit: &Limit) -> Result {
    Ok(writeln!(page, "{}", limit.get())?)
}

fn show_enabled(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    Ok(writeln!(page, "{}", dir.0.engine.enabled.relaxed())?)
}

fn show_cpus(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    dir.0.with_settings(|settings| {
        let mut sep = "";
        let mut cpus = cpus::possible()
            .filter(|&cpu| cpus::has(&settings.cpus, cpu))
            .peekable();
        while let Some(first) = cpus.next() {
            let mut last = first;
            while cpus.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            write!(page, "{sep}{first}")?;
            if last > first {
                write!(page, "-{last}")?;
            }
            sep = ",";
        }
        Ok(writeln!(page)?)
    })
}

fn show_interfaces(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    let bh = BhGuard::new();
    let mut sep = "";
    for name in dir.0.engine.interfaces.read(&bh).iter() {
        page.text(sep.as_bytes())?;
        page.text(name)?;
        sep = " ";
    }
    Ok(writeln!(page)?)
}

fn show_hash(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    let current = dir.0.with_settings(|settings| settings.algorithm);
    Ok(writeln!(page, "{}", current.name())?)
}

fn show_key(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    let key = dir.0.with_settings(|settings| settings.toeplitz_key);
    page.text(&toeplitz::text::format_key(&key))?;
    page.text(b"\n")
}

fn show_buckets(dir: &ControlDir, page: &mut Page<'_>) -> Result {
    let buckets = dir.0.with_settings(|settings| settings.buckets);
    Ok(writeln!(page, "{}", buckets.count())?)
}
