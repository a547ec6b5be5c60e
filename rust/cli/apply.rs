// SPDX-License-Identifier: GPL-2.0

//! `apply`: settings from a TOML file, all or none.

use crate::check::Host;
use crate::error::{Error, Result};
use crate::knobs::{find, Knob, KNOBS};
use crate::output;
use crate::root::Root;
use crate::settings::write_all;
use crate::value::Value;
use std::fs;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeArray, DeTable, DeValue};

/// What is wrong with a file, and where in it.
struct Complaint {
    at: Option<Range<usize>>,
    why: String,
}

/// Makes the settings what a file says. All of it is checked first; what is so already is not
/// written, since some writes disturb traffic even if they change nothing.
pub(crate) fn apply(root: &Root, file: &Path, only_check: bool) -> Result {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|e| Error::io(&format!("reading {name}"), &e))?;
    let wanted = parse(&text, &Host::of(root)?).map_err(|complaint| {
        let line = complaint
            .at
            .map_or_else(String::new, |at| format!(":{}", line_of(&text, at.start)));
        Error::Failed(format!(
            "{name}{line}: {}; nothing was changed",
            complaint.why
        ))
    })?;
    if only_check {
        return output::text(&format!("{name}: {} settings, all right\n", wanted.len()));
    }
    root.check_loaded()?;
    let mut changes = Vec::new();
    for (knob, value) in wanted {
        if knob.read(root)? != value {
            changes.push((knob, value));
        }
    }
    write_all(root, &changes)
}

/// The line of a byte of a text, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&c| c == b'\n').count() + 1
}

/// The settings of a file, checked, in the order in which they are to be written.
fn parse(text: &str, host: &Host) -> std::result::Result<Vec<(&'static Knob, Value)>, Complaint> {
    let table = DeTable::parse(text).map_err(|error| Complaint {
        at: error.span(),
        why: error.message().to_owned(),
    })?;
    let mut wanted = Vec::new();
    for (key, value) in table.get_ref() {
        let complain = |at: Range<usize>, why: String| Complaint { at: Some(at), why };
        let knob = find(key.get_ref()).map_err(|e| complain(key.span(), e.to_string()))?;
        let written = plain(value.get_ref()).ok_or_else(|| {
            let kind = value.get_ref().type_str();
            complain(
                value.span(),
                format!("{}: {kind} is not a value", knob.name),
            )
        });
        let checked = knob
            .check(&written?, host)
            .map_err(|why| complain(value.span(), why))?;
        wanted.push((knob, checked));
    }
    wanted.sort_by_key(|(knob, _)| KNOBS.iter().position(|each| each.name == knob.name));
    Ok(wanted)
}

/// A value as `set` takes it; `None` for a type that no setting has.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(on) => Some(on.to_string()),
        DeValue::Array(values) => words(values),
        _ => None,
    }
}

fn words(values: &DeArray<'_>) -> Option<String> {
    let words: Option<Vec<&str>> = values
        .iter()
        .map(|value| value.get_ref().as_str())
        .collect();
    Some(words?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpus::Cpus;
    use crate::testing::Machine;

    fn checked(text: &str) -> std::result::Result<Vec<(&'static str, String)>, (usize, String)> {
        let host = Host {
            online: Cpus::parse("0-3", 4).unwrap(),
            room: 4,
        };
        match parse(text, &host) {
            Ok(wanted) => Ok(wanted
                .iter()
                .map(|(knob, value)| (knob.name, value.to_string()))
                .collect()),
            Err(complaint) => Err((
                complaint.at.map_or(0, |at| line_of(text, at.start)),
                complaint.why,
            )),
        }
    }

    #[test]
    fn a_good_file_gives_settings_in_their_order() {
        let text =
            "enabled = true\n# no more\nbuckets = 1_024\ninterfaces = [\"eth0\", \"eth1\"]\n\
                    policy = 'static'\ntimeout_udp = 60\ncpus = \"0-1\"\n";
        let wanted = [
            ("interfaces", "eth0 eth1"),
            ("buckets", "1024"),
            ("cpus", "0-1"),
            ("policy", "static"),
            ("timeout_udp", "60"),
            ("enabled", "1"),
        ];
        assert_eq!(
            checked(text).unwrap(),
            wanted.map(|(name, value)| (name, value.to_owned()))
        );
        assert_eq!(checked(""), Ok(Vec::new()));
    }

    #[test]
    fn the_example_has_every_setting_and_their_defaults() {
        let text = include_str!("../../contrib/flowbucket.toml");
        // Settings are commented out there by one `#` without a blank.
        let all: String = text
            .lines()
            .map(|line| {
                let setting = line
                    .strip_prefix('#')
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
                setting.unwrap_or("").to_owned() + "\n"
            })
            .collect();
        let names: Vec<_> = checked(&all)
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            KNOBS.iter().map(|knob| knob.name).collect::<Vec<_>>()
        );
        assert_eq!(checked(text), Ok(Vec::new()));
    }

    #[test]
    fn a_bad_file_is_refused_with_line_and_reason() {
        for (text, line, words) in [
            ("quantum = 1\n", 1, "'1' is not from 64"),
            ("\nquantum = 64\nhash = \"md5\"\n", 3, "is no hash"),
            ("quantums = 64", 1, "no setting 'quantums'"),
            ("track = true\ntrack = false", 2, "duplicate key"),
            ("enabled = \n", 1, ""),
            ("[limits]\npackets = 5\n", 1, "no setting 'limits'"),
            ("quantum = 64.5", 1, "is not a value"),
            ("interfaces = [1]", 1, "is not a value"),
            ("quantum = -64", 1, "not a number"),
            ("cpus = \"0-4\"", 1, "names CPU 4"),
        ] {
            let (at, why) = checked(text).unwrap_err();
            assert_eq!(at, line, "{text}: {why}");
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    #[test]
    fn what_is_so_already_is_not_written() {
        let machine = Machine::captured();
        let root = machine.root();
        let quantum = machine.root().path("quantum");
        let before = fs::metadata(&quantum).unwrap().modified().unwrap();
        let file = machine.put("new.toml", "quantum = 1514\nbuckets = 128\n");
        apply(&root, &file, false).unwrap();
        assert_eq!(root.read("buckets").unwrap(), "128");
        assert_eq!(fs::metadata(&quantum).unwrap().modified().unwrap(), before);
        let bad = machine.put("bad.toml", "quantum = 2000\nbuckets = 127\n");
        let error = apply(&root, &bad, false).unwrap_err().to_string();
        assert!(
            error
                .ends_with("bad.toml:2: buckets: '127' is not a power of two; nothing was changed"),
            "{error}"
        );
        assert_eq!(root.read("quantum").unwrap(), "1514");
    }
}
