// SPDX-License-Identifier: GPL-2.0

//! What settings take, checked before anything is written, with a sentence for what is wrong.
//!
//! What the module reads by code of the crate `flowbucket_model` is read by the same code here.

use crate::cpus::{Cpus, CpusError};
use crate::error;
use crate::knobs::{Kind, Knob};
use crate::root::Root;
use crate::value::Value;
use flowbucket_model::balance::Policy;
use flowbucket_model::hash::toeplitz::text::{format_key, parse_key, KeyError};
use flowbucket_model::hash::Algorithm;
use flowbucket_model::map::Buckets;
use flowbucket_model::names::{Names, NamesError};

/// What values depend on besides: the machine's CPUs.
#[derive(Debug)]
pub(crate) struct Host {
    /// Those that are online.
    pub(crate) online: Cpus,
    /// For how many the kernel has room.
    pub(crate) room: u32,
}

impl Host {
    /// As the machine is now.
    pub(crate) fn of(root: &Root) -> error::Result<Self> {
        let (online, room) = root.cpus()?;
        Ok(Self { online, room })
    }

    /// Errors: a sentence if a CPU cannot own buckets.
    pub(crate) fn check_online(&self, cpu: u32) -> Result<(), String> {
        match self.online.has(cpu) {
            true => Ok(()),
            false => Err(format!(
                "CPU {cpu} is not online; online are {}",
                self.online
            )),
        }
    }
}

impl Knob {
    /// Checks a value as the kernel does, and returns it in the form in which it is read then.
    /// Errors: a sentence that says what is wrong.
    pub(crate) fn check(&self, text: &str, host: &Host) -> Result<Value, String> {
        let value = text.trim_ascii();
        let bytes = text.as_bytes();
        let refused = |why: &str| Err(format!("{}: '{value}' {why}", self.name));
        match self.kind {
            Kind::Switch => match value.to_ascii_lowercase().as_str() {
                "1" | "y" | "yes" | "t" | "true" | "on" => Ok(Value::Switch(true)),
                "0" | "n" | "no" | "f" | "false" | "off" => Ok(Value::Switch(false)),
                _ => refused("is neither 1 nor 0"),
            },
            Kind::Number(least, most) => self.number(value, least, most).map(Value::Number),
            Kind::CpuCount => self.number(value, 0, host.room).map(Value::Number),
            Kind::Cpus => match Cpus::parse(value, host.room) {
                Err(CpusError::Syntax) => refused("is not a list of CPUs such as 0-3,8"),
                Err(CpusError::NoRoom(cpu)) => {
                    let last = host.room - 1;
                    refused(&format!(
                        "names CPU {cpu}; the kernel has room for 0 to {last}"
                    ))
                }
                Ok(cpus) if cpus.0.is_empty() => refused("names no CPU"),
                Ok(cpus) => match cpus.0.iter().try_for_each(|&cpu| host.check_online(cpu)) {
                    Err(why) => Err(format!("{}: {why}", self.name)),
                    Ok(()) => Ok(Value::Text(cpus.to_string())),
                },
            },
            Kind::Interfaces => match Names::parse(bytes) {
                Err(NamesError::Invalid) => refused("has what cannot be the name of an interface"),
                Err(NamesError::TooMany) => refused("has more than 16 names"),
                Ok(names) => Ok(Value::Names(
                    (names
                        .iter()
                        .map(|name| String::from_utf8_lossy(name).into_owned()))
                    .collect(),
                )),
            },
            Kind::Hash => match Algorithm::parse(bytes) {
                None => refused("is no hash: siphash, skb, crc32c or toeplitz"),
                Some(hash) => Ok(Value::Text(hash.name().to_owned())),
            },
            Kind::Policy => match Policy::parse(bytes) {
                None => refused("is no policy: load, step, proportional or static"),
                Some(policy) => Ok(Value::Text(policy.name().to_owned())),
            },
            Kind::Key => match parse_key(bytes) {
                Err(KeyError::Length) => refused("is not 40 bytes"),
                Err(KeyError::Syntax) => refused("is not pairs of hexadecimal digits"),
                Ok(key) => Ok(Value::Text(
                    String::from_utf8_lossy(&format_key(&key)).into_owned(),
                )),
            },
            Kind::Buckets => {
                let count = self.number(value, Buckets::MIN, Buckets::MAX)?;
                match Buckets::new(count) {
                    None => refused("is not a power of two"),
                    Some(_) => Ok(Value::Number(count)),
                }
            }
        }
    }

    fn number(&self, text: &str, least: u32, most: u32) -> Result<u32, String> {
        let name = self.name;
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            // Too large for 32 bits: the kernel calls that malformed, a person does not.
            Err(_) if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) => {
                Err(format!("{name}: '{text}' is not a number"))
            }
            _ => Err(format!("{name}: '{text}' is not from {least} to {most}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knobs::find;

    fn checked(name: &str, text: &str) -> Result<String, String> {
        let host = Host {
            online: Cpus::parse("0-2", 4).unwrap(),
            room: 4,
        };
        (find(name).unwrap().check(text, &host)).map(|value| value.to_string())
    }

    #[test]
    fn good_values_are_taken_as_they_are_read_then() {
        for (name, text, wanted) in [
            ("enabled", "on", "1"),
            ("enabled", " N\n", "0"),
            ("cpus", "0 2", "0,2"),
            ("interfaces", "a, b c,a", "a b c"),
            ("interfaces", "", ""),
            ("hash", " siphash\n", "siphash"),
            ("buckets", "65536", "65536"),
            ("quantum", "64", "64"),
            ("quantum", "1048576", "1048576"),
            ("policy", "step", "step"),
            ("min_cpus", "4", "4"),
            ("connections/timeout_udp", "1", "1"),
            ("timeout_udp", "864000", "864000"),
        ] {
            assert_eq!(checked(name, text), Ok(wanted.to_owned()), "{name}");
        }
        let key = "6D".repeat(40);
        assert_eq!(checked("toeplitz_key", &key).unwrap(), ["6d"; 40].join(":"));
    }

    #[test]
    fn bad_values_are_refused_in_words() {
        for (name, text, words) in [
            ("enabled", "2", "enabled: '2' is neither 1 nor 0"),
            ("enabled", "", "is neither"),
            ("cpus", "x", "is not a list of CPUs"),
            ("cpus", "", "names no CPU"),
            ("cpus", "0,3", "cpus: CPU 3 is not online; online are 0-2"),
            ("cpus", "4", "names CPU 4; the kernel has room for 0 to 3"),
            ("interfaces", "a/b", "cannot be the name"),
            ("hash", "md5", "hash: 'md5' is no hash"),
            ("policy", "Load", "is no policy"),
            ("toeplitz_key", "6d:5a", "is not 40 bytes"),
            ("toeplitz_key", "xy", "is not pairs"),
            ("buckets", "65", "is not a power of two"),
            ("buckets", "32", "buckets: '32' is not from 64 to 65536"),
            ("quantum", "63", "quantum: '63' is not from 64 to 1048576"),
            ("quantum", "1k", "quantum: '1k' is not a number"),
            ("quantum", "-1", "is not a number"),
            ("limit_bytes", "4294967296", "is not from 262144"),
            ("min_cpus", "5", "is not from 0 to 4"),
        ] {
            let complaint = checked(name, text).unwrap_err();
            assert!(complaint.contains(words), "{name}: {complaint}");
        }
    }

    #[test]
    fn unknown_settings_are_named() {
        let error = find("quantums").unwrap_err();
        assert_eq!(error.status(), 2);
        assert!(error
            .to_string()
            .contains("'quantums'; there are: interfaces "));
    }
}
