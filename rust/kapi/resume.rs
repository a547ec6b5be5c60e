// SPDX-License-Identifier: GPL-2.0

//! The way on for packets that waited: from just behind the hook that took them.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use super::bh::BhOff;
use super::held::Held;
use super::netfilter::OPS;
use crate::bindings;
use core::sync::atomic::Ordering;
use kernel::ffi::c_int;

type Okfn =
    unsafe extern "C" fn(*mut bindings::net, *mut bindings::sock, *mut bindings::sk_buff) -> c_int;

/// Lets packets that waited go on: the rest of the hooks, then the stack.
///
/// Remembers where our hook is in its namespace's list from one packet to the
/// next, which most often come from the same namespace and family.
pub(crate) struct Resume<'a> {
    net: *mut bindings::net,
    pf: u8,
    entries: *const bindings::nf_hook_entries,
    /// Index of the first hook after ours.
    next: u32,
    _bh: &'a BhOff,
    _rcu: kernel::sync::rcu::Guard,
}

impl<'a> Resume<'a> {
    /// Starts a batch.
    #[inline]
    pub(crate) fn new(bh: &'a BhOff) -> Self {
        Self {
            net: core::ptr::null_mut(),
            pf: 0,
            entries: core::ptr::null(),
            next: 0,
            _bh: bh,
            _rcu: kernel::sync::rcu::read_lock(),
        }
    }

    /// Lets one packet go on, the device of which must be registered now.
    #[inline]
    pub(crate) fn packet(&mut self, held: Held) {
        let (skb, note) = held.into_parts();
        let dev = skb.raw_device();
        // SAFETY: The device is registered: its namespace lives.
        let net = unsafe { bindings::fb_dev_net(dev) };
        if !core::ptr::eq(net, self.net) || self.pf != note.pf {
            self.find(net, note.pf);
        }
        let skb = skb.into_raw();
        // SAFETY: The packet is ours, and we are under RCU until it is done.
        unsafe { bindings::fb_skb_enter_rcu(skb) };
        // SAFETY: `okfn` is what netfilter gave us in `Arrival::hold`.
        let okfn = unsafe { core::mem::transmute::<usize, Option<Okfn>>(note.okfn) };
        if !self.entries.is_null() {
            let mut state = bindings::nf_hook_state {
                hook: bindings::nf_inet_hooks_NF_INET_PRE_ROUTING as u8,
                pf: note.pf,
                in_: dev,
                out: core::ptr::null_mut(),
                sk: core::ptr::null_mut(),
                net,
                okfn,
            };
            // SAFETY: The entries are protected by RCU since they were looked up.
            // `nf_hook_slow` takes the packet unless it returns 1.
            if unsafe { bindings::nf_hook_slow(skb, &mut state, self.entries, self.next) } != 1 {
                return;
            }
        }
        if let Some(okfn) = okfn {
            // SAFETY: The packet passed all hooks; this is the call that netfilter
            // would have made.
            unsafe { okfn(net, core::ptr::null_mut(), skb) };
        }
    }

    /// Finds the hooks that follow ours.
    #[cold]
    fn find(&mut self, net: *mut bindings::net, pf: u8) {
        self.net = net;
        self.pf = pf;
        self.next = 0;
        // SAFETY: The namespace is valid and we are under RCU.
        self.entries = unsafe { bindings::fb_nf_pre_routing(net, pf) };
        let ours = OPS.load(Ordering::Acquire);
        if self.entries.is_null() || ours.is_null() {
            return;
        }
        // SAFETY: `entries` is valid under RCU and has `num_hook_entries` hooks;
        // `ours` points to our hooks.
        let (hooks, ours) = unsafe {
            let n = usize::from((*self.entries).num_hook_entries);
            ((*self.entries).hooks.as_slice(n), &*ours)
        };
        // By the context, which is nobody else's. Not found only when the hook has
        // just been unregistered: then the packet starts over, as one that comes in
        // at that moment does.
        if let Some(i) = hooks
            .iter()
            .position(|entry| core::ptr::eq(entry.priv_, ours.priv_))
        {
            self.next = i as u32 + 1;
        }
        if self.next as usize == hooks.len() {
            self.entries = core::ptr::null();
        }
    }
}
