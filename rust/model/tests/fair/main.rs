// SPDX-License-Identifier: GPL-2.0

//! The fair queue from the outside. What is asked of it is asked of broken queues too,
//! which must fail.

mod broken;
mod check;
mod crowd;
mod fairness;
mod flood;
mod hog;
mod mice;
mod properties;
mod queue;
