// SPDX-License-Identifier: GPL-2.0

//! The pure half of flowbucket: no kernel types, no unsafe code, no allocation.
//!
//! These files are compiled twice: into the kernel module (`mod model;` in its root, with
//! `--cfg MODULE`) and as the cargo crate `flowbucket_model`, where they are tested and measured.
//! Hence only `core`, and only `super::` paths.
//!
//! A packet goes through it as
//! `packet::flow_key` (headers to key) -> [`hash::Hasher`] (key to 32 bits) -> [`map::Buckets`]
//! (32 bits to bucket).

#![cfg_attr(not(any(MODULE, test)), no_std)]
#![cfg_attr(
    MODULE,
    allow(
        dead_code,
        unreachable_pub,
        reason = "the host crate's interface: all public there, a part of it used in the module"
    )
)]
#![forbid(unsafe_code)]

pub mod balance;
pub mod conn;
pub mod fair;
pub mod handoff;
pub mod hash;
pub mod inbox;
pub mod map;
pub mod names;
pub mod order;
pub mod packet;
pub mod sync;
