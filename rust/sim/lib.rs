// SPDX-License-Identifier: GPL-2.0

//! The balancing policies of `rust/model` on simulated traffic, beside their peers.
//!
//! Time goes in periods of 100 ms. [`traffic`] says how much work each bucket brings in a
//! period, truly and as it happens to come; [`machine`] is the CPUs of one balancer, which
//! do that work or fall behind; [`peers`] are the balancers; [`bound`] says what could be
//! reached; [`run`] puts all balancers on the same traffic, [`judge`] says what fails.
//!
//! Work is in nanoseconds per second as in the model: [`FULL`](flowbucket_model::balance::FULL)
//! is one CPU.

#![forbid(unsafe_code)]

pub mod bound;
pub mod draw;
pub mod judge;
pub mod machine;
pub mod peers;
pub mod report;
pub mod rsspp;
pub mod run;
pub mod sizes;
pub mod traces;
pub mod traffic;

/// Buckets in all traces.
pub const BUCKETS: usize = 4096;
/// Periods in a second.
pub const PER_SECOND: usize = 10;
/// CPU time that a packet takes, in seconds: a million packets a second fill a CPU.
pub const PACKET: f64 = 1e-6;
/// The load of a CPU that does nothing else.
pub const FULL: f64 = flowbucket_model::balance::FULL as f64;
