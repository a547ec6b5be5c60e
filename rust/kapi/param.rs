// SPDX-License-Identifier: GPL-2.0

//! String module parameters, which the kernel crate's `module!` lacks.

use crate::bindings;
use kernel::prelude::*;

/// `hash=` as given at load time.
pub(crate) fn hash() -> Option<&'static CStr> {
    // SAFETY: Returns NULL or the parameter, which stays while the module is loaded
    // (its sysfs file is read-only).
    unsafe {
        let p = bindings::fb_param_hash();
        (!p.is_null()).then(|| CStr::from_char_ptr(p))
    }
}
