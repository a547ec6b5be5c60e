// SPDX-License-Identifier: GPL-2.0

//! Netfilter: a hook at PRE_ROUTING in every network namespace.
//!
//! C headers: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h),
//! [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use super::bh::BhOff;
use super::held::{Held, Note};
use super::skb::Skb;
use crate::bindings;
use crate::model::{order::Stamp, packet::Family};
use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::ffi::{c_int, c_uint, c_void};
use kernel::{prelude::*, sync::Arc, types::Opaque};

const IPV4: u8 = bindings::NFPROTO_IPV4 as u8;
const IPV6: u8 = bindings::NFPROTO_IPV6 as u8;

/// Verdict of a hook.
pub(crate) enum Verdict {
    /// The packet goes on at once.
    Accept(Skb),
    /// The hook has kept (or dropped) the packet.
    Stolen,
}

/// Where a packet is when the hook sees it.
pub(crate) struct Arrival<'a>(&'a bindings::nf_hook_state);

impl Arrival<'_> {
    /// IPv4 or IPv6.
    #[inline]
    pub(crate) fn family(&self) -> Family {
        if self.0.pf == IPV6 {
            Family::V6
        } else {
            Family::V4
        }
    }

    /// Whether the packet may be kept now and go on later: all that [`super::resume::Resume`] will
    /// say of it is true, and this is its first pass through PRE_ROUTING.
    #[inline]
    pub(crate) fn can_wait(&self, skb: &Skb) -> bool {
        // SAFETY: Netfilter gave us both; the packet's device is valid.
        unsafe { bindings::fb_skb_can_wait(skb.as_ptr(), self.0) }
    }

    /// Keeps the packet for later, with a note of how it goes on.
    #[inline]
    pub(crate) fn hold(&self, skb: Skb, flow: u32, stamp: Stamp) -> Held {
        Held::new(
            skb,
            Note {
                okfn: self.0.okfn.map_or(0, |f| f as usize),
                flow,
                pf: self.0.pf,
                stamp,
            },
        )
    }
}

/// What a PRE_ROUTING hook does.
pub(crate) trait Hook: Send + Sync + 'static {
    /// Called for every received IPv4 and IPv6 packet, with bottom halves off and
    /// under RCU. Takes the packet and says where it is now.
    fn pre_routing(&self, skb: Skb, at: &Arrival<'_>, bh: &BhOff) -> Verdict;

    /// A network namespace goes, and nothing comes from it any more: its number, as
    /// [`super::netdev::Device::net_number`]. May sleep.
    fn namespace_gone(&self, number: u32);
}

/// # Safety
///
/// Called by netfilter as a hook that [`Hooks<T>`] registered.
unsafe extern "C" fn hook<T: Hook>(
    ctx: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // Off when packets come in, but not when one comes back from a queue to user space.
    // SAFETY: No preconditions.
    if !unsafe { bindings::fb_in_softirq() } {
        return bindings::NF_ACCEPT;
    }
    // SAFETY: `ctx` is the `T` that `Hooks` keeps alive while hooks are registered;
    // netfilter gives us the packet; bottom halves are off.
    let (ctx, skb, at, bh) = unsafe {
        (
            &*ctx.cast::<T>(),
            Skb::from_raw(skb),
            Arrival(&*state),
            BhOff::assume(),
        )
    };
    match ctx.pre_routing(skb, &at, &bh) {
        Verdict::Accept(skb) => {
            // Back to netfilter, which still has the pointer.
            skb.into_raw();
            bindings::NF_ACCEPT
        }
        Verdict::Stolen => bindings::NF_STOLEN,
    }
}

/// The hooks to register in a namespace that comes up; the pernet callbacks of C
/// have no argument of ours.
pub(super) static OPS: AtomicPtr<bindings::nf_hook_ops> = AtomicPtr::new(core::ptr::null_mut());
const N_OPS: usize = 2;

