// SPDX-License-Identifier: GPL-2.0

//! Smoothing of measured loads: slow while they only fluctuate, fast when they change.
//!
//! The smoothed load of a bucket ([`Smooth`]) is the mean of what was measured since its last
//! change, and exponentially smoothed when that is longer ago than the [`Tempo`] says. A
//! change is what fluctuation does not explain, in the bucket, or in the sum of its CPU's
//! buckets ([`Sum`]): many buckets with little load each fluctuate so much that only their
//! sum tells.
//!
//! The tempo is that at which errors are like noise: R. K. Mehra, "On the Identification of
//! Variances and Adaptive Kalman Filtering", IEEE Transactions on Automatic Control 15,
//! 1970. An error in the same direction as the one before says that smoothing is too slow,
//! one in the other that it is too fast.

/// What is known of one load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smooth {
    level: u32,
    /// The mean absolute error: how much the load fluctuates.
    spread: u32,
    /// Over how many periods `level` is the mean; 0 at first. The first of them counts a quarter:
    /// what was moved by it alone was chosen by its chance, too.
    age: u8,
    /// The last error was too large, and in which direction.
    far: i8,
}

/// An error of more than this many times the usual one is a change. Of normal ones, which
/// are 1.25 times as much in the root mean square, one in 15,000 is.
const FAR: i64 = 5;
/// After so many periods `spread` says something of what is usual now.
const KNOWN: u8 = 4;
/// The part that an error has in the usual one is one in so many.
const USUAL: i64 = 16;

impl Smooth {
    /// The smoothed load.
    pub fn get(&self) -> u32 {
        self.level
    }

    fn is_far(&self, error: i64) -> bool {
        error.abs() > FAR * i64::from(self.spread)
    }

    /// Takes in what was measured; returns the smoothed load. `jumped`: so did the sum of its
    /// CPU.
    pub fn add(&mut self, measured: u32, jumped: bool, tempo: &Tempo) -> u32 {
        let measured = measured.min(i32::MAX as u32);
        if self.age == 0 {
            // Until more is known, a quarter is taken for usual.
            (self.level, self.spread, self.age) = (measured, measured / 4, 1);
            return self.level;
        }
        let error = i64::from(measured) - i64::from(self.level);
        let spread = i64::from(self.spread);
        let far = match self.is_far(error) {
            true => error.signum() as i8,
            false => 0,
        };
        // Once may be chance; twice is a change, and where much changes, so is once.
        let again = far == self.far || tempo.get() <= QUICK;
        self.age = match far {
            _ if jumped => 1,
            1 | -1 if again => 1,
            _ => self.age.min(tempo.get() - 1) + 1,
        };
        let fro = i16::from(far) * i16::from(self.far) < 0;
        self.far = far;
        // Rounded away from what was there, so that what ends comes down to nothing.
        let step = match 4 * i64::from(self.age) - 3 {
            1 => error,
            quarters => (4 * error + error.signum() * (quarters - 1)) / quarters,
        };
        self.level = (i64::from(self.level) + step).max(0) as u32;
        // A change is not taken for fluctuation.
        let usual = match fro {
            true => error.abs(),
            false => error.abs().min(FAR * spread + 1),
        } - spread;
        self.spread = (spread + (usual + usual.signum() * (USUAL - 1)) / USUAL) as u32;
        self.level
    }
}

/// What was measured of all buckets of a CPU, beside what was smoothed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// In this period and in the one before.
    error: i64,
    last: i64,
    /// What is too large in single buckets, whatever the direction.
    far: u64,
    /// By how much all are larger than the usual ones, whatever the direction.
    excess: i64,
    /// The sum of squares of usual errors, in units of 2^10.
    squares: u64,
}

/// As [`FAR`], of the sum; more, since all that was learnt of a CPU is forgotten by it.
const SUM_FAR: u64 = 9;

impl Sum {
    /// A period ends.
    pub fn begin(&mut self) {
        let last = self.error;
        *self = Self {
            last,
            ..Self::default()
        };
    }

    /// One of them, before it is smoothed.
    pub fn add(&mut self, load: &Smooth, measured: u32) {
        let error = i64::from(measured) - i64::from(load.level);
        self.error += error;
        if load.is_far(error) {
            self.far += error.unsigned_abs();
        }
        if load.age >= KNOWN {
            self.excess += error.abs() - i64::from(load.spread);
        }
        let square = (u64::from(load.spread) * u64::from(load.spread)) >> 10;
        self.squares = self.squares.saturating_add(square);
    }

    /// More than fluctuation explains. Then what was measured is believed of all buckets, lest
    /// the sum be made of some as they are and others as they were.
    pub fn jumped(&self) -> bool {
        let error = self.error.unsigned_abs().max(self.far);
        let error = error.max(u64::try_from(self.excess).unwrap_or(0));
        let error = error.min(u64::from(u32::MAX));
        (error * error) >> 10 > self.squares.saturating_mul(SUM_FAR * SUM_FAR)
    }
}

/// How slow smoothing is, for all buckets.
#[derive(Clone, Copy, Debug)]
pub struct Tempo {
    /// The longest mean, in periods.
    long: u8,
    /// Smoothed sums over the CPUs, in units of 2^20: of products of an error and the one
    /// before, and of squares.
    products: i64,
    squares: i64,
}

const LEAST: u8 = 1;
const MOST: u8 = 128;
/// With means of no more periods, changes are the rule.
const QUICK: u8 = 8;

impl Default for Tempo {
    fn default() -> Self {
        Self {
            long: 8,
            products: 0,
            squares: 0,
        }
    }
}

impl Tempo {
    /// The longest mean, in periods: at least 1.
    pub fn get(&self) -> u8 {
        self.long
    }

    /// The hysteresis for now: the longer load is steady, the more it takes to move something,
    /// up to twice as much; lest a CPU that is just below is once above by chance.
    pub fn hysteresis(&self, least: u32) -> u32 {
        least.saturating_add(least.saturating_mul(u32::from(self.long)) / u32::from(MOST))
    }

    /// Looks at the sums of all CPUs, once a period.
    pub fn take<'a>(&mut self, sums: impl Iterator<Item = &'a Sum>) {
        let clamp = |error: i64| error.clamp(-(1 << 32), 1 << 32) >> 10;
        self.products -= self.products / 8;
        self.squares -= self.squares / 8;
        let mut cpus: u32 = 0;
        for sum in sums {
            cpus += 1;
            if !sum.jumped() {
                self.products += clamp(sum.error) * clamp(sum.last);
                self.squares += clamp(sum.error) * clamp(sum.error);
            }
        }
        // Of errors without a direction, the smoothed products are some squares / sqrt(15 n);
        // four times that is not chance.
        let chance = self.squares * 16 / i64::from((cpus.min(1 << 16) * 240).isqrt().max(1));
        self.long = match self.products {
            most if most > chance * 2 => self.long / 2,
            much if much > chance => self.long - self.long.div_ceil(4),
            few if few < chance / 4 => self.long + 1,
            _ => self.long,
        };
        self.long = self.long.clamp(LEAST, MOST);
    }
}
