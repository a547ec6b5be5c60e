// SPDX-License-Identifier: GPL-2.0

//! How far a connection is, as one can tell who sees the packets of one direction, or both.
//!
//! For TCP this is RFC 9293 without sequence numbers: who forges a packet of a connection can
//! make its record forgotten early, or kept for longer; the connection itself is not touched,
//! and its next packet makes a record again.
//!
//! A record is half open, whatever the protocol, until its connection has sent a second packet
//! which is not again a first one: what never comes back is not worth keeping.

use super::{Conn, Ms};

/// TCP's flags, as in its header.
pub const FIN: u8 = 1;
/// See [`FIN`].
pub const SYN: u8 = 2;
/// See [`FIN`].
pub const RST: u8 = 4;

/// In [`Conn::flags`]: its first packet came from the higher end.
pub(super) const HIGH_FIRST: u8 = 1;
/// A FIN was seen, of the end that sent the first packet; of the other one.
const FIN_FIRST: u8 = 2;
const FIN_OTHER: u8 = 4;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// One packet was seen, or TCP's SYNs only.
    HalfOpen,
    /// TCP, both sides want it, as far as can be seen.
    Established,
    /// TCP: an end has said that it is done.
    Closing,
    /// TCP: both have.
    TimeWait,
    /// TCP: reset.
    Closed,
    /// UDP and UDP-Lite.
    Udp,
    /// Any other protocol, and fragments.
    Other,
}

impl State {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All, in their order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::HalfOpen,
        Self::Established,
        Self::Closing,
        Self::TimeWait,
        Self::Closed,
        Self::Udp,
        Self::Other,
    ];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfOpen => "half_open",
            Self::Established => "established",
            Self::Closing => "closing",
            Self::TimeWait => "time_wait",
            Self::Closed => "closed",
            Self::Udp => "udp",
            Self::Other => "other",
        }
    }

    /// After how many seconds without a packet a record is forgotten, if nothing else is
    /// said. A connection that is forgotten costs its next packet a new record, no more.
    pub const fn default_timeout(self) -> u32 {
        match self {
            Self::HalfOpen => 60,
            Self::Established => 86_400,
            Self::Closing => 120,
            Self::TimeWait => 60,
            Self::Closed => 10,
            Self::Udp => 120,
            Self::Other => 300,
        }
    }
}

/// After how many milliseconds without a packet a record is forgotten, by state.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts(pub [Ms; State::COUNT]);

impl Timeouts {
    /// Of one state.
    #[inline]
    pub fn of(&self, state: State) -> Ms {
        self.0.get(state as usize).copied().unwrap_or(0)
    }
}

/// What a packet says about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// TCP, with these flags.
    Tcp(u8),
    /// UDP or UDP-Lite.
    Udp,
    /// Nothing that is understood.
    Other,
}

impl Conn {
    /// A packet was seen that is not the first one; `down`: it goes from the higher end to the
    /// lower. Returns how far it is now.
    #[inline]
    pub(super) fn advance(&mut self, says: Says, down: bool) -> State {
        self.state = match says {
            Says::Tcp(flags) => self.advance_tcp(flags, down),
            Says::Udp => State::Udp,
            Says::Other => State::Other,
        };
        self.state
    }

    #[inline]
    fn advance_tcp(&mut self, flags: u8, down: bool) -> State {
        use State::{Closed, Closing, Established, HalfOpen, TimeWait};
        let state = self.state;
        if flags & RST != 0 {
            return Closed;
        }
        if flags & SYN != 0 {
            return match state {
                // The same ports again.
                Closing | TimeWait | Closed => {
                    self.begin(down);
                    HalfOpen
                }
                // Whoever forges one must not have an established one forgotten.
                _ => state,
            };
        }
        if flags & FIN != 0 {
            let first = down == (self.flags & HIGH_FIRST != 0);
            self.flags |= if first { FIN_FIRST } else { FIN_OTHER };
            let both = self.flags & FIN_FIRST != 0 && self.flags & FIN_OTHER != 0;
            return if both { TimeWait } else { Closing };
        }
        match state {
            // After a reset nobody sends: that one was forged.
            HalfOpen | Closed => Established,
            _ => state,
        }
    }

    /// The first packet of a connection comes from the higher end, or the lower.
    pub(super) fn begin(&mut self, down: bool) {
        self.flags = if down { HIGH_FIRST } else { 0 };
    }
}

/// How far a connection is whose first packet says this.
#[inline]
pub(super) fn first(says: Says) -> State {
    match says {
        Says::Tcp(flags) if flags & RST != 0 => State::Closed,
        Says::Tcp(flags) if flags & FIN != 0 => State::Closing,
        _ => State::HalfOpen,
    }
}
