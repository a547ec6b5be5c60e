// SPDX-License-Identifier: GPL-2.0

//! A file in /proc that is written anew each time it is read, piece by piece.
//!
//! C headers: [`include/linux/proc_fs.h`](srctree/include/linux/proc_fs.h),
//! [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)

use crate::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::ffi::{c_int, c_void};
use kernel::{prelude::*, seq_file::SeqFile, sync::Arc};

/// What the file tells.
pub(crate) trait Pieces: Send + Sync + 'static {
    /// How many pieces there are now.
    fn count(&self) -> u64;
    /// Writes one. It may be asked for again if there was too little room. May sleep.
    /// Errors: what who reads it is told.
    fn show(&self, piece: u64, to: &SeqFile) -> Result;
}

/// C's file has one user.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The file, for root to read; removed when this is dropped.
///
/// # Invariants
///
/// `entry` is that of a file from `fb_proc_create()`.
pub(crate) struct ProcFile<T: Pieces> {
    entry: NonNull<bindings::proc_dir_entry>,
    _ctx: Arc<T>,
}

// SAFETY: The entry is only removed, by whoever drops this.
unsafe impl<T: Pieces> Send for ProcFile<T> {}
// SAFETY: There is nothing to call on a shared reference.
unsafe impl<T: Pieces> Sync for ProcFile<T> {}

impl<T: Pieces> ProcFile<T> {
    /// Makes it. Errors: `EBUSY` if there is one already, `ENOMEM`.
    pub(crate) fn new(name: &CStr, ctx: Arc<T>) -> Result<Self> {
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(EBUSY);
        }
        let data = (&raw const *ctx).cast_mut().cast();
        // SAFETY: `ctx` lives until `drop` has removed the file. The name is copied.
        let entry = unsafe {
            bindings::fb_proc_create(
                name.as_char_ptr(),
                Some(Self::show),
                Some(Self::count),
                data,
            )
        };
        let Some(entry) = NonNull::new(entry) else {
            TAKEN.store(false, Ordering::Release);
            return Err(ENOMEM);
        };
        // INVARIANT: Just made.
        Ok(Self { entry, _ctx: ctx })
    }

    /// # Safety
    ///
    /// Called for the file, with the data given in [`ProcFile::new`].
    unsafe extern "C" fn show(data: *mut c_void, to: *mut bindings::seq_file, piece: u64) -> c_int {
        // SAFETY: The `T` given in `new`.
        let ctx = unsafe { &*data.cast::<T>() };
        // SAFETY: What `show` of a seq_file is given is its own for as long.
        match ctx.show(piece, unsafe { SeqFile::from_raw(to) }) {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        }
    }

    /// # Safety
    ///
    /// As [`Self::show`].
    unsafe extern "C" fn count(data: *mut c_void) -> u64 {
        // SAFETY: The `T` given in `new`.
        unsafe { &*data.cast::<T>() }.count()
    }
}

impl<T: Pieces> Drop for ProcFile<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. Waits for those who read it.
        unsafe { bindings::fb_proc_remove(self.entry.as_ptr()) };
        TAKEN.store(false, Ordering::Release);
    }
}

/// Runs `f` in a thread on a CPU. Must be called where one may sleep.
///
/// Errors: `ENODEV` if the CPU is offline.
pub(crate) fn on_cpu<F: FnMut() + Send>(cpu: u32, mut f: F) -> Result {
    /// # Safety
    ///
    /// `data` must be an `F` that nobody else uses.
    unsafe extern "C" fn call<F: FnMut()>(data: *mut c_void) -> isize {
        // SAFETY: By the safety requirements.
        let f = unsafe { &mut *data.cast::<F>() };
        f();
        0
    }
    // SAFETY: `f` is used by the other thread only, until this returns.
    match unsafe { bindings::fb_on_cpu(cpu, Some(call::<F>), (&raw mut f).cast()) } {
        0 => Ok(()),
        _ => Err(ENODEV),
    }
}
