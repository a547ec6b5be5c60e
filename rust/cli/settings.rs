// SPDX-License-Identifier: GPL-2.0

//! `get`, `set` and `rebalance`.

use crate::check::Host;
use crate::error::{Error, Result};
use crate::knobs::{find, Knob, KNOBS};
use crate::output::{complain, Format};
use crate::root::Root;
use crate::value::Value;
use serde::{Serialize, Serializer};
use std::fmt;

/// Settings with their values.
struct Settings(Vec<(&'static Knob, Value)>);

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(knob, value)| (knob.name, value)))
    }
}

/// Lines that `set` takes.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0.iter()).try_for_each(|(knob, value)| writeln!(f, "{}={value}", knob.name))
    }
}

/// Prints the settings that are named, or all.
pub(crate) fn get(root: &Root, names: &[String], format: Format) -> Result {
    root.check_loaded()?;
    let mut settings = Settings(Vec::new());
    for name in names {
        let knob = find(name)?;
        settings.0.push((knob, knob.read(root)?));
    }
    if names.is_empty() {
        for knob in &KNOBS {
            match knob.read(root) {
                Ok(value) => settings.0.push((knob, value)),
                // The key is root's. All others are still worth showing.
                Err(Error::NoRights(_)) => {
                    complain(format_args!("{} is shown to root only", knob.name))
                }
                Err(error) => return Err(error),
            }
        }
    }
    format.print(&settings)
}

/// Sets what `KEY=VALUE` says, in that order. All are checked before the first is written.
pub(crate) fn set(root: &Root, assignments: &[String]) -> Result {
    root.check_loaded()?;
    let host = Host::of(root)?;
    let mut checked = Vec::new();
    for assignment in assignments {
        let (name, text) = assignment
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("'{assignment}' is not KEY=VALUE")))?;
        let knob = find(name)?;
        checked.push((knob, knob.check(text, &host).map_err(Error::Failed)?));
    }
    write_all(root, &checked)
}

/// Writes settings in order. When one fails it is told which are set already.
pub(crate) fn write_all(root: &Root, settings: &[(&'static Knob, Value)]) -> Result {
    for (done, (knob, value)) in settings.iter().enumerate() {
        knob.write(root, value).map_err(|error| match error {
            Error::Failed(text) if done > 0 => {
                let names: Vec<_> = settings[..done].iter().map(|(knob, _)| knob.name).collect();
                Error::Failed(format!("{text}; set before that: {}", names.join(" ")))
            }
            error => error,
        })?;
    }
    Ok(())
}

/// Has the balancer look, plan and move now.
pub(crate) fn rebalance(root: &Root) -> Result {
    root.write("rebalance", "1\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn one_bad_value_is_enough_to_set_nothing() {
        let machine = Machine::captured();
        let root = machine.root();
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let error = set(&root, &words(&["quantum=3000", "hash=md5"])).unwrap_err();
        assert_eq!(error.status(), 1);
        assert_eq!(root.read("quantum").unwrap(), "1514");
        assert_eq!(
            set(&root, &words(&["quantum=3000", "quantums=1"]))
                .unwrap_err()
                .status(),
            2
        );
        assert_eq!(root.read("quantum").unwrap(), "1514");
        set(
            &root,
            &words(&["quantum=3000", "timeout_udp=7", "enabled=off"]),
        )
        .unwrap();
        let read =
            ["quantum", "connections/timeout_udp", "enabled"].map(|file| root.read(file).unwrap());
        assert_eq!(read, ["3000", "7", "0"]);
    }

    #[test]
    fn settings_are_shown_as_they_are_set() {
        let machine = Machine::captured();
        let root = machine.root();
        let of = |name| {
            (
                find(name).unwrap(),
                find(name).unwrap().read(&root).unwrap(),
            )
        };
        let settings = Settings(vec![
            of("quantum"),
            of("enabled"),
            of("cpus"),
            of("interfaces"),
        ]);
        assert_eq!(
            settings.to_string(),
            "quantum=1514\nenabled=1\ncpus=0-3\ninterfaces=\n"
        );
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            json,
            r#"{"quantum":1514,"enabled":true,"cpus":"0-3","interfaces":[]}"#
        );
    }
}
