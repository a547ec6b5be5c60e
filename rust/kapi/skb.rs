// SPDX-License-Identifier: GPL-2.0

//! Packets.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::netdev::Device;
use crate::bindings;
use crate::model::packet::Bytes;
use core::{mem::ManuallyDrop, ptr::NonNull};

/// Why a packet is dropped: the kernel's drop reasons that this module uses.
#[derive(Copy, Clone, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum DropReason {
    /// The queue of the CPU that should process it is full.
    Backlog = bindings::skb_drop_reason_SKB_DROP_REASON_CPU_BACKLOG,
    /// The device it came in on is going away.
    Device = bindings::skb_drop_reason_SKB_DROP_REASON_DEV_READY,
    /// The route or socket it carries is going away.
    Route = bindings::skb_drop_reason_SKB_DROP_REASON_IP_INNOROUTES,
}

/// A packet that belongs to whoever holds the value.
///
/// It ends in one of three ways: handed back to the stack, kept for later
/// ([`super::held::Held`]), or dropped with a reason ([`Skb::drop_with`]).
///
/// # Invariants
///
/// Points to an `sk_buff` that nobody else refers to.
pub(crate) struct Skb(NonNull<bindings::sk_buff>);

// SAFETY: An exclusively owned packet may be processed on any CPU.
unsafe impl Send for Skb {}

impl Skb {
    /// Takes over a packet.
    ///
    /// # Safety
    ///
    /// `skb` must be valid and not referred to by anyone else from now on.
    #[inline]
    pub(super) unsafe fn from_raw(skb: *mut bindings::sk_buff) -> Self {
        // INVARIANT: By the safety requirements.
        // SAFETY: A valid packet is not at address 0.
        Self(unsafe { NonNull::new_unchecked(skb) })
    }

    /// Gives the packet up to C code.
    #[inline]
    pub(super) fn into_raw(self) -> *mut bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }

    #[inline]
    pub(super) fn raw(&self) -> &bindings::sk_buff {
        // SAFETY: By the type invariant.
        unsafe { self.0.as_ref() }
    }

    /// Length in bytes, from the network header on.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.raw().len
    }

    /// The device it is received on.
    #[inline]
    pub(crate) fn device(&self) -> &Device {
        // SAFETY: A received packet has a device, which stays while it is processed.
        unsafe { Device::from_raw(self.raw_device()) }
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *const bindings::sk_buff {
        self.0.as_ptr()
    }

    #[inline]
    pub(super) fn raw_device(&self) -> *mut bindings::net_device {
        // SAFETY: `dev` is the active member of these unions on the receive path.
        unsafe {
            self.raw()
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .dev
                .cast()
        }
    }

    /// The NIC's hash of the flow or, where there is none, the flow dissector's.
    #[inline]
    pub(crate) fn flow_hash(&mut self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { bindings::fb_skb_get_hash(self.0.as_ptr()) }
    }

    /// Makes the packet independent of the RCU read-side section it was received
    /// in. False if that is too late: then only dropping it is left.
    #[inline]
    pub(crate) fn leave_rcu(&mut self) -> bool {
        // SAFETY: By the type invariant; the hook runs under RCU.
        unsafe { bindings::fb_skb_leave_rcu(self.0.as_ptr()) }
    }

    /// Frees the packet, telling the kernel's drop monitor why.
    #[inline]
    pub(crate) fn drop_with(self, reason: DropReason) {
        let skb = self.into_raw();
        // SAFETY: The packet was ours and is not used again.
        unsafe { bindings::sk_skb_reason_drop(core::ptr::null_mut(), skb, reason as u32) };
    }
}

impl Drop for Skb {
    /// A packet must not be lost by forgetting it; code that drops one on purpose
    /// says why with [`Skb::drop_with`].
    fn drop(&mut self) {
        // SAFETY: By the type invariant; not used again.
        unsafe {
            bindings::sk_skb_reason_drop(
                core::ptr::null_mut(),
                self.0.as_ptr(),
                bindings::skb_drop_reason_SKB_DROP_REASON_NETFILTER_DROP,
            )
        };
    }
}

impl Bytes for Skb {
    #[inline]
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let skb = self.raw();
        let end = offset.checked_add(N)?;
        if end <= (skb.len - skb.data_len) as usize {
            // SAFETY: `data .. data + len - data_len` is the packet's linear part.
            return Some(unsafe { skb.data.add(offset).cast::<[u8; N]>().read_unaligned() });
        }
        self.read_paged(offset)
    }
}

impl Skb {
    #[cold]
    fn read_paged<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut to = [0u8; N];
        let offset = i32::try_from(offset).ok()?;
        // SAFETY: Copies `N` bytes into a buffer of `N`, or fails.
        let err = unsafe {
            bindings::skb_copy_bits(self.0.as_ptr(), offset, to.as_mut_ptr().cast(), N as i32)
        };
        (err == 0).then_some(to)
    }
}
