// SPDX-License-Identifier: GPL-2.0

//! The lock-free files of the model, compiled with loom's atomics.

#[path = "../model/handoff.rs"]
pub mod handoff;
#[path = "../model/inbox.rs"]
pub mod inbox;
#[path = "../model/sync.rs"]
pub mod sync;

#[cfg(test)]
mod inboxes;
#[cfg(test)]
mod moves;
#[cfg(test)]
mod world;
