// SPDX-License-Identifier: GPL-2.0

//! Kernel objects with attribute files in sysfs.
//!
//! C headers: [`include/linux/kobject.h`](srctree/include/linux/kobject.h),
//! [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

mod bin;

pub(crate) use self::bin::{BinAttribute, BinFile};

use crate::bindings;
use core::{fmt, pin::Pin};
use kernel::ffi::c_char;
use kernel::{prelude::*, sync::Completion, types::Opaque};

/// A text file of a `T`, at most a page long.
#[repr(C)]
pub(crate) struct Attribute<T: 'static> {
    raw: bindings::attribute,
    show: fn(&T, &mut Page<'_>) -> Result,
    store: Option<fn(&T, &[u8]) -> Result>,
}

// SAFETY: Immutable; the pointer in it is to a static name.
unsafe impl<T> Sync for Attribute<T> {}

impl<T> Attribute<T> {
    const fn new(
        name: &'static CStr,
        mode: u16,
        show: fn(&T, &mut Page<'_>) -> Result,
        store: Option<fn(&T, &[u8]) -> Result>,
    ) -> Self {
        // SAFETY: All fields of the C structure may be zero.
        let mut raw: bindings::attribute = unsafe { core::mem::zeroed() };
        #[expect(clippy::disallowed_methods, reason = "as_char_ptr() is not const")]
        let name = name.as_ptr();
        raw.name = name.cast();
        raw.mode = mode;
        Self { raw, show, store }
    }

    /// A file that can be read.
    pub(crate) const fn ro(name: &'static CStr, show: fn(&T, &mut Page<'_>) -> Result) -> Self {
        Self::new(name, 0o444, show, None)
    }

    /// A file that can be read, and written by root.
    pub(crate) const fn rw(
        name: &'static CStr,
        show: fn(&T, &mut Page<'_>) -> Result,
        store: fn(&T, &[u8]) -> Result,
    ) -> Self {
        Self::new(name, 0o644, show, Some(store))
    }

    /// A file that root can write, and nobody can read.
    pub(crate) const fn wo(name: &'static CStr, store: fn(&T, &[u8]) -> Result) -> Self {
        Self::new(name, 0o200, |_, _| Err(EPERM), Some(store))
    }

    /// A file that only root can read and write.
    pub(crate) const fn secret(
        name: &'static CStr,
        show: fn(&T, &mut Page<'_>) -> Result,
        store: fn(&T, &[u8]) -> Result,
    ) -> Self {
        Self::new(name, 0o600, show, Some(store))
    }

    /// The file's name.
    pub(crate) fn name(&self) -> &CStr {
        // SAFETY: Made from a static string in `new`.
        unsafe { CStr::from_char_ptr(self.raw.name) }
    }
}

/// The page that a read fills.
pub(crate) struct Page<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl Page<'_> {
    /// Adds text. Errors: `ENOSPC` if the page is full.
    pub(crate) fn text(&mut self, text: &[u8]) -> Result {
        let to = self
            .buf
            .get_mut(self.len..self.len + text.len())
            .ok_or(ENOSPC)?;
        to.copy_from_slice(text);
        self.len += text.len();
        Ok(())
    }
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.text(s.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// # Invariants
///
/// `kobj` is the first field, so that a pointer to it is one to the node.
#[pin_data]
#[repr(C)]
struct Node<T: 'static> {
    #[pin]
    kobj: Opaque<bindings::kobject>,
    #[pin]
    released: Completion,
    data: T,
}

impl<T: Sync + 'static> Node<T> {
    const OPS: &'static bindings::sysfs_ops = &bindings::sysfs_ops {
        show: Some(Self::show),
        store: Some(Self::store),
    };

    /// # Safety
    ///
    /// `kobj` must be a live kernel object of this type.
    unsafe fn from_kobj<'a>(kobj: *mut bindings::kobject) -> &'a Self {
        // SAFETY: By the type invariant and the safety requirements.
        unsafe { &*kobj.cast::<Self>() }
    }

    /// # Safety
    ///
    /// `kobj` must be an object of this type.
    unsafe extern "C" fn release(kobj: *mut bindings::kobject) {
        // SAFETY: Called once, for an object of this type, before it is freed.
        unsafe { Self::from_kobj(kobj) }.released.complete_all();
    }

