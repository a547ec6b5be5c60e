// SPDX-License-Identifier: GPL-2.0

//! Values of settings, as JSON and TOML have them.

use serde::Serialize;
use std::fmt;

/// A value with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// On or off.
    Switch(bool),
    /// A number, in the unit of the setting.
    Number(u32),
    /// A word or a list in the syntax of the file.
    Text(String),
    /// Names.
    Names(Vec<String>),
}

/// As it is written into the file of the setting.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => write!(f, "{}", u8::from(*on)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Names(names) => f.write_str(&names.join(" ")),
        }
    }
}
