// SPDX-License-Identifier: GPL-2.0

//! NAPI: one poll instance per CPU on a dummy device, woken from its own CPU or
//! by an interrupt from another.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::bh::BhOff;
use super::cpus;
use super::ipi::CallSingle;
use super::percpu::PerCpu;
use crate::bindings;
use crate::model::sync::Word;
use core::{cell::UnsafeCell, ptr::NonNull};
use kernel::ffi::{c_int, c_void};
use kernel::{prelude::*, sync::Arc, types::Opaque};

/// What is polled.
pub(crate) trait Poll: Send + Sync + Sized + 'static {
    /// Does up to `budget` packets of work in softirq context on the current CPU
    /// and returns how many it did. Fewer than `budget` means: nothing is left.
    fn poll(&self, napis: &Napis<Self>, budget: u32, bh: &BhOff) -> u32;

    /// Called after the instance of the current CPU went idle. True if work came
    /// in since: then it is scheduled again.
    fn idle(&self, bh: &BhOff) -> bool;
}

#[repr(C)]
struct Instance<T: Poll> {
    napi: Opaque<bindings::napi_struct>,
    wake: CallSingle,
    /// 1 while `wake` is under way: a call structure has one user at a time.
    waking: Word,
    /// Written once, before anybody else has the instance.
    all: UnsafeCell<*const Napis<T>>,
    cpu: u32,
}

// SAFETY: The C parts are made to be used from several CPUs; `all` is only read.
unsafe impl<T: Poll> Send for Instance<T> {}
// SAFETY: As above.
unsafe impl<T: Poll> Sync for Instance<T> {}

/// A NAPI instance per possible CPU, and what they poll.
///
/// # Invariants
///
/// Lives in an [`Arc`], at a fixed address. The instances are enabled.
pub(crate) struct Napis<T: Poll> {
    instances: PerCpu<Instance<T>>,
    dev: NonNull<bindings::net_device>,
    work: T,
}

// SAFETY: The dummy device is touched only by `new` and `drop`.
unsafe impl<T: Poll> Send for Napis<T> {}
// SAFETY: As above.
unsafe impl<T: Poll> Sync for Napis<T> {}

impl<T: Poll> Napis<T> {
    /// Makes and enables the instances. Errors: `ENOMEM`.
    pub(crate) fn new(work: T) -> Result<Arc<Self>> {
        // SAFETY: Plain allocation.
        let dev = NonNull::new(unsafe { bindings::alloc_netdev_dummy(0) }).ok_or(ENOMEM)?;
        let instances = PerCpu::new(|cpu| {
            Ok((
                Instance {
                    napi: Opaque::zeroed(),
                    wake: CallSingle::uninit(),
                    waking: Word::new(0),
                    all: UnsafeCell::new(core::ptr::null()),
                    cpu,
                },
                (),
            ))
        });
        let instances = match instances {
            Ok(instances) => instances,
            Err(e) => {
                // SAFETY: Allocated above and not used.
                unsafe { bindings::free_netdev(dev.as_ptr()) };
                return Err(e);
            }
        };
        let mut this = kernel::sync::UniqueArc::new_uninit(GFP_KERNEL).inspect_err(|_| {
            // SAFETY: As above.
            unsafe { bindings::free_netdev(dev.as_ptr()) }
        })?;
        let all: *const Self = this.as_mut_ptr();
        for cpu in cpus::possible() {
            let Some(instance) = instances.get(cpu) else {
                continue;
            };
            let at = core::ptr::from_ref(instance).cast_mut();
            // SAFETY: Nobody else has the instance yet. It stays where it is, in
            // per-CPU memory, until `drop` has disabled it.
            unsafe {
                *instance.all.get() = all;
                instance.wake.init(Self::woken, at.cast());
                bindings::fb_netif_napi_add(dev.as_ptr(), instance.napi.get(), Some(Self::poll));
                bindings::napi_enable(instance.napi.get());
            }
        }
        // INVARIANT: In an `Arc`, enabled above. Nothing wakes an instance before
        // somebody has the `Arc`.
        Ok(this
            .write(Self {
                instances,
                dev,
                work,
            })
            .into())
    }