/// # Safety
///
/// Called for a namespace while [`OPS`] is set.
unsafe extern "C" fn net_init(net: *mut bindings::net) -> c_int {
    // SAFETY: `OPS` points to `N_OPS` hooks from before registration until after
    // unregistration of the pernet operations.
    unsafe { bindings::nf_register_net_hooks(net, OPS.load(Ordering::Acquire), N_OPS as u32) }
}

/// # Safety
///
/// As [`net_init`], which succeeded for this namespace, with the hooks of a [`Hooks<T>`].
unsafe extern "C" fn net_exit<T: Hook>(net: *mut bindings::net) {
    let ops = OPS.load(Ordering::Acquire);
    // SAFETY: As above; `net_init` succeeded for this namespace, and `priv_` is the `T` that
    // `Hooks` keeps alive until the pernet operations are unregistered.
    let (ctx, number) = unsafe {
        bindings::nf_unregister_net_hooks(net, ops, N_OPS as u32);
        (&*(*ops).priv_.cast::<T>(), bindings::fb_net_number(net))
    };
    ctx.namespace_gone(number);
}

/// Our hooks, first at PRE_ROUTING of IPv4 and IPv6, in all network namespaces
/// there are and will be.
pub(crate) struct Hooks<T: Hook> {
    ops: KBox<[bindings::nf_hook_ops; N_OPS]>,
    pernet: Pin<KBox<Opaque<bindings::pernet_operations>>>,
    _ctx: Arc<T>,
}

// SAFETY: Registration and unregistration may happen on different threads.
unsafe impl<T: Hook> Send for Hooks<T> {}
// SAFETY: There is nothing to call on a shared reference.
unsafe impl<T: Hook> Sync for Hooks<T> {}

impl<T: Hook> Hooks<T> {
    /// Registers `ctx` everywhere.
    ///
    /// Errors: `EBUSY` if there are hooks of this module already, `ENOMEM`.
    pub(crate) fn new(ctx: Arc<T>) -> Result<Self> {
        let op = |pf| bindings::nf_hook_ops {
            hook: Some(hook::<T>),
            priv_: (&raw const *ctx).cast_mut().cast(),
            pf,
            hooknum: bindings::nf_inet_hooks_NF_INET_PRE_ROUTING,
            // Before defragmentation, connection tracking and all filtering.
            priority: i32::MIN,
            // SAFETY: The rest is for netfilter itself; zero is its initial state.
            ..unsafe { core::mem::zeroed() }
        };
        let mut ops = KBox::new([op(IPV4), op(IPV6)], GFP_KERNEL)?;
        let pernet = KBox::pin(
            Opaque::new(bindings::pernet_operations {
                init: Some(net_init),
                exit: Some(net_exit::<T>),
                // SAFETY: All other callbacks are optional, and the list head is
                // set at registration.
                ..unsafe { core::mem::zeroed() }
            }),
            GFP_KERNEL,
        )?;
        OPS.compare_exchange(
            core::ptr::null_mut(),
            ops.as_mut_ptr(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        )
        .map_err(|_| EBUSY)?;
        // SAFETY: Both are pinned in boxes and stay until `drop`.
        let ret = unsafe { bindings::register_pernet_subsys(pernet.get()) };
        if ret != 0 {
            OPS.store(core::ptr::null_mut(), Ordering::Release);
            // Some namespaces had them for a moment.
            super::rcu::synchronize_net();
        }
        kernel::error::to_result(ret)?;
        Ok(Self {
            ops,
            pernet,
            _ctx: ctx,
        })
    }
}

impl<T: Hook> Drop for Hooks<T> {
    fn drop(&mut self) {
        // SAFETY: Registered in `new`. Returns when no namespace has our hooks.
        unsafe { bindings::unregister_pernet_subsys(self.pernet.get()) };
        OPS.store(core::ptr::null_mut(), Ordering::Release);
        // A hook that was just called may still be running; `ops` and the context
        // must outlive it.
        super::rcu::synchronize_net();
        let _ = &self.ops;
    }
}
