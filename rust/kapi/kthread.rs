// SPDX-License-Identifier: GPL-2.0

//! Kernel threads.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::ffi::{c_int, c_void};
use kernel::{prelude::*, sync::Arc, types::NotThreadSafe};

/// What a thread does.
pub(crate) trait Run: Send + Sync + 'static {
    /// Runs until [`Running::sleep`] says that it is to end.
    fn run(&self, running: &Running);
}

/// Evidence of being in a thread of ours.
pub(crate) struct Running(NotThreadSafe);

impl Running {
    /// Sleeps for so many milliseconds, or until it is woken. False: return now.
    pub(crate) fn sleep(&self, ms: u32) -> bool {
        // SAFETY: In a kernel thread, by what this value stands for.
        unsafe { bindings::fb_kthread_sleep(ms) }
    }
}

/// A thread, ended when this is dropped.
///
/// # Invariants
///
/// `task` runs and does not end before it is stopped.
pub(crate) struct Thread<T: Run> {
    task: NonNull<bindings::task_struct>,
    _ctx: Arc<T>,
}

// SAFETY: A task may be woken and stopped by any thread.
unsafe impl<T: Run> Send for Thread<T> {}
// SAFETY: As above.
unsafe impl<T: Run> Sync for Thread<T> {}

impl<T: Run> Thread<T> {
    /// Starts a thread. Errors: `ENOMEM`.
    pub(crate) fn new(name: &CStr, ctx: Arc<T>) -> Result<Self> {
        let data = (&raw const *ctx).cast_mut().cast();
        // SAFETY: `ctx` lives until `drop` has seen the thread end. The name is copied.
        let task = unsafe { bindings::fb_kthread_run(Some(Self::main), data, name.as_char_ptr()) };
        // INVARIANT: `main` ends only when the thread is to stop.
        Ok(Self {
            task: NonNull::new(task).ok_or(ENOMEM)?,
            _ctx: ctx,
        })
    }

    /// # Safety
    ///
    /// Called by the thread that [`Thread::new`] starts, with its data.
    unsafe extern "C" fn main(data: *mut c_void) -> c_int {
        // SAFETY: The `T` given in `new`.
        let ctx = unsafe { &*data.cast::<T>() };
        let running = Running(NotThreadSafe);
        ctx.run(&running);
        // A task that has ended on its own could not be stopped.
        while running.sleep(u32::MAX) {}
        0
    }
}

impl<T: Run> Drop for Thread<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. Returns when `main` has returned.
        unsafe { bindings::kthread_stop(self.task.as_ptr()) };
    }
}