    /// Schedules the current CPU's instance.
    #[inline]
    pub(crate) fn schedule(&self, bh: &BhOff) {
        let (instance, ()) = self.instances.local(bh);
        // SAFETY: By the type invariant.
        unsafe { schedule(instance.napi.get()) };
    }

    /// Schedules the instance of another CPU by an interrupt; true if it took one, and
    /// none was on its way already.
    ///
    /// Errors: `ENXIO` if the CPU is offline.
    #[inline]
    pub(crate) fn kick(&self, cpu: u32) -> Result<bool> {
        let instance = self.instances.get(cpu).ok_or(ENXIO)?;
        if instance.waking.swap(1) != 0 {
            return Ok(false);
        }
        // SAFETY: Initialized in `new`. `waking` is ours until `woken` clears it.
        let called = unsafe { instance.wake.call(cpu) };
        called.map(|()| true).inspect_err(|_| {
            instance.waking.swap(0);
        })
    }

    /// In hard interrupt context on the woken CPU.
    ///
    /// # Safety
    ///
    /// `at` must be the instance that [`Napis::new`] gave with this function.
    unsafe extern "C" fn woken(at: *mut c_void) {
        // SAFETY: `at` is the instance given in `new`; interrupts of ours end
        // before `drop` returns.
        let instance = unsafe { &*at.cast::<Instance<T>>() };
        // First, as a full barrier: who finds it set has the poll to come see its work.
        instance.waking.swap(0);
        // SAFETY: By the type invariant.
        unsafe { schedule(instance.napi.get()) };
    }

    /// # Safety
    ///
    /// Called by NAPI, for an instance of this set.
    unsafe extern "C" fn poll(napi: *mut bindings::napi_struct, budget: c_int) -> c_int {
        // SAFETY: `napi` is the first field of an `Instance` set up in `new`, and
        // NAPI polls in softirq context.
        let (instance, bh) = unsafe { (&*napi.cast::<Instance<T>>(), BhOff::assume()) };
        // SAFETY: `all` points to the set, which outlives its enabled instances.
        let this = unsafe { &**instance.all.get() };
        // The instance of a CPU that died is finished by another CPU: it finds
        // nothing there, since the dead CPU was drained first.
        let at_home = instance.cpu == cpus::current(&bh);
        let done = if at_home {
            this.work.poll(this, budget.unsigned_abs(), &bh)
        } else {
            0
        };
        if done < budget.unsigned_abs() {
            // SAFETY: We are in the poll of this instance.
            unsafe { bindings::napi_complete_done(napi, done as c_int) };
            if at_home && this.work.idle(&bh) {
                // SAFETY: As above.
                unsafe { schedule(napi) };
            }
        }
        done as c_int
    }
}

/// # Safety
///
/// `napi` must be enabled, or about to be disabled.
#[inline]
unsafe fn schedule(napi: *mut bindings::napi_struct) {
    // SAFETY: By the safety requirements.
    unsafe {
        if bindings::napi_schedule_prep(napi) {
            bindings::__napi_schedule(napi);
        }
    }
}

impl<T: Poll> core::ops::Deref for Napis<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.work
    }
}

impl<T: Poll> Drop for Napis<T> {
    fn drop(&mut self) {
        // Nobody wakes an instance any more; wait for interrupts that are still on
        // their way. One that comes in the same flush as the empty call may still run
        // after it: it then finds the instance disabled, and is over by the end of
        // the grace period that deleting the instance takes.
        // SAFETY: May sleep here; has each CPU answer an empty call.
        unsafe { bindings::kick_all_cpus_sync() };
        for cpu in cpus::possible() {
            if let Some(instance) = self.instances.get(cpu) {
                // SAFETY: Enabled in `new`; waits for a poll that is under way.
                unsafe {
                    bindings::napi_disable(instance.napi.get());
                    bindings::fb_netif_napi_del(instance.napi.get());
                }
            }
        }
        // SAFETY: Allocated in `new`; its instances are gone.
        unsafe { bindings::free_netdev(self.dev.as_ptr()) };
    }
}
