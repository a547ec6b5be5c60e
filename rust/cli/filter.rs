// SPDX-License-Identifier: GPL-2.0

//! Which connections are wanted, and in which order.

use crate::conns::Conn;
use crate::error::Result;
use flowbucket_model::conn::State;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses: one, or all with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    address: IpAddr,
    length: u32,
}

/// `ADDRESS` or `ADDRESS/LENGTH`. Errors: a sentence.
impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("'{address}' is no address"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length.map(str::parse) {
            None => most,
            Some(Ok(length)) if length <= most => length,
            Some(_) => return Err(format!("a prefix has a length from 0 to {most}")),
        };
        Ok(Self { address, length })
    }
}

impl Prefix {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.length
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.length
            }
            _ => false,
        }
    }
}

/// By what connections are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Order {
    /// The most packets first
    Packets,
    /// The most bytes first
    Bytes,
    /// The one that was seen last first
    Idle,
}

/// Which connections are wanted.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Filter {
    /// Only those of this bucket
    #[arg(long)]
    pub(crate) bucket: Option<u32>,
    /// Only those in this state, such as established or udp
    #[arg(long, value_parser = states())]
    pub(crate) state: Option<String>,
    /// Only those with an end at this address, or in this network (ADDRESS/LENGTH)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) peer: Option<Prefix>,
    /// Only those with an end at this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Only those of this protocol: tcp, udp, udplite or a number
    #[arg(long)]
    pub(crate) proto: Option<String>,
    /// Sort them; without, they come by bucket
    #[arg(long)]
    pub(crate) sort: Option<Order>,
    /// At most so many
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<usize>,
}

fn states() -> [&'static str; State::COUNT] {
    State::ALL.map(State::name)
}

impl Filter {
    fn wants(&self, conn: &Conn) -> bool {
        let ends = [conn.first, conn.other];
        self.bucket.is_none_or(|bucket| conn.bucket == bucket)
            && (self.state.as_ref()).is_none_or(|state| conn.state == *state)
            && (self.proto.as_ref()).is_none_or(|proto| conn.proto == *proto)
            && (self.peer.as_ref()).is_none_or(|peer| ends.iter().any(|end| peer.has(end.address)))
            && self
                .port
                .is_none_or(|port| ends.iter().any(|end| end.port == port))
    }

    /// Chooses from all connections.
    pub(crate) fn choose(&self, all: impl Iterator<Item = Result<Conn>>) -> Result<Vec<Conn>> {
        let wanted = all.filter(|conn| conn.as_ref().map_or(true, |conn| self.wants(conn)));
        let limit = self.limit.unwrap_or(usize::MAX);
        // Only what is sorted must be read to its end.
        let Some(order) = self.sort else {
            return wanted.take(limit).collect();
        };
        let mut chosen = wanted.collect::<Result<Vec<_>>>()?;
        match order {
            Order::Packets => chosen.sort_by_key(|conn| Reverse(conn.packets)),
            Order::Bytes => chosen.sort_by_key(|conn| Reverse(conn.bytes)),
            Order::Idle => chosen.sort_by_key(|conn| conn.idle_ms),
        }
        chosen.truncate(limit);
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conns;
    use crate::testing::Machine;

    fn chosen(filter: &Filter) -> Vec<Conn> {
        let machine = Machine::captured();
        filter
            .choose(conns::read(&machine.root()).unwrap())
            .unwrap()
    }

    #[test]
    fn filters_add_up() {
        let all = chosen(&Filter::default());
        let found = chosen(&Filter {
            proto: Some("tcp".to_owned()),
            peer: Some("192.0.2.0/24".parse().unwrap()),
            ..Filter::default()
        });
        let wanted: Vec<Conn> = (all.iter())
            .filter(|conn| conn.proto == "tcp" && conn.first.address.is_ipv4())
            .cloned()
            .collect();
        assert!(!wanted.is_empty() && wanted.len() < all.len());
        assert_eq!(found, wanted);
        let none = Filter {
            port: Some(1),
            ..Filter::default()
        };
        assert_eq!(chosen(&none), []);
    }

    #[test]
    fn the_largest_come_first() {
        let found = chosen(&Filter {
            sort: Some(Order::Bytes),
            limit: Some(3),
            ..Filter::default()
        });
        assert_eq!(found.len(), 3);
        assert!(found.is_sorted_by(|a, b| a.bytes >= b.bytes));
        let most = chosen(&Filter::default())
            .iter()
            .map(|conn| conn.bytes)
            .max();
        assert_eq!(Some(found[0].bytes), most);
    }

    #[test]
    fn prefixes_have_their_addresses() {
        let has = |prefix: &str, address: &str| {
            prefix
                .parse::<Prefix>()
                .unwrap()
                .has(address.parse().unwrap())
        };
        assert!(has("192.0.2.0/24", "192.0.2.255"));
        assert!(!has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("0.0.0.0/0", "203.0.113.9"));
        assert!(has("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!has("::/0", "192.0.2.1"));
        assert!(!has("192.0.2.1", "192.0.2.2"));
        for bad in ["x", "192.0.2.1/33", "192.0.2.1/", "::1/129", "192.0.2.1/-1"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }
}
