// SPDX-License-Identifier: GPL-2.0

//! Local TCP sockets of established connections.
//!
//! C header: [`include/net/tcp.h`](srctree/include/net/tcp.h)

use super::bh::BhOff;
use crate::bindings;
use crate::model::conn::Conn;
use core::ptr::NonNull;

/// A socket, with a reference to it.
///
/// # Invariants
///
/// A full TCP socket, on which this value has a reference.
pub(crate) struct Socket(NonNull<bindings::sock>);

// SAFETY: A reference may be given back by any thread.
unsafe impl Send for Socket {}

/// What became of a keep-alive probe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Sent, or would be.
    Sent,
    /// Not now: a program is at work on the socket, it is not idle, or has sent what is not
    /// acknowledged yet, and what becomes of that tells more than a probe.
    Busy,
    /// The application has asked for probes itself, or the connection is about to end.
    NotOurs,
}

/// What became of an acknowledgment that is delayed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ack {
    /// There is none.
    None,
    /// It has time, or a program is at work on the socket.
    Waits,
    Sent,
}

impl Socket {
    /// The socket of a connection whose first packet came from its peer; `None` if it is not
    /// one of this host.
    pub(crate) fn find(conn: &Conn, _: &BhOff) -> Option<Self> {
        let (mut remote, mut local) = (conn.key.low(), conn.key.high());
        if !conn.first_is_low() {
            (remote, local) = (local, remote);
        }
        let v6 = conn.key.is_v6();
        let bytes = |[high, low]: [u64; 2]| -> [u8; 16] {
            let bits = u128::from(high) << 64 | u128::from(low);
            // One of IPv4 is at the end, and goes to the front.
            let bits = if v6 { bits } else { bits << 96 };
            bits.to_be_bytes()
        };
        let (from, to) = (bytes(remote.addr), bytes(local.addr));
        // SAFETY: Under RCU, as bottom halves are off; the addresses have 16 bytes each.
        let sk = unsafe {
            bindings::fb_tcp_find(
                conn.net,
                v6,
                from.as_ptr(),
                remote.port,
                to.as_ptr(),
                local.port,
                conn.interface as i32,
            )
        };
        // INVARIANT: By what that function returns.
        NonNull::new(sk).map(Self)
    }

    /// For how many milliseconds it has heard nothing from its peer.
    pub(crate) fn silent_ms(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { bindings::fb_tcp_silent_ms(self.0.as_ptr()) }
    }

    /// Sends a keep-alive probe, if nothing was received for so long; without `send`, only
    /// tells whether it would.
    pub(crate) fn probe(&self, idle_ms: u32, send: bool, _: &BhOff) -> Probe {
        // SAFETY: By the type invariant; bottom halves are off.
        match unsafe { bindings::fb_tcp_probe(self.0.as_ptr(), idle_ms, send) } {
            bindings::fb_probe_FB_PROBE_SENT => Probe::Sent,
            bindings::fb_probe_FB_PROBE_BUSY => Probe::Busy,
            _ => Probe::NotOurs,
        }
    }

    /// Sends the acknowledgment that is delayed, if it would be sent within so long anyway.
    pub(crate) fn acknowledge(&self, within_ms: u32, _: &BhOff) -> Ack {
        // SAFETY: By the type invariant; bottom halves are off.
        match unsafe { bindings::fb_tcp_ack(self.0.as_ptr(), within_ms) } {
            bindings::fb_ack_FB_ACK_SENT => Ack::Sent,
            bindings::fb_ack_FB_ACK_WAITS => Ack::Waits,
            _ => Ack::None,
        }
    }

    /// Ends the connection with `ETIMEDOUT`. May sleep. False if it has ended meanwhile.
    pub(crate) fn abort(self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::fb_tcp_abort(self.0.as_ptr()) }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; not used again.
        unsafe { bindings::fb_tcp_put(self.0.as_ptr()) };
    }
}
