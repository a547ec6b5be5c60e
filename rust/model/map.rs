// SPDX-License-Identifier: GPL-2.0

//! The bucket map: how many buckets, which one a hash means, and who owns it at the start.

pub mod tail;
pub mod text;

/// A number of buckets: a power of two from 64 to 65,536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Logarithm of the number, 6 to 16.
    bits: u8,
}

impl Buckets {
    /// The fewest.
    pub const MIN: u32 = 64;
    /// The most.
    pub const MAX: u32 = 65_536;
    /// The number in the worked example: a 12-bit hash.
    pub const DEFAULT: Self = Self { bits: 12 };

    /// Checks a number of buckets; `None` (ERANGE to the user) when it is not an allowed one.
    pub const fn new(count: u32) -> Option<Self> {
        if count < Self::MIN || count > Self::MAX || !count.is_power_of_two() {
            return None;
        }
        Some(Self {
            bits: count.trailing_zeros() as u8,
        })
    }

    /// The number itself.
    #[inline]
    pub const fn count(self) -> u32 {
        1 << self.bits
    }

    /// The bucket of a hash: its low bits, as a NIC indexes its RSS table, so that `toeplitz`
    /// agrees with hardware also in what shares a bucket.
    #[inline]
    pub const fn of(self, hash: u32) -> u32 {
        hash & (self.count() - 1)
    }
}

/// Deals the buckets evenly: bucket `i` goes to the CPU at this place among `cpus` CPUs.
///
/// Every CPU gets one contiguous run, floor(i * cpus / buckets), and the runs differ by at most
/// one bucket. Contiguous and not in turn (i mod cpus), because the buckets' words then share
/// cache lines with words of the same owner, who writes them for every packet; and a map stays
/// readable as a few ranges. Evenly filled buckets spread the same either way.
///
/// `i` is taken modulo the number of buckets; with no CPU the place is 0.
#[inline]
pub const fn deal_evenly(buckets: Buckets, cpus: u32, i: u32) -> u32 {
    // At most 2^16 * 2^32: no overflow, and a shift instead of a 64-bit division, which 32-bit
    // kernels do not have.
    let scaled = (buckets.of(i) as u64) * (cpus as u64);
    (scaled >> buckets.bits) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The most two CPUs' counts differ by under a way to deal.
    fn spread(buckets: Buckets, cpus: u32, deal: impl Fn(u32) -> u32) -> u32 {
        let mut counts = vec![0u32; cpus as usize];
        for i in 0..buckets.count() {
            counts[deal(i) as usize] += 1;
        }
        counts.iter().max().unwrap() - counts.iter().min().unwrap()
    }

    #[test]
    fn only_powers_of_two_in_range_are_counts() {
        let allowed: Vec<u32> = (0..70_000).filter(|n| Buckets::new(*n).is_some()).collect();
        let expected: Vec<u32> = (6..=16).map(|bits| 1 << bits).collect();
        assert_eq!(allowed, expected);
        assert!(Buckets::new(u32::MAX).is_none());
        assert!(Buckets::new(1 << 31).is_none());
        assert_eq!(Buckets::new(4096), Some(Buckets::DEFAULT));
        assert!(allowed
            .iter()
            .all(|n| Buckets::new(*n).unwrap().count() == *n));
    }

    #[test]
    fn a_hash_means_a_bucket() {
        assert_eq!(Buckets::DEFAULT.of(0x1234_5678), 0x678);
        assert_eq!(Buckets::new(65_536).unwrap().of(u32::MAX), 65_535);
        assert_eq!(Buckets::new(64).unwrap().of(u32::MAX), 63);
    }

    #[test]
    fn dealing_is_contiguous() {
        let buckets = Buckets::new(64).unwrap();
        let dealt: Vec<u32> = (0..64).map(|i| deal_evenly(buckets, 3, i)).collect();
        assert!(dealt.is_sorted());
        assert_eq!(dealt.iter().filter(|cpu| **cpu == 0).count(), 22);
        assert_eq!(deal_evenly(buckets, 0, 5), 0);
        assert_eq!(
            deal_evenly(buckets, u32::MAX, u32::MAX),
            u32::MAX - (1 << 26)
        );
    }

    #[test]
    fn an_uneven_deal_is_noticed() {
        // The control of `counts_differ_by_at_most_one`: rounding the run's length up.
        let buckets = Buckets::DEFAULT;
        let run = buckets.count().div_ceil(100);
        assert!(spread(buckets, 100, |i| i / run) > 1);
    }

    proptest! {
        #[test]
        fn counts_differ_by_at_most_one(bits in 6u32..=16, cpus in 1u32..8192) {
            let buckets = Buckets::new(1 << bits).unwrap();
            prop_assert!(spread(buckets, cpus, |i| deal_evenly(buckets, cpus, i)) <= 1);
        }
    }
}
