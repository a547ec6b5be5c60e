// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::types::Opaque;

/// A network device, borrowed.
#[repr(transparent)]
pub(crate) struct Device(Opaque<bindings::net_device>);

/// `reg_state` of a device that is fully registered (`NETREG_REGISTERED`).
const REGISTERED: u8 = bindings::netdev_reg_state_NETREG_REGISTERED as u8;

impl Device {
    /// Borrows a device.
    ///
    /// # Safety
    ///
    /// `dev` must be valid for the lifetime the caller picks.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(dev: *mut bindings::net_device) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*dev.cast() }
    }

    /// The name, padded with zeros.
    #[inline]
    pub(crate) fn name(&self) -> [u8; 16] {
        // SAFETY: The array is part of the device. A renaming at the same time can
        // show a mix of two names, as it can to C code.
        unsafe { (&raw const (*self.0.get()).name).cast::<[u8; 16]>().read() }
    }

    /// Whether it is registered and not about to go away.
    #[inline]
    pub(crate) fn is_registered(&self) -> bool {
        // SAFETY: `reg_state` of a valid device.
        unsafe {
            (&raw const (*self.0.get()).reg_state)
                .cast::<u8>()
                .read_volatile()
                == REGISTERED
        }
    }

    /// Whether RPS is configured on one of its receive queues.
    #[inline]
    pub(crate) fn has_rps(&self) -> bool {
        // SAFETY: A valid device; packets are processed under RCU.
        unsafe { bindings::fb_netdev_has_rps(self.0.get()) }
    }
}

/// A device that stays as long as this value does: it can be unregistered, but is
/// not freed before. For a short time only, since whoever deletes it waits.
pub(crate) struct DeviceRef(NonNull<bindings::net_device>);

impl DeviceRef {
    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `dev` must be valid, and the caller give up a reference to it.
    #[inline]
    pub(super) unsafe fn from_raw(dev: *mut bindings::net_device) -> Self {
        // SAFETY: By the safety requirements.
        Self(unsafe { NonNull::new_unchecked(dev) })
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::net_device {
        self.0.as_ptr()
    }
}

impl Drop for DeviceRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::fb_dev_put(self.0.as_ptr()) };
    }
}
