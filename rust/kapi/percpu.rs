// SPDX-License-Identifier: GPL-2.0

//! Per-CPU data.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use super::bh::BhOff;
use super::cpus;
use crate::bindings;
use core::{marker::PhantomData, ptr::NonNull};
use kernel::ffi::c_void;
use kernel::prelude::*;

/// What one CPU has: a half that any CPU may look at, and a half for itself.
#[repr(C, align(64))]
struct Slot<S, L> {
    shared: S,
    local: L,
}

/// A value per possible CPU, in the kernel's per-CPU memory.
///
/// `S` is shared: any CPU may reach any CPU's. `L` is local: reached only by its
/// own CPU with bottom halves off, so that plain `Cell`s do in it.
///
/// # Invariants
///
/// The slots of all possible CPUs are initialized.
pub(crate) struct PerCpu<S, L = ()> {
    base: NonNull<c_void>,
    _slots: PhantomData<Slot<S, L>>,
}

// SAFETY: `S` may be used from all CPUs; `L` is given out only to the CPU that
// it belongs to and, when dropped, to the only owner.
unsafe impl<S: Send + Sync, L: Send> Send for PerCpu<S, L> {}
// SAFETY: As above.
unsafe impl<S: Send + Sync, L: Send> Sync for PerCpu<S, L> {}

impl<S, L> PerCpu<S, L> {
    /// Allocates and initializes a slot for each possible CPU with `init(cpu)`.
    ///
    /// Errors: `ENOMEM`, or what `init` returns.
    pub(crate) fn new(mut init: impl FnMut(u32) -> Result<(S, L)>) -> Result<Self> {
        let (size, align) = (size_of::<Slot<S, L>>(), align_of::<Slot<S, L>>());
        // SAFETY: Plain allocation; may sleep, as callers do at load time.
        let base = unsafe { bindings::fb_alloc_percpu(size, align) };
        let this = Self {
            base: NonNull::new(base).ok_or(ENOMEM)?,
            _slots: PhantomData,
        };
        for cpu in cpus::possible() {
            match init(cpu) {
                // SAFETY: `slot` points to memory of the right size and alignment.
                Ok((shared, local)) => unsafe { this.slot(cpu).write(Slot { shared, local }) },
                Err(e) => {
                    this.drop_slots(cpu);
                    // SAFETY: Allocated above; `forget` keeps it from being freed twice.
                    unsafe { bindings::free_percpu(this.base.as_ptr()) };
                    core::mem::forget(this);
                    return Err(e);
                }
            }
        }
        // INVARIANT: All slots were written.
        Ok(this)
    }

    #[inline]
    fn slot(&self, cpu: u32) -> *mut Slot<S, L> {
        // SAFETY: `base` is a per-CPU allocation; callers give a possible CPU.
        unsafe { bindings::fb_per_cpu_ptr(self.base.as_ptr(), cpu) }.cast()
    }

    /// The shared half of `cpu`, or `None` if there cannot be such a CPU.
    #[inline]
    pub(crate) fn get(&self, cpu: u32) -> Option<&S> {
        if !cpus::is_possible(cpu) {
            return None;
        }
        // SAFETY: The CPU is possible, so the slot is initialized.
        Some(unsafe { &(*self.slot(cpu)).shared })
    }

    /// Both halves of the current CPU.
    #[inline]
    pub(crate) fn local<'a>(&'a self, _: &'a BhOff) -> (&'a S, &'a L) {
        // SAFETY: `base` is a per-CPU allocation of initialized slots. The caller
        // cannot leave the CPU and nobody else gets this CPU's local half.
        let slot: &Slot<S, L> =
            unsafe { &*bindings::fb_this_cpu_ptr(self.base.as_ptr()).cast::<Slot<S, L>>() };
        (&slot.shared, &slot.local)
    }

    /// Drops the slots of the possible CPUs below `end`.
    fn drop_slots(&self, end: u32) {
        for cpu in cpus::possible().take_while(|&cpu| cpu < end) {
            // SAFETY: Initialized, and not used again.
            unsafe { self.slot(cpu).drop_in_place() };
        }
    }
}

impl<S, L> Drop for PerCpu<S, L> {
    fn drop(&mut self) {
        self.drop_slots(u32::MAX);
        // SAFETY: Allocated by `new`, freed once.
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}
