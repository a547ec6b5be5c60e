// SPDX-License-Identifier: GPL-2.0

//! The connections that the module tracks, one by one: /proc/flowbucket.

use crate::error::{Error, Result};
use crate::root::Root;
use serde::Serialize;
use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind};
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
    let root = root.clone();
    Ok(lines.map(move |line| {
        let line = line.map_err(|e| match (root.check_loaded(), e.kind()) {
            (Err(not_loaded), _) => not_loaded,
            (Ok(()), ErrorKind::WouldBlock) => Error::Failed(
                "a bucket has been on its way to another CPU for a second; try again".to_owned(),
            ),
            (Ok(()), _) => Error::io("reading connections", &e),
        })?;
        Conn::parse(&line).ok_or_else(|| Error::Failed(format!("a connection is '{line}'")))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;
    use std::result::Result;

    #[test]
    fn lines_of_the_module_are_read_in_full() {
        let machine = Machine::captured();
        let text = std::fs::read_to_string(machine.path("proc/flowbucket")).unwrap();
        let conns: Vec<Conn> = read(&machine.root()).unwrap().map(Result::unwrap).collect();
        assert!(conns.len() >= 14);
        for (conn, line) in conns.iter().zip(text.lines()) {
            let (first, other) = (conn.first, conn.other);
            let again = format!(
                "{} {} {} {} {} {} {} {} {} {} {} {}",
                conn.bucket,
                conn.proto,
                first.address,
                first.port,
                other.address,
                other.port,
                conn.state,
                conn.packets,
                conn.bytes,
                conn.idle_ms,
                conn.netns,
                conn.interface
            );
            assert_eq!(again, line);
        }
        let count = |proto: &str| conns.iter().filter(|conn| conn.proto == proto).count();
        assert!(count("tcp") >= 2 && count("udp") >= 12);
        assert!(conns.iter().any(|conn| conn.first.address.is_ipv6()));
    }

    #[test]
    fn what_is_no_connection_is_refused() {
        let line = "17 udp 192.0.2.2 40123 192.0.2.1 9000 udp 812 90114 20 4026531840 2";
        assert!(Conn::parse(line).is_some());
        for bad in [
            "",
            "17 udp",
            &line.replace("40123", "70000"),
            &line.replace("192.0.2.2", "192.0.2"),
            &format!("{line} 3"),
        ] {
            assert_eq!(Conn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ends_are_shown_as_addresses_with_ports() {
        let end = |address: &str| End {
            address: address.parse().unwrap(),
            port: 80,
        };
        assert_eq!(end("192.0.2.1").to_string(), "192.0.2.1:80");
        assert_eq!(end("2001:db8::1").to_string(), "[2001:db8::1]:80");
    }
}
