// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::bindings;
use kernel::ffi::{c_int, c_void};
use kernel::{prelude::*, types::Opaque};

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

    /// The number of its network namespace, which no other one has had or will have.
    #[inline]
    pub(crate) fn net_number(&self) -> u32 {
        // SAFETY: A valid device.
        unsafe { bindings::fb_dev_net_number(self.0.get()) }
    }

    /// Its number.
    #[inline]
    pub(crate) fn index(&self) -> u32 {
        // SAFETY: A valid device.
        unsafe { bindings::fb_dev_index(self.0.get()) }
    }

    /// Whether RPS is configured on one of its receive queues.
    #[inline]
    pub(crate) fn has_rps(&self) -> bool {
        // SAFETY: A valid device; packets are processed under RCU.
        unsafe { bindings::fb_netdev_has_rps(self.0.get()) }
    }
}

/// Told when a device goes away.
pub(crate) trait Unregister: Sync + Sized + 'static {
    /// `dev` is being unregistered: no new packet of it can come in any more, and
    /// after this call none may be left. May sleep; the RTNL is held.
    fn unregister(&self, dev: &Device);
}

#[repr(C)]
struct Block<T> {
    nb: Opaque<bindings::notifier_block>,
    ctx: T,
}

/// Registration for [`Unregister`], in all network namespaces.
pub(crate) struct Notifier<T: Unregister>(Pin<KBox<Block<T>>>);

// SAFETY: The C side calls `ctx` from any thread; `T: Sync`.
unsafe impl<T: Unregister + Send> Send for Notifier<T> {}
// SAFETY: There is nothing to call on a shared reference.
unsafe impl<T: Unregister> Sync for Notifier<T> {}

impl<T: Unregister> Notifier<T> {
    /// Registers `ctx`.
    pub(crate) fn new(ctx: T) -> Result<Self> {
        let block = KBox::pin(
            Block {
                nb: Opaque::new(bindings::notifier_block {
                    notifier_call: Some(Self::call),
                    next: core::ptr::null_mut(),
                    priority: 0,
                }),
                ctx,
            },
            GFP_KERNEL,
        )?;
        // SAFETY: The block is pinned and unregistered before it is freed.
        kernel::error::to_result(unsafe { bindings::register_netdevice_notifier(block.nb.get()) })?;
        Ok(Self(block))
    }

    /// # Safety
    ///
    /// Called by the notifier chain of network devices, with a block of this type.
    unsafe extern "C" fn call(
        nb: *mut bindings::notifier_block,
        event: usize,
        info: *mut c_void,
    ) -> c_int {
        if event == bindings::netdev_cmd_NETDEV_UNREGISTER as usize {
            // SAFETY: `nb` is the first field of a `Block<T>`, which is only shared.
            let block = unsafe { &*nb.cast::<Block<T>>() };
            // SAFETY: `info` is what a netdevice notifier is given, and the device
            // stays until the notifiers have returned.
            let dev = unsafe { Device::from_raw(bindings::fb_netdev_notifier_dev(info)) };
            block.ctx.unregister(dev);
        }
        bindings::NOTIFY_DONE as c_int
    }
}

impl<T: Unregister> Drop for Notifier<T> {
    fn drop(&mut self) {
        // SAFETY: Registered in `new`. Fails only for a block that is not.
        unsafe { bindings::unregister_netdevice_notifier(self.0.nb.get()) };
    }
}
