// SPDX-License-Identifier: GPL-2.0

//! Which connections have sent before.
//!
//! A flood of spoofed addresses is connections of one packet each. When a queue is full
//! of them, nobody in it is longer than others; but who sends a second packet soon after
//! the first is better served than who never will. So it is noted who has sent: in one
//! place once, in another twice. The first is overwritten by anybody, the second only by
//! somebody else who sends twice: so a flood, however fast, pushes nobody out of it. (The
//! two parts of a cache that withstands scans: 2Q, Johnson and Shasha, 1994.)
//!
//! It is a table without chains: two connections that fall on one place take turns in it,
//! and a connection whose 16-bit tag is already there counts as known, one in 65,536.

use core::ops::DerefMut;

/// A place for two connections, by their tags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    once: u16,
    twice: u16,
}

/// The table. `V` holds its places: a slice of them behind any pointer.
pub struct Known<V> {
    places: V,
    /// Odd factors nobody knows, so that nobody can aim at somebody's place; see
    /// [`super::pool::Pool`]. One would do, but with two of them place and tag are
    /// independent of each other, also for hashes in a row.
    factors: [u64; 2],
    /// What 16 bits are shifted by to make them the number of a place.
    shift: u32,
}

impl<V: DerefMut<Target = [Place]>> Known<V> {
    /// A table in which nobody is known, if the places are as by default. Their number:
    /// a power of two from 2 to 65,536; `None` for other ones. `seeds` are random.
    pub fn new(places: V, seeds: [u64; 2]) -> Option<Self> {
        let len = places.len();
        (len.is_power_of_two() && (2..=1 << 16).contains(&len)).then_some(Self {
            places,
            factors: seeds.map(|seed| seed | 1),
            shift: 16u32.saturating_sub(len.trailing_zeros()),
        })
    }

    /// A connection, by its hash, has sent a packet. Returns whether it is known to have
    /// sent before.
    #[inline]
    pub fn sent(&mut self, flow: u32) -> bool {
        let high = |factor| u64::from(flow).wrapping_mul(factor).wrapping_shr(48) as u16;
        let [place, tag] = self.factors.map(high);
        let place = place.checked_shr(self.shift).unwrap_or(0);
        let Some(place) = self.places.get_mut(usize::from(place)) else {
            return false;
        };
        // 0 is nobody's tag.
        let tag = tag.max(1);
        if place.twice == tag {
            return true;
        }
        if place.once == tag {
            place.twice = tag;
            return true;
        }
        place.once = tag;
        false
    }
}
