// SPDX-License-Identifier: GPL-2.0

//! Interrupts between CPUs.
//!
//! C header: [`include/linux/smp.h`](srctree/include/linux/smp.h)

use crate::bindings;
use kernel::ffi::c_void;
use kernel::{prelude::*, types::Opaque};

/// A call to be made on another CPU, without waiting for it.
#[repr(transparent)]
pub(crate) struct CallSingle(Opaque<bindings::call_single_data_t>);

impl CallSingle {
    /// Room for a call, before [`CallSingle::init`].
    pub(crate) const fn uninit() -> Self {
        Self(Opaque::uninit())
    }

    /// Fixes what is called.
    ///
    /// # Safety
    ///
    /// `self` must not move or go away afterwards while a call may be under way,
    /// and `func(info)` must be sound on any CPU, in hard interrupt context.
    pub(super) unsafe fn init(&self, func: unsafe extern "C" fn(*mut c_void), info: *mut c_void) {
        // SAFETY: `self` is valid for writes.
        unsafe { bindings::fb_csd_init(self.0.get(), Some(func), info) };
    }

    /// Makes the call on `cpu`.
    ///
    /// Errors: `EBUSY` while the last call is still on its way, `ENXIO` if the
    /// CPU is offline.
    ///
    /// # Safety
    ///
    /// [`CallSingle::init`] must have been called.
    #[inline]
    pub(super) unsafe fn call(&self, cpu: u32) -> Result {
        // SAFETY: Initialized by the safety requirements.
        kernel::error::to_result(unsafe {
            bindings::smp_call_function_single_async(cpu as i32, self.0.get())
        })
    }
}
