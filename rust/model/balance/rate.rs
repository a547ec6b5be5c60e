// SPDX-License-Identifier: GPL-2.0

//! Times as loads. Periods of hours fit into 64 bits.

use super::FULL;

/// A period has this part in what is taken for a CPU's other load, one in so many: with 3
/// seven eighths of a change are seen within five periods.
const SLOW: u64 = 3;

/// So many nanoseconds of a period, as nanoseconds of a second.
pub fn of(ns: u64, period: u64) -> u64 {
    // About a millisecond is exact enough for periods of seconds, and more than that for others.
    let shift = (u64::BITS - (ns | period).leading_zeros()).saturating_sub(34);
    (ns >> shift)
        .saturating_mul(FULL)
        .checked_div(period >> shift)
        .unwrap_or(0)
}

/// What is taken for a load, in nanoseconds per second, when so much was found in a period. One
/// shorter than the interval tells less.
pub fn blend(before: u64, found: u64, period: u64, interval: u64) -> u64 {
    // In microseconds: a load has 30 bits.
    let (part, slow) = (period / 1000, (SLOW - 1) * interval.max(1000) / 1000);
    (before * slow + found * part)
        .checked_div(slow + part)
        .unwrap_or(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn loads_of_any_period() {
        for ms in [1, 10, 100, 6_100, 18_500, 60_000, 3_600_000] {
            let period = ms * MS;
            assert_eq!(of(period, period), FULL);
            assert_eq!(of(0, period), 0);
            for part in [2, 3, 10] {
                let load = of(period / part, period);
                assert!(
                    load.abs_diff(FULL / part) <= FULL / 1000,
                    "{load} of {ms} ms"
                );
            }
        }
        assert_eq!(of(5, 0), 0);
    }

    #[test]
    fn loads_come_near_what_is_found() {
        for ms in [10, 100, 6_200, 10_000, 60_000, 600_000] {
            let step = |load, found| blend(load, found, ms * MS, ms * MS);
            let (mut up, mut down) = (0, FULL);
            for _ in 0..5 {
                (up, down) = (step(up, FULL), step(down, 0));
            }
            assert!(up > FULL * 8 / 10 && up <= FULL, "{up} at {ms} ms");
            assert!(down < FULL * 2 / 10, "{down} at {ms} ms");
            assert_eq!(step(FULL / 2, FULL / 2), FULL / 2);
        }
        // A look that comes late, or at once.
        assert!(blend(0, FULL, 100_000 * MS, 100 * MS) > FULL * 99 / 100);
        assert!(blend(0, FULL, MS, 100 * MS) < FULL / 100);
    }
}
