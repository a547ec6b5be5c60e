// SPDX-License-Identifier: GPL-2.0

//! What commands print.

use crate::error::{Error, Result};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Format {
    /// Prints a result as text or as indented JSON.
    pub(crate) fn print<T: Serialize + Display>(self, result: &T) -> Result {
        match self {
            Self::Text => text(&result.to_string()),
            Self::Json => text(&(json(result, serde_json::to_string_pretty)? + "\n")),
        }
    }

    /// Prints one of many results in a line, at once.
    pub(crate) fn print_line<T: Serialize + Display>(self, result: &T) -> Result {
        match self {
            Self::Text => text(&format!("{result}\n")),
            Self::Json => text(&(json(result, serde_json::to_string)? + "\n")),
        }
    }
}

fn json<T>(result: &T, to: fn(&T) -> serde_json::Result<String>) -> Result<String> {
    to(result).map_err(|e| Error::Failed(format!("writing JSON: {e}")))
}

/// Says something beside the output. If nobody hears it, that is no reason to fail.
pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "flowbucket: {text}");
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result {
    let mut out = io::stdout().lock();
    (out.write_all(text.as_bytes()).and_then(|()| out.flush())).map_err(|e| Error::output(&e))
}
