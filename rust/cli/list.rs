// SPDX-License-Identifier: GPL-2.0

//! `conns`: the connections that are wanted, as a table.

use crate::conns::{self, Conn};
use crate::error::Result;
use crate::filter::Filter;
use crate::output::Format;
use crate::root::Root;
use serde::Serialize;
use std::fmt;

/// Connections, for printing.
#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Conn>);

/// Prints the connections that are wanted.
pub(crate) fn list(root: &Root, filter: &Filter, format: Format) -> Result {
    let chosen = filter.choose(conns::read(root)?)?;
    format.print(&List(chosen))
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "bucket proto   {:<24} {:<24} {:<12} {:>9} {:>12} {:>9}",
            "from", "to", "state", "packets", "bytes", "idle"
        )?;
        for conn in &self.0 {
            writeln!(
                f,
                "{:6} {:<7} {:<24} {:<24} {:<12} {:>9} {:>12} {:>7.1} s",
                conn.bucket,
                conn.proto,
                conn.first.to_string(),
                conn.other.to_string(),
                conn.state,
                conn.packets,
                conn.bytes,
                conn.idle_ms as f64 / 1000.0
            )?;
        }
        Ok(())
    }
}
