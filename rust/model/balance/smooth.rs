// SPDX-License-Identifier: GPL-2.0

//! Smoothing of measured loads: slow while they only fluctuate, fast when they change.
//!
//! Exponential smoothing whose factor is the tracking signal of D. W. Trigg and A. G.
//! Leach ("Exponential Smoothing with an Adaptive Response Rate", Operational Research
//! Quarterly 18, 1967): the smoothed error over the smoothed absolute error. Errors that
//! cancel out make it small, errors all in one direction make it 1.

/// What is known of one load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smooth {
    level: u32,
    /// The smoothed error, and the smoothed absolute error.
    error: i32,
    spread: u32,
}

/// The part that a new error has in the smoothed ones: a quarter.
const SHIFT: u32 = 2;
/// The factor is in 256ths, and no less than an eighth.
const ONE: i64 = 256;
const LEAST: i64 = ONE / 8;

impl Smooth {
    /// The smoothed load.
    pub fn get(&self) -> u32 {
        self.level
    }

    /// Takes in what was measured; returns the smoothed load.
    pub fn add(&mut self, measured: u32) -> u32 {
        let measured = measured.min(i32::MAX as u32);
        let error = i64::from(measured) - i64::from(self.level);
        let signal = i64::from(self.error) + ((error - i64::from(self.error)) >> SHIFT);
        let spread = i64::from(self.spread) + ((error.abs() - i64::from(self.spread)) >> SHIFT);
        self.error = signal as i32;
        self.spread = spread as u32;
        // Of at most 2^31 each: no overflow.
        let factor = match spread {
            ..1 => ONE,
            _ => (signal.abs() * ONE / spread).clamp(LEAST, ONE),
        };
        // Rounded away from what was there, so that what ends comes down to nothing.
        let step = (error * factor + error.signum() * (ONE - 1)) / ONE;
        self.level = (i64::from(self.level) + step).max(0) as u32;
        self.level
    }
}
