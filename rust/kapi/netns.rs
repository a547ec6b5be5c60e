// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.

use crate::bindings;

/// The inode of the namespace with a number, see [`super::netdev::Device::net_number`]; 0 if it
/// has gone.
pub(crate) fn inode(number: u32) -> u32 {
    // SAFETY: No preconditions.
    unsafe { bindings::fb_net_inode(number) }
}
