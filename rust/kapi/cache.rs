// SPDX-License-Identifier: GPL-2.0

//! The processor's cache.
//!
//! C header: [`include/linux/prefetch.h`](srctree/include/linux/prefetch.h)

use crate::bindings;

/// Has something brought into the cache that will soon be needed, whatever its size.
#[inline]
pub(crate) fn prefetch<T>(what: &T) {
    // SAFETY: A hint; the address is that of something that exists.
    unsafe { bindings::fb_prefetch((&raw const *what).cast(), size_of::<T>()) };
}
