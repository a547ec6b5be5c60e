// SPDX-License-Identifier: GPL-2.0

//! Tests of the balancing policies. A check is a function that says what is wrong with a
//! planner; each must be silent for the policies and find out a planner that is wrong.

mod check;
mod load;
mod others;
mod scene;
mod smooth;
mod wrong;
