// SPDX-License-Identifier: GPL-2.0

//! Lists of CPUs, as the kernel reads and shows them.

use std::collections::BTreeSet;
use std::fmt;

/// Some CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpus(pub(crate) BTreeSet<u32>);

/// Why a list is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CpusError {
    /// Not of the form of a list.
    Syntax,
    /// It names a CPU for which the kernel has no room.
    NoRoom(u32),
}

impl Cpus {
    /// Reads a list by the rules of the kernel's `bitmap_parselist`: `0-3,8`, `all`, `0-N`,
    /// `0-7:2/4`. The kernel has room for the CPUs below `room`.
    pub(crate) fn parse(text: &str, room: u32) -> Result<Self, CpusError> {
        let regions = text
            .split(|c: char| c.is_ascii_whitespace() || c == ',')
            .filter(|region| !region.is_empty());
        let mut all = Self::default();
        for region in regions {
            let region = Region::parse(region, room).ok_or(CpusError::Syntax)?;
            if region.last >= room {
                return Err(CpusError::NoRoom(region.last));
            }
            let within = |cpu: &u32| (cpu - region.first) % region.group < region.used;
            all.0.extend((region.first..=region.last).filter(within));
        }
        Ok(all)
    }

    /// Whether a CPU is one of them.
    pub(crate) fn has(&self, cpu: u32) -> bool {
        self.0.contains(&cpu)
    }
}

/// `FIRST-LAST:USED/GROUP`: of each group of CPUs the first ones.
struct Region {
    first: u32,
    last: u32,
    used: u32,
    group: u32,
}

impl Region {
    fn parse(text: &str, room: u32) -> Option<Self> {
        let number = |text: &str| match text {
            "N" => Some(room - 1),
            // A sign is more than the kernel takes.
            _ if text.starts_with('+') => None,
            _ => text.parse().ok(),
        };
        let (range, pattern) = match text.split_once(':') {
            Some((range, pattern)) => (range, Some(pattern)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range.eq_ignore_ascii_case("all") => (0, room - 1),
            Some((first, last)) => (number(first)?, number(last)?),
            // A pattern is of a range.
            None if pattern.is_some() => return None,
            None => (number(range)?, number(range)?),
        };
        let (used, group) = match pattern {
            Some(pattern) => {
                let (used, group) = pattern.split_once('/')?;
                (number(used)?, number(group)?)
            }
            None => (1, 1),
        };
        let sound = first <= last && group > 0 && used <= group;
        sound.then_some(Self {
            first,
            last,
            used,
            group,
        })
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if_eq(&(last + 1)) {
                last = next;
            }
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, CpusError> {
        Cpus::parse(text, 8).map(|cpus| cpus.to_string())
    }

    #[test]
    fn lists_are_read_as_the_kernel_does() {
        for (text, wanted) in [
            ("", ""),
            ("0\n", "0"),
            ("1-2", "1-2"),
            (" 0,1,2,3 \n", "0-3"),
            ("0 2", "0,2"),
            ("all", "0-7"),
            ("3-N", "3-7"),
            ("0-7:2/4", "0-1,4-5"),
            ("0-3:0/4", ""),
            ("5,4,7", "4-5,7"),
        ] {
            assert_eq!(shown(text), Ok(wanted.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "x",
            "0-",
            "3-1",
            "0,1-x",
            "-1",
            "0;1",
            "+1",
            "0-3:4",
            "0-3:5/4",
            "0-3:1/0",
            "2:1/2",
            "99999999999",
        ] {
            assert_eq!(shown(text), Err(CpusError::Syntax), "{text:?}");
        }
        assert_eq!(shown("8"), Err(CpusError::NoRoom(8)));
        assert_eq!(shown("0,9999"), Err(CpusError::NoRoom(9999)));
    }
}
