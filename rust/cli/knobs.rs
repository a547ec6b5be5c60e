// SPDX-License-Identifier: GPL-2.0

//! The settings: their files, and what they take.

use crate::error::{Error, Result};
use crate::root::Root;
use crate::value::Value;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// On or off.
    Switch,
    /// A number from the first to the second.
    Number(u32, u32),
    /// A number of CPUs, up to as many as the kernel has room for.
    CpuCount,
    /// A list of CPUs that are online.
    Cpus,
    /// Names of interfaces.
    Interfaces,
    /// The name of a hash.
    Hash,
    /// 40 bytes in hexadecimal.
    Key,
    /// A power of two from 64 to 65536.
    Buckets,
    /// The name of a policy.
    Policy,
}

/// A setting.
#[derive(Debug)]
pub(crate) struct Knob {
    /// What it is called here, and in the file for `apply`.
    pub(crate) name: &'static str,
    /// Its file below /sys/kernel/flowbucket.
    pub(crate) file: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// What it is for, in a line.
    pub(crate) help: &'static str,
}

const fn knob(name: &'static str, file: &'static str, kind: Kind, help: &'static str) -> Knob {
    Knob {
        name,
        file,
        kind,
        help,
    }
}

const fn root(name: &'static str, kind: Kind, help: &'static str) -> Knob {
    knob(name, name, kind, help)
}

/// The longest timeout, in seconds: ten days.
const LONGEST: u32 = 864_000;

const fn timeout(name: &'static str, file: &'static str, help: &'static str) -> Knob {
    knob(name, file, Kind::Number(1, LONGEST), help)
}

/// All settings, in the order in which `apply` writes them: a number of buckets deals them, and so
/// do CPUs; the key is there before the hash that uses it; nothing is steered before all is set.
pub(crate) const KNOBS: [Knob; 29] = [
    root(
        "interfaces",
        Kind::Interfaces,
        "interfaces to steer; none named: all but loopback",
    ),
    root(
        "toeplitz_key",
        Kind::Key,
        "key of the hash toeplitz, 40 bytes as ethtool shows them",
    ),
    root(
        "hash",
        Kind::Hash,
        "siphash, skb, crc32c, toeplitz; a write pauses steering",
    ),
    root(
        "buckets",
        Kind::Buckets,
        "how many; a write deals them anew",
    ),
    root(
        "cpus",
        Kind::Cpus,
        "CPUs that own buckets; a write deals them anew",
    ),
    root(
        "quantum",
        Kind::Number(64, 1 << 20),
        "bytes a connection gets in its turn",
    ),
    root(
        "limit_packets",
        Kind::Number(64, 4096),
        "packets that may wait for a CPU",
    ),
    root(
        "limit_bytes",
        Kind::Number(1 << 18, 1 << 30),
        "bytes of memory that they may take",
    ),
    root(
        "policy",
        Kind::Policy,
        "load, step, proportional, static: how buckets follow the load",
    ),
    root(
        "interval_ms",
        Kind::Number(10, 60_000),
        "milliseconds between two looks at the loads",
    ),
    root(
        "hysteresis",
        Kind::Number(0, 1000),
        "thousandths of overload that are left alone",
    ),
    root(
        "max_moves",
        Kind::Number(1, 65_536),
        "the most buckets that one plan moves",
    ),
    root(
        "min_cpus",
        Kind::CpuCount,
        "the fewest CPUs to use when there is little to do; 0: all",
    ),
    root("track", Kind::Switch, "whether connections are tracked"),
    root(
        "max_connections",
        Kind::Number(1, 1 << 26),
        "how many connections are tracked at most",
    ),
    root(
        "timer_interval_ms",
        Kind::Number(10, 10_000),
        "milliseconds between two rounds of timers",
    ),
    root(
        "keepalive_time",
        Kind::Number(0, LONGEST),
        "seconds of silence before a probe; 0: never",
    ),
    root(
        "keepalive_intvl",
        Kind::Number(1, 32_767),
        "seconds between two probes",
    ),
    root(
        "keepalive_probes",
        Kind::Number(1, 127),
        "probes that may stay unanswered",
    ),
    root(
        "delayed_acks",
        Kind::Switch,
        "whether timer threads send delayed acknowledgments",
    ),
    timeout(
        "timeout_half_open",
        "connections/timeout_half_open",
        "seconds after which one of a single packet is forgotten",
    ),
    timeout(
        "timeout_established",
        "connections/timeout_established",
        "seconds after which an idle TCP connection is forgotten",
    ),
    timeout(
        "timeout_closing",
        "connections/timeout_closing",
        "the same when one end has sent a FIN",
    ),
    timeout(
        "timeout_time_wait",
        "connections/timeout_time_wait",
        "the same when both ends have",
    ),
    timeout(
        "timeout_closed",
        "connections/timeout_closed",
        "the same after a reset",
    ),
    timeout("timeout_udp", "connections/timeout_udp", "the same of UDP"),
    timeout(
        "timeout_other",
        "connections/timeout_other",
        "the same of other protocols",
    ),
    knob(
        "check_order",
        "moves/check_order",
        Kind::Switch,
        "whether the order of packets is checked; for debugging",
    ),
    root("enabled", Kind::Switch, "whether packets are steered"),
];

