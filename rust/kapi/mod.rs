// SPDX-License-Identifier: GPL-2.0

//! Safe types over the C APIs this module needs and the kernel crate lacks, one
//! file per API. All of the module's `unsafe` is here.

pub(crate) mod bh;
pub(crate) mod cache;
pub(crate) mod counter;
pub(crate) mod cpuhp;
pub(crate) mod cpus;
pub(crate) mod cputime;
pub(crate) mod handed;
pub(crate) mod held;
pub(crate) mod inbox;
pub(crate) mod ipi;
pub(crate) mod kthread;
pub(crate) mod napi;
pub(crate) mod netdev;
pub(crate) mod netfilter;
pub(crate) mod netns;
pub(crate) mod packets;
pub(crate) mod param;
pub(crate) mod percpu;
pub(crate) mod procfs;
pub(crate) mod random;
pub(crate) mod rcu;
pub(crate) mod resume;
pub(crate) mod room;
pub(crate) mod skb;
pub(crate) mod smpboot;
pub(crate) mod sysfs;
pub(crate) mod tcp;
pub(crate) mod time;
pub(crate) mod trace;
