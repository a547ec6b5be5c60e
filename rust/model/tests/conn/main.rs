// SPDX-License-Identifier: GPL-2.0

//! The table of connections.

mod follow;
mod host;
mod limits;
mod reference;
mod steps;
mod tcp;
mod walks;
mod world;
