// SPDX-License-Identifier: GPL-2.0

//! `map`: which CPU owns which bucket.

use crate::check::Host;
use crate::error::{Error, Result};
use crate::file::replace;
use crate::output::Format;
use crate::root::Root;
use flowbucket_model::map::text::{Assignment, Assignments, MapError};
use flowbucket_model::map::Buckets;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::Path;

/// The owners of all buckets.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Map {
    /// The CPU of bucket 0, of bucket 1, and so on.
    pub(crate) owners: Vec<u32>,
}

/// Lines that can be written back: buckets in a row of one CPU are one line.
impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lines(&ranges(&self.owners, |_| true)))
    }
}

impl Map {
    /// The map as it is.
    pub(crate) fn read(root: &Root) -> Result<Self> {
        let rows = root.rows("map")?;
        Ok(Self {
            owners: rows.iter().map(|[_, cpu]| *cpu as u32).collect(),
        })
    }

    /// The map as it is after all assignments of a text. Errors: a sentence with the line.
    fn changed(&self, text: &str, host: &Host) -> std::result::Result<Self, String> {
        let count = self.owners.len();
        let buckets = (u32::try_from(count).ok().and_then(Buckets::new))
            .ok_or_else(|| format!("a map of {count} buckets"))?;
        let mut owners = self.owners.clone();
        for (at, line) in text.lines().enumerate() {
            let refused = |why: &str| format!("line {}: '{}' {why}", at + 1, line.trim());
            for assignment in Assignments::new(line.as_bytes(), buckets) {
                let Assignment { first, last, cpu } = assignment.map_err(|e| match e {
                    MapError::Syntax => refused("is neither 'BUCKET CPU' nor 'FIRST-LAST CPU'"),
                    MapError::Range => {
                        refused(&format!("is beyond the last bucket, {}", count - 1))
                    }
                })?;
                host.check_online(cpu)
                    .map_err(|why| refused(&format!("is refused: {why}")))?;
                owners[first as usize..=last as usize].fill(cpu);
            }
        }
        Ok(Self { owners })
    }

    /// The lines that make `self` of the map `old`.
    fn since(&self, old: &Self) -> String {
        lines(&ranges(&self.owners, |at| {
            self.owners[at] != old.owners[at]
        }))
    }
}

/// Buckets in a row with the same owner, of those that are wanted.
fn ranges(owners: &[u32], wanted: impl Fn(usize) -> bool) -> Vec<Assignment> {
    let mut ranges: Vec<Assignment> = Vec::new();
    for (at, &cpu) in owners.iter().enumerate().filter(|(at, _)| wanted(*at)) {
        let bucket = at as u32;
        match ranges.last_mut() {
            Some(range) if range.cpu == cpu && range.last + 1 == bucket => range.last = bucket,
            _ => ranges.push(Assignment {
                first: bucket,
                last: bucket,
                cpu,
            }),
        }
    }
    ranges
}

fn lines(ranges: &[Assignment]) -> String {
    let line = |range: &Assignment| match range.first == range.last {
        true => format!("{} {}\n", range.first, range.cpu),
        false => format!("{}-{} {}\n", range.first, range.last, range.cpu),
    };
    ranges.iter().map(line).collect()
}

/// Prints the map.
pub(crate) fn show(root: &Root, format: Format) -> Result {
    format.print(&Map::read(root)?)
}

/// Gives buckets to CPUs: `words` are pairs of a bucket or range, and a CPU.
pub(crate) fn set(root: &Root, words: &[String]) -> Result {
    if words.len() % 2 != 0 {
        return Err(Error::Usage(format!(
            "no CPU is given for '{}'",
            words[words.len() - 1]
        )));
    }
    let text: String = words.chunks(2).map(|pair| pair.join(" ") + "\n").collect();
    change(root, &text)
}

/// Writes the map into a file, which `restore` and the module's own file take.
pub(crate) fn save(root: &Root, file: &Path) -> Result {
    let text = root.read("map")? + "\n";
    replace(file, text.as_bytes())
}

