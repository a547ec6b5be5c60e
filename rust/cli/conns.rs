// SPDX-License-Identifier: GPL-2.0

//! The connections that the module tracks, one by one: /proc/flowbucket.

use crate::error::{Error, Result};
use crate::root::Root;
use serde::Serialize;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::str::{FromStr, SplitAsciiWhitespace};

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Conn {
    /// Its bucket.
    pub(crate) bucket: u32,
    /// tcp, udp, udplite, or the protocol's number.
    pub(crate) proto: String,
    /// The end that the first packet came from.
    pub(crate) first: End,
    /// The other end.
    pub(crate) other: End,
    /// half_open, established, and so on.
    pub(crate) state: String,
    /// Packets received.
    pub(crate) packets: u64,
    /// Bytes received.
    pub(crate) bytes: u64,
    /// Milliseconds since the last packet.
    pub(crate) idle_ms: u64,
    /// Network namespace, the inode of its file.
    pub(crate) netns: u64,
    /// Number of the interface that the first packet came by.
    pub(crate) interface: u32,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct End {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Its port, 0 where there are none.
    pub(crate) port: u16,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

impl Conn {
    /// Reads a line of /proc/flowbucket.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let conn = Self {
            bucket: next(&mut words)?,
            proto: next(&mut words)?,
            first: end(&mut words)?,
            other: end(&mut words)?,
            state: next(&mut words)?,
            packets: next(&mut words)?,
            bytes: next(&mut words)?,
            idle_ms: next(&mut words)?,
            netns: next(&mut words)?,
            interface: next(&mut words)?,
        };
        words.next().is_none().then_some(conn)
    }
}

fn next<T: FromStr>(words: &mut SplitAsciiWhitespace<'_>) -> Option<T> {
    words.next()?.parse().ok()
}

fn end(words: &mut SplitAsciiWhitespace<'_>) -> Option<End> {
    Some(End {
        address: next(words)?,
        port: next(words)?,
    })
}

/// All connections, one after the other as the kernel tells them.
pub(crate) fn read(root: &Root) -> Result<impl Iterator<Item = Result<Conn>>> {
    let lines = BufReader::new(root.connections()?).lines();
    Ok(lines.map(|line| {
        let line = line.map_err(|e| Error::io("reading connections", &e))?;
        Conn::parse(&line).ok_or_else(|| Error::Failed(format!("a connection is '{line}'")))
    }))
}