/// The setting of that name; its file's name will do as well. Errors: `Usage`.
pub(crate) fn find(name: &str) -> Result<&'static Knob> {
    (KNOBS.iter())
        .find(|knob| knob.name == name || knob.file == name)
        .ok_or_else(|| {
            let names: Vec<_> = KNOBS.iter().map(|knob| knob.name).collect();
            Error::Usage(format!(
                "there is no setting '{name}'; there are: {}",
                names.join(" ")
            ))
        })
}

impl Knob {
    /// Its value now.
    pub(crate) fn read(&self, root: &Root) -> Result<Value> {
        let text = root.read(self.file)?;
        let number = || {
            text.parse()
                .map_err(|_| Error::Failed(format!("{} holds '{text}'", self.file)))
        };
        Ok(match self.kind {
            Kind::Switch => Value::Switch(text != "0"),
            Kind::Number(..) | Kind::CpuCount | Kind::Buckets => Value::Number(number()?),
            Kind::Interfaces => Value::Names(text.split_whitespace().map(str::to_owned).collect()),
            Kind::Cpus | Kind::Hash | Kind::Key | Kind::Policy => Value::Text(text),
        })
    }

    /// Sets it to a value that [`Knob::check`] has taken.
    pub(crate) fn write(&self, root: &Root, value: &Value) -> Result {
        root.write(self.file, &format!("{value}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Host;
    use crate::testing::Machine;
    use std::fs;
    use std::result::Result;

    #[test]
    fn what_the_module_shows_it_would_take() {
        let machine = Machine::captured();
        let root = machine.root();
        let host = Host::of(&root).unwrap();
        for knob in &KNOBS {
            let value = knob.read(&root).unwrap();
            assert_eq!(
                knob.check(&value.to_string(), &host),
                Ok(value.clone()),
                "{}",
                knob.name
            );
            assert_eq!(
                root.read(knob.file).unwrap(),
                value.to_string(),
                "{}",
                knob.name
            );
        }
    }

    #[test]
    fn no_setting_is_missing() {
        let machine = Machine::captured();
        // Timeouts, and all of the root but the map, which is no single value.
        let settings = fs::read_dir(machine.root().path("")).unwrap();
        let timeouts = fs::read_dir(machine.root().path("connections")).unwrap();
        let mut files: Vec<String> = settings
            .chain(timeouts.filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .starts_with("timeout_")
            }))
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != "map")
            .collect();
        files.push("check_order".to_owned());
        files.sort();
        let mut names: Vec<_> = KNOBS.iter().map(|knob| knob.name).collect();
        names.sort_unstable();
        assert_eq!(names, files);
    }
}
