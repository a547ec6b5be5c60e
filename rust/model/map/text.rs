// SPDX-License-Identifier: GPL-2.0

//! The bucket map as text, the sysfs file `map`.
//!
//! Read, it has one line of fixed width per bucket, `"{:5} {:4}\n"` (bucket, CPU), so that a read
//! at any offset need not start at the beginning. Written, it takes lines `BUCKET CPU` or
//! `FIRST-LAST CPU` with any blanks and empty lines; what was read can be written back.

use super::Buckets;

/// Bytes per line when read.
pub const LINE: usize = 11;

/// The highest CPU number a line can show; the kernel's limit is 8,192 CPUs.
pub const MAX_CPU: u32 = 9_999;

/// Bytes in the whole text when read.
pub const fn len(buckets: Buckets) -> usize {
    buckets.count() as usize * LINE
}

/// Writes the text from byte `offset` on into `out`, as much as fits or is left, and returns the
/// number of bytes. `cpu` names the owner of a bucket; above [`MAX_CPU`] that is shown instead.
pub fn fill(
    out: &mut [u8],
    offset: usize,
    buckets: Buckets,
    mut cpu: impl FnMut(u32) -> u32,
) -> usize {
    fill_lines(out, offset, buckets, |bucket| line(bucket, cpu(bucket)))
}

/// The same for any text with a line of fixed width per bucket.
pub fn fill_lines<const LINE: usize>(
    out: &mut [u8],
    offset: usize,
    buckets: Buckets,
    mut line: impl FnMut(u32) -> [u8; LINE],
) -> usize {
    let mut skip = offset % LINE;
    let mut done = 0;
    // A bucket number beyond 32 bits is beyond the end as well.
    let first = u32::try_from(offset / LINE).unwrap_or(u32::MAX);
    for bucket in first..buckets.count() {
        let line = line(bucket);
        for (to, from) in out.iter_mut().skip(done).zip(line.iter().skip(skip)) {
            *to = *from;
            done += 1;
        }
        if done == out.len() {
            break;
        }
        skip = 0;
    }
    done
}

/// The line of one bucket.
fn line(bucket: u32, cpu: u32) -> [u8; LINE] {
    let mut line = [b' '; LINE];
    let [number @ .., _, c0, c1, c2, c3, end] = &mut line;
    decimal(number, u64::from(bucket));
    let mut digits = [b' '; 4];
    decimal(&mut digits, u64::from(cpu.min(MAX_CPU)));
    [*c0, *c1, *c2, *c3] = digits;
    *end = b'\n';
    line
}

/// Bytes per line of [`moves`].
pub const MOVES_LINE: usize = 49;

/// A line with what there is to say of a bucket's moves: `"{:5} {:10} {:10} {:20}\n"`.
pub fn moves(bucket: u32, moves: u32, held: u32, ns: u64) -> [u8; MOVES_LINE] {
    columns([
        (5, u64::from(bucket)),
        (16, u64::from(moves)),
        (27, u64::from(held)),
        (48, ns),
    ])
}

/// Bytes per line of [`loads`].
pub const LOADS_LINE: usize = 80;

/// A line with what there is to say of a bucket's load: `"{:5} {:20} {:20} {:20} {:10}\n"`.
pub fn loads(bucket: u32, packets: u64, bytes: u64, ns: u64, load: u32) -> [u8; LOADS_LINE] {
    columns([
        (5, u64::from(bucket)),
        (26, packets),
        (47, bytes),
        (68, ns),
        (79, u64::from(load)),
    ])
}

/// A line with numbers, each by where it ends.
fn columns<const LINE: usize, const COUNT: usize>(columns: [(usize, u64); COUNT]) -> [u8; LINE] {
    let mut line = [b' '; LINE];
    for (end, n) in columns {
        decimal(line.get_mut(..end).unwrap_or_default(), n);
    }
    if let Some(end) = line.last_mut() {
        *end = b'\n';
    }
    line
}

/// Writes a number to the right end of a field.
fn decimal(field: &mut [u8], mut n: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
}

/// One line of a written map: these buckets to that CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// First bucket.
    pub first: u32,
    /// Last bucket, not below the first.
    pub last: u32,
    /// Their CPU: any number (too large ones as `u32::MAX`). Whether there is such a CPU, the
    /// caller judges (ENODEV).
    pub cpu: u32,
}

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// Not of the form of a line, or its range runs backwards (EINVAL).
    Syntax,
    /// There is no such bucket (ERANGE).
    Range,
}

/// The assignments of a written map, line by line, in order; ends after the first error.
///
/// A caller that must change nothing on an error goes through the text twice.
#[derive(Clone, Debug)]
pub struct Assignments<'a> {
    rest: &'a [u8],
    buckets: Buckets,
}

impl<'a> Assignments<'a> {
    /// The assignments in `text` for a map of that many buckets.
    pub const fn new(text: &'a [u8], buckets: Buckets) -> Self {
        Self {
            rest: text,
            buckets,
        }
    }
}

impl Iterator for Assignments<'_> {
    type Item = Result<Assignment, MapError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (line, rest) = split(self.rest, |c| c == b'\n');
            self.rest = rest.get(1..).unwrap_or_default();
            let line = skip_blanks(line);
            if !line.is_empty() {
                let item = assignment(line, self.buckets);
                if item.is_err() {
                    self.rest = &[];
                }
                return Some(item);
            }
        }
        None
    }
}

/// Reads a line without leading blanks.
fn assignment(line: &[u8], buckets: Buckets) -> Result<Assignment, MapError> {
    let (first, rest) = number(line)?;
    let (last, rest) = match rest {
        [b'-', rest @ ..] => number(rest)?,
        _ => (first, rest),
    };
    if !rest.first().is_some_and(is_blank) {
        return Err(MapError::Syntax);
    }
    let (cpu, rest) = number(skip_blanks(rest))?;
    if !skip_blanks(rest).is_empty() || first > last {
        return Err(MapError::Syntax);
    }
    if last >= buckets.count() {
        return Err(MapError::Range);
    }
    Ok(Assignment { first, last, cpu })
}

/// Reads digits, at least one; returns the number, `u32::MAX` if larger, and the rest.
fn number(text: &[u8]) -> Result<(u32, &[u8]), MapError> {
    let (digits, rest) = split(text, |c| !c.is_ascii_digit());
    if digits.is_empty() {
        return Err(MapError::Syntax);
    }
    let n = digits.iter().fold(0u32, |n, c| {
        n.saturating_mul(10).saturating_add(u32::from(c - b'0'))
    });
    Ok((n, rest))
}

fn is_blank(c: &u8) -> bool {
    matches!(c, b' ' | b'\t')
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    split(text, |c| !is_blank(&c)).1
}

/// Splits before the first byte that ends the first part.
fn split(text: &[u8], ends: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().position(|c| ends(*c)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests;
