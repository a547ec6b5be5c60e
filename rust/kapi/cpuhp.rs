// SPDX-License-Identifier: GPL-2.0

//! CPU hotplug.
//!
//! C header: [`include/linux/cpuhotplug.h`](srctree/include/linux/cpuhotplug.h)

use crate::bindings;
use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::ffi::{c_int, c_uint, c_void};
use kernel::{prelude::*, sync::Arc};

/// Told when CPUs come and go. Both are called in process context on the CPU
/// in question, with softirqs running.
pub(crate) trait Hotplug: Send + Sync + 'static {
    /// `cpu` has come online.
    fn online(&self, cpu: u32);
    /// `cpu` is about to go offline.
    fn offline(&self, cpu: u32);
}

/// C's callbacks get a CPU and nothing else.
static CTX: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// # Safety
///
/// Called by the hotplug core while a [`Registration<T>`] exists.
unsafe extern "C" fn startup<T: Hotplug>(cpu: c_uint) -> c_int {
    // SAFETY: Set to a `T` before the state was set up, and alive until removed.
    unsafe { &*CTX.load(Ordering::Acquire).cast::<T>() }.online(cpu);
    0
}

/// # Safety
///
/// As [`startup`].
unsafe extern "C" fn teardown<T: Hotplug>(cpu: c_uint) -> c_int {
    // SAFETY: As above.
    unsafe { &*CTX.load(Ordering::Acquire).cast::<T>() }.offline(cpu);
    0
}

/// Registration for [`Hotplug`].
pub(crate) struct Registration<T: Hotplug> {
    state: bindings::cpuhp_state,
    _ctx: Arc<T>,
}

impl<T: Hotplug> Registration<T> {
    /// Registers `ctx` for CPUs that come and go from now on.
    ///
    /// Errors: `EBUSY` if one is registered already, `ENOSPC`, `ENOMEM`.
    pub(crate) fn new(ctx: Arc<T>) -> Result<Self> {
        CTX.compare_exchange(
            core::ptr::null_mut(),
            (&raw const *ctx).cast_mut().cast(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        )
        .map_err(|_| EBUSY)?;
        // SAFETY: `CTX` is set; the name is static.
        let state = unsafe {
            bindings::__cpuhp_setup_state(
                bindings::cpuhp_state_CPUHP_AP_ONLINE_DYN,
                c"net/flowbucket:online".as_char_ptr(),
                false,
                Some(startup::<T>),
                Some(teardown::<T>),
                false,
            )
        };
        if state < 0 {
            CTX.store(core::ptr::null_mut(), Ordering::Release);
        }
        kernel::error::to_result(state)?;
        Ok(Self {
            state: state as bindings::cpuhp_state,
            _ctx: ctx,
        })
    }
}

impl<T: Hotplug> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: Set up in `new`; waits for callbacks under way.
        unsafe { bindings::__cpuhp_remove_state(self.state, false) };
        CTX.store(core::ptr::null_mut(), Ordering::Release);
    }
}
