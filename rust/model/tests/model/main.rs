// SPDX-License-Identifier: GPL-2.0

//! The model from the outside: packets go in, keys and hashes come out.

mod build;
mod icmp;
mod inbox;
mod parse_v4;
mod parse_v6;
mod properties;
mod published;
mod random;
mod seen;
mod spread;