/// Makes the map as a file has it, which must name all buckets.
pub(crate) fn restore(root: &Root, file: &Path) -> Result {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|e| Error::io(&format!("reading {name}"), &e))?;
    root.check_loaded()?;
    let old = Map::read(root)?;
    // No CPU has this number: what the file does not name keeps it.
    let nobody = Map {
        owners: vec![u32::MAX; old.owners.len()],
    };
    let told = |why: String| Error::Failed(format!("{name}: {why}"));
    let new = nobody.changed(&text, &Host::of(root)?).map_err(told)?;
    if let Some(bucket) = new.owners.iter().position(|&cpu| cpu == u32::MAX) {
        let count = old.owners.len();
        return Err(told(format!(
            "it does not name bucket {bucket} of {count}; was it saved with fewer buckets?"
        )));
    }
    write(root, &new.since(&old))
}

/// Applies lines of assignments, which are checked as a whole first.
fn change(root: &Root, text: &str) -> Result {
    root.check_loaded()?;
    let old = Map::read(root)?;
    let new = (old.changed(text, &Host::of(root)?))
        .map_err(|why| Error::Failed(format!("map: {why}")))?;
    write(root, &new.since(&old))
}

fn write(root: &Root, lines: &str) -> Result {
    match lines {
        "" => Ok(()),
        _ => root.write("map", lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpus::Cpus;
    use crate::testing::Machine;

    fn host() -> Host {
        Host {
            online: Cpus::parse("0-3", 4).unwrap(),
            room: 4,
        }
    }

    fn map() -> Map {
        Map {
            owners: (0..64).map(|bucket| bucket / 16).collect(),
        }
    }

    #[test]
    fn it_is_shown_in_ranges() {
        assert_eq!(map().to_string(), "0-15 0\n16-31 1\n32-47 2\n48-63 3\n");
    }

    #[test]
    fn assignments_change_what_they_name() {
        let new = map().changed("0 1\n\n 2-3\t 3 \n3 0\n", &host()).unwrap();
        assert_eq!(new.owners[..5], [1, 0, 3, 0, 0]);
        assert_eq!(new.since(&map()), "0 1\n2 3\n");
        assert_eq!(map().since(&map()), "");
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, words) in [
            ("0 1\n1 2 3", "line 2: '1 2 3' is neither"),
            ("5-3 1", "line 1: '5-3 1' is neither"),
            ("0-64 1", "is beyond the last bucket, 63"),
            ("0 4", "CPU 4 is not online"),
        ] {
            let complaint = map().changed(text, &host()).unwrap_err();
            assert!(complaint.contains(words), "{complaint}");
        }
    }

    #[test]
    fn what_is_saved_can_be_restored() {
        let machine = Machine::captured();
        let root = machine.root();
        let before = Map::read(&root).unwrap();
        assert_eq!(before.owners.len(), 64);
        let file = machine.path("saved");
        save(&root, &file).unwrap();
        assert_eq!(
            fs::read(&file).unwrap(),
            fs::read(root.path("map")).unwrap()
        );
        // All of it is as it is: nothing is written.
        restore(&root, &file).unwrap();
        assert_eq!(Map::read(&root).unwrap(), before);
        let shown = machine.put("shown", &before.to_string());
        restore(&root, &shown).unwrap();
    }

    #[test]
    fn a_map_that_is_not_whole_is_not_restored() {
        let machine = Machine::captured();
        let root = machine.root();
        let before = fs::read(root.path("map")).unwrap();
        for (text, words) in [
            ("0-62 1\n", "does not name bucket 63 of 64"),
            (
                "0-63 1\n64 1\n",
                "line 2: '64 1' is beyond the last bucket, 63",
            ),
            ("0-63 9\n", "CPU 9 is not online"),
        ] {
            let error = restore(&root, &machine.put("bad", text)).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(fs::read(root.path("map")).unwrap(), before);
        }
        let good = machine.put("good", "0-63 1\n");
        restore(&root, &good).unwrap();
        assert_ne!(fs::read(root.path("map")).unwrap(), before);
    }
}
