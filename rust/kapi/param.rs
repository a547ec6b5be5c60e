// SPDX-License-Identifier: GPL-2.0

//! Module parameters. They are declared in C: the kernel crate's `module!` has none that
//! are strings, before 7.3 none that are booleans, and gives numbers in another way there.

use crate::bindings;
use kernel::prelude::*;

/// `buckets=` as given at load time.
pub(crate) fn buckets() -> u32 {
    // SAFETY: Reads the parameter, which does not change (its sysfs file is read-only).
    unsafe { bindings::fb_param_buckets() }
}

/// `enabled=` as given at load time.
pub(crate) fn enabled() -> bool {
    // SAFETY: As above.
    unsafe { bindings::fb_param_enabled() }
}

/// `hash=` as given at load time.
pub(crate) fn hash() -> Option<&'static CStr> {
    // SAFETY: Returns NULL or the parameter, which stays while the module is loaded
    // (its sysfs file is read-only).
    unsafe {
        let p = bindings::fb_param_hash();
        (!p.is_null()).then(|| CStr::from_char_ptr(p))
    }
}