    /// # Safety
    ///
    /// Called by sysfs for an [`Attribute<T>`] of an object of this type.
    unsafe extern "C" fn show(
        kobj: *mut bindings::kobject,
        attr: *mut bindings::attribute,
        buf: *mut c_char,
    ) -> isize {
        // SAFETY: sysfs calls with what was registered in `Kobject::new`, and a page, of
        // which it wants one byte less.
        let (node, attr, buf) = unsafe {
            (
                Self::from_kobj(kobj),
                &*attr.cast::<Attribute<T>>(),
                core::slice::from_raw_parts_mut(buf.cast::<u8>(), kernel::page::PAGE_SIZE - 1),
            )
        };
        let mut page = Page { buf, len: 0 };
        match (attr.show)(&node.data, &mut page) {
            Ok(()) => page.len as isize,
            Err(e) => e.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// As [`Self::show`].
    unsafe extern "C" fn store(
        kobj: *mut bindings::kobject,
        attr: *mut bindings::attribute,
        buf: *const c_char,
        len: usize,
    ) -> isize {
        // SAFETY: As in `show`; `buf` has `len` bytes.
        let (node, attr, text) = unsafe {
            (
                Self::from_kobj(kobj),
                &*attr.cast::<Attribute<T>>(),
                core::slice::from_raw_parts(buf.cast::<u8>(), len),
            )
        };
        let result = attr
            .store
            .ok_or(EACCES)
            .and_then(|store| store(&node.data, text));
        if let Err(e) = result {
            pr_notice!("{}: write refused ({:?})\n", attr.name(), e);
            return e.to_errno() as isize;
        }
        len as isize
    }
}

/// A kernel object with its directory and files, removed on drop.
pub(crate) struct Kobject<T: Sync + 'static>(Pin<KBox<Node<T>>>);

// SAFETY: Created and dropped on any thread; files use `&T` from any thread.
unsafe impl<T: Send + Sync> Send for Kobject<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for Kobject<T> {}

/// The directory that a [`Kobject`] is made in.
pub(crate) enum Parent<'a, P: Sync + 'static> {
    /// `/sys/kernel`.
    Kernel,
    /// That of another object.
    Of(&'a Kobject<P>),
}

impl<T: Send + Sync + 'static> Kobject<T> {
    const TYPE: &'static bindings::kobj_type = &bindings::kobj_type {
        release: Some(Node::<T>::release),
        sysfs_ops: Node::<T>::OPS,
        // SAFETY: All other fields are optional pointers.
        ..unsafe { core::mem::zeroed() }
    };

    /// Makes the directory `name` with a file per attribute.
    ///
    /// Errors: `EEXIST`, `ENOMEM`.
    pub(crate) fn new<P: Sync>(
        parent: Parent<'_, P>,
        name: &CStr,
        data: T,
        attributes: &'static [Attribute<T>],
    ) -> Result<Self> {
        let node = KBox::try_pin_init(
            try_pin_init!(Node {
                kobj: Opaque::zeroed(),
                released <- Completion::new(),
                data,
            }? Error),
            GFP_KERNEL,
        )?;
        let parent = match parent {
            // SAFETY: Set up by the kernel before any module is loaded.
            Parent::Kernel => unsafe { bindings::kernel_kobj },
            Parent::Of(kobject) => kobject.0.kobj.get(),
        };
        // SAFETY: The object is zeroed and pinned; the parent is live. Whatever the
        // outcome, it is then to be put.
        let err = unsafe {
            bindings::kobject_init_and_add(
                node.kobj.get(),
                core::ptr::from_ref(Self::TYPE),
                parent,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        };
        let this = Self(node);
        kernel::error::to_result(err)?;
        for attribute in attributes {
            // SAFETY: The object is live; the attribute is static.
            kernel::error::to_result(unsafe {
                bindings::sysfs_create_file_ns(this.0.kobj.get(), &attribute.raw, core::ptr::null())
            })?;
        }
        Ok(this)
    }
}

impl<T: Sync + 'static> Drop for Kobject<T> {
    fn drop(&mut self) {
        let kobj = self.0.kobj.get();
        // SAFETY: Initialized in `new`. `kobject_del` removes the files and waits
        // for readers and writers; then the last reference is put.
        unsafe {
            bindings::kobject_del(kobj);
            bindings::kobject_put(kobj);
        }
        // Whoever else took a reference must be done before the memory goes.
        self.0.released.wait_for_completion();
    }
}
