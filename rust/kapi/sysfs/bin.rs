// SPDX-License-Identifier: GPL-2.0

//! Attribute files that may be longer than a page.

use super::{Kobject, Node};
use crate::bindings;
use kernel::{ffi::c_char, prelude::*};

/// A file of a `T` that may be longer than a page, read and written by offset.
#[repr(C)]
pub(crate) struct BinAttribute<T: 'static> {
    raw: bindings::bin_attribute,
    _of: core::marker::PhantomData<fn(&T)>,
}

/// What a [`BinAttribute`] does.
pub(crate) trait BinFile: Sync + 'static {
    /// Fills `to` from `offset` on; returns how many bytes there were.
    fn read(&self, offset: usize, to: &mut [u8]) -> Result<usize>;
    /// Takes (part of) what was written; returns how many bytes it took.
    fn write(&self, offset: usize, from: &[u8]) -> Result<usize>;
}

// SAFETY: Immutable after construction.
unsafe impl<T> Sync for BinAttribute<T> {}

impl<T: BinFile> BinAttribute<T> {
    /// A file that can be read, and written by root.
    pub(crate) const fn rw(name: &'static CStr) -> Self {
        let mut this = Self::ro(name);
        this.raw.attr.mode = 0o644;
        this.raw.write = Some(Node::<T>::bin_write);
        this
    }

    /// A file that can be read.
    pub(crate) const fn ro(name: &'static CStr) -> Self {
        // SAFETY: All fields of the C structure may be zero.
        let mut raw: bindings::bin_attribute = unsafe { core::mem::zeroed() };
        #[expect(clippy::disallowed_methods, reason = "as_char_ptr() is not const")]
        let name = name.as_ptr();
        raw.attr.name = name.cast();
        raw.attr.mode = 0o444;
        raw.read = Some(Node::<T>::bin_read);
        Self {
            raw,
            _of: core::marker::PhantomData,
        }
    }
}

impl<T: BinFile> Node<T> {
    /// # Safety
    ///
    /// Called by sysfs for a [`BinAttribute<T>`] of an object of this type.
    unsafe extern "C" fn bin_read(
        _file: *mut bindings::file,
        kobj: *mut bindings::kobject,
        _attr: *const bindings::bin_attribute,
        buf: *mut c_char,
        offset: bindings::loff_t,
        len: usize,
    ) -> isize {
        // SAFETY: sysfs calls for our object, with a buffer of `len` bytes.
        let (node, to) = unsafe {
            (
                Self::from_kobj(kobj),
                core::slice::from_raw_parts_mut(buf.cast::<u8>(), len),
            )
        };
        match node.data.read(offset as usize, to) {
            Ok(n) => n as isize,
            Err(e) => e.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// As [`Self::bin_read`].
    unsafe extern "C" fn bin_write(
        _file: *mut bindings::file,
        kobj: *mut bindings::kobject,
        attr: *const bindings::bin_attribute,
        buf: *mut c_char,
        offset: bindings::loff_t,
        len: usize,
    ) -> isize {
        // SAFETY: As in `bin_read`.
        let (node, from) = unsafe {
            (
                Self::from_kobj(kobj),
                core::slice::from_raw_parts(buf.cast::<u8>(), len),
            )
        };
        match node.data.write(offset as usize, from) {
            Ok(n) => n as isize,
            Err(e) => {
                // SAFETY: The attribute was made by `BinAttribute::rw` with a name.
                let name = unsafe { CStr::from_char_ptr((*attr).attr.name) };
                pr_notice!("{}: write refused ({:?})\n", name, e);
                e.to_errno() as isize
            }
        }
    }
}

impl<T: BinFile> Kobject<T> {
    /// Adds a file.
    pub(crate) fn add_bin(&self, attribute: &'static BinAttribute<T>) -> Result {
        // SAFETY: The object is live; the attribute is static.
        kernel::error::to_result(unsafe {
            bindings::sysfs_create_bin_file(self.0.kobj.get(), &attribute.raw)
        })
    }
}
