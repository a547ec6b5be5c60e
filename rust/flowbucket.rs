// SPDX-License-Identifier: GPL-2.0

//! flowbucket: balances received TCP/IP work over CPUs by hash bucket.
//!
//! A packet's way: `path::steer` (hook, hash, owner) -> `path::lane` (the owner's
//! inbox) -> `path::poll` (the owner's softirq) -> the rest of the stack. See
//! Documentation/design.rst.

mod bindings;
mod kapi;
mod model;
mod path;

use kernel::prelude::*;

module! {
    type: path::Flowbucket,
    name: "flowbucket",
    authors: ["The flowbucket developers"],
    description: "Receive-side load balancer: steers connections to CPUs by hash bucket",
    license: "GPL",
}
