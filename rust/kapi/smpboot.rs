// SPDX-License-Identifier: GPL-2.0

//! A thread for each CPU, parked while the CPU is away.
//!
//! C header: [`include/linux/smpboot.h`](srctree/include/linux/smpboot.h)

use crate::bindings;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::ffi::{c_uint, c_void};
use kernel::{prelude::*, sync::Arc, types::NotThreadSafe};

/// What the threads do.
pub(crate) trait Rounds: Send + Sync + 'static {
    /// One round on a CPU: sleeps until there is something to do, and does it. Called again
    /// and again, by the CPU's own thread.
    fn round(&self, cpu: u32, thread: &OnCpu);
}

/// Evidence of being in the thread of a CPU, which runs nowhere else.
pub(crate) struct OnCpu {
    begins: bool,
    _here: NotThreadSafe,
}

impl OnCpu {
    /// Whether this is its first round, or the first since its CPU came back.
    pub(crate) fn begins(&self) -> bool {
        self.begins
    }

    /// Sleeps for so many nanoseconds. False: return now.
    pub(crate) fn sleep(&self, ns: u64) -> bool {
        // SAFETY: In such a thread, by what this value stands for.
        unsafe { bindings::fb_timer_sleep(ns) }
    }

    /// Lets others run. False: return now.
    pub(crate) fn rest(&self) -> bool {
        // SAFETY: As above.
        unsafe { bindings::fb_timer_yield() }
    }
}

/// C's threads have one user.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The threads, ended when this is dropped.
pub(crate) struct Threads<T: Rounds> {
    _ctx: Arc<T>,
}

impl<T: Rounds> Threads<T> {
    /// Starts them. Errors: `EBUSY` if there are some already, `ENOMEM`.
    pub(crate) fn new(ctx: Arc<T>) -> Result<Self> {
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(EBUSY);
        }
        let data = (&raw const *ctx).cast_mut().cast();
        // SAFETY: `ctx` lives until `drop` has seen the threads end.
        let err = unsafe { bindings::fb_timers_start(Some(Self::round), data) };
        kernel::error::to_result(err).inspect_err(|_| TAKEN.store(false, Ordering::Release))?;
        Ok(Self { _ctx: ctx })
    }

    /// # Safety
    ///
    /// Called by the threads that [`Threads::new`] starts, with its data.
    unsafe extern "C" fn round(data: *mut c_void, cpu: c_uint, begins: bool) {
        let thread = OnCpu {
            begins,
            _here: NotThreadSafe,
        };
        // SAFETY: The `T` given in `new`.
        unsafe { &*data.cast::<T>() }.round(cpu, &thread);
    }
}

impl<T: Rounds> Drop for Threads<T> {
    fn drop(&mut self) {
        // SAFETY: Started in `new`. Returns when none of them runs any more.
        unsafe { bindings::fb_timers_stop() };
        TAKEN.store(false, Ordering::Release);
    }
}
