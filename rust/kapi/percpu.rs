// SPDX-License-Identifier: GPL-2.0

//! Per-CPU data.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use super::bh::BhOff;
use super::cpus;
use crate::bindings;
use core::{mem::take, ptr::NonNull};
use kernel::ffi::c_void;
use kernel::{cpu::nr_cpu_ids, prelude::*};

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
/// The slots of all possible CPUs are initialized, and `slots` points to them.
pub(crate) struct PerCpu<S, L = ()> {
    base: NonNull<c_void>,
    /// The slot of each CPU below `nr_cpu_ids`; null if there cannot be such a CPU.
    slots: KVec<*mut Slot<S, L>>,
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
        let mut slots = KVec::with_capacity(nr_cpu_ids() as usize, GFP_KERNEL)?;
        let (size, align) = (size_of::<Slot<S, L>>(), align_of::<Slot<S, L>>());
        // SAFETY: Plain allocation; may sleep, as callers do at load time.
        let base = unsafe { bindings::fb_alloc_percpu(size, align) };
        let mut this = Self {
            base: NonNull::new(base).ok_or(ENOMEM)?,
            slots: KVec::new(),
        };
        for cpu in 0..nr_cpu_ids() {
            let mut slot: *mut Slot<S, L> = core::ptr::null_mut();
            if cpus::is_possible(cpu) {
                let (shared, local) = init(cpu).inspect_err(|_| this.slots = take(&mut slots))?;
                // SAFETY: `base` is a per-CPU allocation and the CPU is possible.
                slot = unsafe { bindings::fb_per_cpu_ptr(base, cpu) }.cast();
                // SAFETY: `slot` points to memory of the right size and alignment.
                unsafe { slot.write(Slot { shared, local }) };
            }
            slots.push(slot, GFP_KERNEL)?;
        }
        // INVARIANT: All slots were written.
        this.slots = slots;
        Ok(this)
    }

    /// The shared half of `cpu`, or `None` if there cannot be such a CPU.
    #[inline]
    pub(crate) fn get(&self, cpu: u32) -> Option<&S> {
        let slot = *self.slots.get(cpu as usize)?;
        // SAFETY: By the type invariant; null for a CPU that cannot be.
        unsafe { slot.as_ref() }.map(|slot| &slot.shared)
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
}

impl<S, L> Drop for PerCpu<S, L> {
    fn drop(&mut self) {
        for &slot in self.slots.iter().filter(|slot| !slot.is_null()) {
            // SAFETY: Initialized, by the type invariant, and not used again.
            unsafe { slot.drop_in_place() };
        }
        // SAFETY: Allocated by `new`, freed once.
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}
