// SPDX-License-Identifier: GPL-2.0

//! Which CPUs there are.
//!
//! C headers: [`include/linux/cpumask.h`](srctree/include/linux/cpumask.h),
//! [`include/linux/sched/isolation.h`](srctree/include/linux/sched/isolation.h)

use crate::bindings;
use kernel::{
    cpu::{nr_cpu_ids, CpuId},
    cpumask::{Cpumask, CpumaskVar},
    prelude::*,
};

/// A set of CPUs.
pub(crate) struct Set(KBox<CpumaskVar>);

// SAFETY: The bits are the set's own, also where they are allocated apart and the
// kernel crate's type, which then is a pointer, does not say so
// (`CONFIG_CPUMASK_OFFSTACK`). They belong to no thread.
unsafe impl Send for Set {}

impl Set {
    fn new() -> Result<Self> {
        let mask = CpumaskVar::new_zero(GFP_KERNEL)?;
        Ok(Self(KBox::new(mask, GFP_KERNEL)?))
    }

    /// The same CPUs once more.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let mask = CpumaskVar::try_clone(self)?;
        Ok(Self(KBox::new(mask, GFP_KERNEL)?))
    }
}

impl core::ops::Deref for Set {
    type Target = Cpumask;

    fn deref(&self) -> &Cpumask {
        &self.0
    }
}

/// Whether `cpu` can ever be there.
#[inline]
pub(crate) fn is_possible(cpu: u32) -> bool {
    // SAFETY: Any number may be asked for.
    unsafe { bindings::fb_cpu_possible(cpu) }
}

/// The NUMA node of a possible CPU.
pub(crate) fn node(cpu: u32) -> u32 {
    // SAFETY: The CPU is possible.
    unsafe { bindings::fb_cpu_to_node(cpu) }
}

/// Whether `cpu` is online at this moment.
#[inline]
pub(crate) fn is_online(cpu: u32) -> bool {
    // SAFETY: Any number may be asked for.
    unsafe { bindings::fb_cpu_online(cpu) }
}

/// The current CPU, for the time that bottom halves stay off.
#[inline]
pub(crate) fn current(_: &super::bh::BhOff) -> u32 {
    CpuId::current().as_u32()
}

/// All CPUs that can ever be there, in ascending order.
pub(crate) fn possible() -> impl Iterator<Item = u32> {
    (0..nr_cpu_ids()).filter(|&cpu| is_possible(cpu))
}

/// The CPUs that boot options leave to housekeeping, the kernel's own default
/// for work like this, RPS's too: `isolcpus=` and `nohz_full=` take CPUs out.
pub(crate) fn housekeeping() -> Result<Set> {
    let mut mask = Set::new()?;
    for cpu in possible() {
        // SAFETY: `cpu` is a possible CPU.
        if unsafe { bindings::fb_cpu_housekeeping(cpu) } {
            set(&mut mask.0, cpu);
        }
    }
    Ok(mask)
}

/// Sets `cpu` in `mask`; out of range is ignored.
pub(crate) fn set(mask: &mut Cpumask, cpu: u32) {
    if let Some(cpu) = CpuId::from_u32(cpu) {
        mask.set(cpu);
    }
}

/// Whether `cpu` is in `mask`.
pub(crate) fn has(mask: &Cpumask, cpu: u32) -> bool {
    CpuId::from_u32(cpu).is_some_and(|cpu| mask.test(cpu))
}

/// Reads a CPU list such as `0-3,8`.
///
/// Errors: `EINVAL` for nonsense, `ERANGE` for a number that no CPU can have.
pub(crate) fn parse_list(text: &CStr) -> Result<Set> {
    let mask = Set::new()?;
    let bits = mask.as_raw().cast();
    // SAFETY: `text` is NUL-terminated; a cpumask has at least `nr_cpu_ids` bits.
    let err = unsafe { bindings::bitmap_parselist(text.as_char_ptr(), bits, nr_cpu_ids() as i32) };
    kernel::error::to_result(err).map_err(|e| if e == EOVERFLOW { ERANGE } else { e })?;
    Ok(mask)
}

/// Keeps CPUs from coming and going while it lives.
pub(crate) struct HotplugGuard(kernel::types::NotThreadSafe);

impl HotplugGuard {
    /// Waits for a CPU that is just coming or going, and holds off the next.
    pub(crate) fn new() -> Self {
        // SAFETY: Called in process context, from which it may sleep.
        unsafe { bindings::fb_cpus_read_lock() };
        Self(kernel::types::NotThreadSafe)
    }
}

impl Drop for HotplugGuard {
    fn drop(&mut self) {
        // SAFETY: Taken in `new`.
        unsafe { bindings::fb_cpus_read_unlock() };
    }
}
