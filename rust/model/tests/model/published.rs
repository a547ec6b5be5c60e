// SPDX-License-Identifier: GPL-2.0

//! The hashes against published values and against other implementations.

use crate::random::Random;
use flowbucket_model::hash::{siphash, toeplitz, Hasher};
use flowbucket_model::packet::{Family, Flow, FlowKey, TCP};
use siphasher::sip::SipHasher13;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Microsoft, "Verifying the RSS hash calculation": source, destination, hash with ports, hash
/// of the addresses alone.
const RSS: &[(&str, &str, u32, u32)] = &[
    (
        "66.9.149.187:2794",
        "161.142.100.80:1766",
        0x51cc_c178,
        0x323e_8fc2,
    ),
    (
        "199.92.111.2:14230",
        "65.69.140.83:4739",
        0xc626_b0ea,
        0xd718_262a,
    ),
    (
        "24.19.198.95:12898",
        "12.22.207.184:38024",
        0x5c2b_394a,
        0xd2d0_a5de,
    ),
    (
        "38.27.205.30:48228",
        "209.142.163.6:2217",
        0xafc7_327f,
        0x8298_9176,
    ),
    (
        "153.39.163.191:44251",
        "202.188.127.2:1303",
        0x10e8_28a2,
        0x5d18_09c5,
    ),
    (
        "[3ffe:2501:200:1fff::7]:2794",
        "[3ffe:2501:200:3::1]:1766",
        0x4020_7d3d,
        0x2cc1_8cd5,
    ),
    (
        "[3ffe:501:8::260:97ff:fe40:efab]:14230",
        "[ff02::1]:4739",
        0xdde5_1bbf,
        0x0f0c_461c,
    ),
    (
        "[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251",
        "[fe80::200:f8ff:fe21:67cf]:38024",
        0x02d1_feef,
        0x4b61_e985,
    ),
];

fn bits4(addr: Ipv4Addr) -> u32 {
    u32::from(addr)
}

fn bits6(addr: Ipv6Addr) -> [u64; 2] {
    let bits = u128::from(addr);
    [(bits >> 64) as u64, bits as u64]
}

/// The key of TCP between two endpoints, with or without its ports.
fn key(src: &str, dst: &str, with_ports: bool) -> FlowKey {
    let (src, dst): (SocketAddr, SocketAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let ([s0, s1], [d0, d1]) = (src.port().to_be_bytes(), dst.port().to_be_bytes());
    match (src, dst) {
        (SocketAddr::V4(src), SocketAddr::V4(dst)) => {
            let flow = Flow::by_addresses(bits4(*src.ip()), bits4(*dst.ip()), TCP);
            FlowKey::V4(match with_ports {
                true => flow.with_ports([s0, s1, d0, d1]),
                false => flow,
            })
        }
        (SocketAddr::V6(src), SocketAddr::V6(dst)) => {
            let flow = Flow::by_addresses(bits6(*src.ip()), bits6(*dst.ip()), TCP);
            FlowKey::V6(match with_ports {
                true => flow.with_ports([s0, s1, d0, d1]),
                false => flow,
            })
        }
        _ => panic!("two versions"),
    }
}

#[test]
fn toeplitz_gives_microsofts_values() {
    let table = toeplitz::table(&toeplitz::DEFAULT_KEY);
    let hasher = Hasher::Toeplitz(&table);
    for (src, dst, with_ports, without) in RSS {
        assert_eq!(
            hasher.hash(&key(src, dst, true)),
            Some(*with_ports),
            "{src}"
        );
        assert_eq!(hasher.hash(&key(src, dst, false)), Some(*without), "{src}");
        // The control: nothing else gives them.
        assert_ne!(
            hasher.hash(&key(dst, src, true)),
            Some(*with_ports),
            "{src}"
        );
    }
    let mut other = toeplitz::DEFAULT_KEY;
    other[0] ^= 0x80;
    let table = toeplitz::table(&other);
    let (src, dst, with_ports, _) = RSS[1];
    assert_ne!(
        Hasher::Toeplitz(&table).hash(&key(src, dst, true)),
        Some(with_ports)
    );
}

/// Toeplitz bit by bit, as its definition reads.
fn slow_toeplitz(rss_key: &toeplitz::Key, input: &[u8]) -> u32 {
    let bit = |bytes: &[u8], i: usize| u32::from(bytes[i / 8] >> (7 - i % 8) & 1);
    let mut sum = 0;
    for i in 0..8 * input.len() {
        if bit(input, i) == 1 {
            sum ^= (0..32).fold(0, |window, j| window << 1 | bit(rss_key, i + j));
        }
    }
    sum
}

/// A flow's source and destination address and ports as they stand on the wire.
fn wire(key: &FlowKey) -> [Vec<u8>; 4] {
    let bytes6 = |addr: [u64; 2]| addr.map(u64::to_be_bytes).concat();
    match key {
        FlowKey::V4(flow) => [
            flow.src.to_be_bytes().to_vec(),
            flow.dst.to_be_bytes().to_vec(),
            flow.sport.to_be_bytes().to_vec(),
            flow.dport.to_be_bytes().to_vec(),
        ],
        FlowKey::V6(flow) => [
            bytes6(flow.src),
            bytes6(flow.dst),
            flow.sport.to_be_bytes().to_vec(),
            flow.dport.to_be_bytes().to_vec(),
        ],
    }
}

/// The same flow by addresses and `proto`.
fn without_ports(key: &FlowKey, proto: u8) -> FlowKey {
    match key {
        FlowKey::V4(flow) => FlowKey::V4(Flow::by_addresses(flow.src, flow.dst, proto)),
        FlowKey::V6(flow) => FlowKey::V6(Flow::by_addresses(flow.src, flow.dst, proto)),
    }
}

/// 200 random flows of each version.
fn flows() -> Vec<FlowKey> {
    let mut random = Random::new(5);
    (0..400)
        .map(|i| match i % 2 {
            0 => random.flow(Family::V4),
            _ => random.flow(Family::V6),
        })
        .collect()
}

#[test]
fn toeplitz_agrees_with_its_definition_under_any_key() {
    let mut random = Random::new(6);
    for flow in flows() {
        let rss_key: toeplitz::Key = std::array::from_fn(|_| random.next() as u8);
        let table = toeplitz::table(&rss_key);
        let hasher = Hasher::Toeplitz(&table);
        let [src, dst, sport, dport] = wire(&flow);
        let whole = [&src[..], &dst, &sport, &dport].concat();
        let short = &whole[..whole.len() - 4];
        assert_eq!(hasher.hash(&flow), Some(slow_toeplitz(&rss_key, &whole)));
        let by_addresses = hasher.hash(&without_ports(&flow, 47));
        assert_eq!(by_addresses, Some(slow_toeplitz(&rss_key, short)));
    }
}

#[test]
fn crc32c_agrees_with_another_implementation() {
    let hasher = Hasher::<&toeplitz::Table>::Crc32c;
    for flow in flows() {
        let [src, dst, sport, dport] = wire(&flow);
        let whole = [&src[..], &sport, &dst, &dport].concat();
        assert_eq!(hasher.hash(&flow), Some(crc32c::crc32c(&whole)));
        let short = [&src[..], &dst, &[47]].concat();
        let by_addresses = hasher.hash(&without_ports(&flow, 47));
        assert_eq!(by_addresses, Some(crc32c::crc32c(&short)));
        // The control: another order is another value.
        let wrong = [&src[..], &dst, &sport, &dport].concat();
        assert_ne!(hasher.hash(&flow), Some(crc32c::crc32c(&wrong)));
    }
}

/// The message that `siphash` documents.
fn message(key: &FlowKey, proto: u8, ported: bool) -> Vec<u8> {
    let [src, dst, sport, dport] = wire(key);
    let mut ends = [(src, sport), (dst, dport)];
    ends.sort();
    let [(low, low_port), (high, high_port)] = ends;
    // Numbers little-endian: an address of 4 bytes turned round, one of 16 by halves.
    let mut out = Vec::new();
    for addr in [low, high] {
        for half in addr.chunks(8) {
            out.extend(half.iter().rev());
        }
    }
    for port in [low_port, high_port] {
        out.extend(port.iter().rev());
    }
    out.extend([proto, u8::from(ported)]);
    out
}

#[test]
fn siphash_agrees_with_another_implementation() {
    let mut random = Random::new(7);
    for flow in flows() {
        let secret: [u8; 16] = std::array::from_fn(|_| random.next() as u8);
        let hasher = Hasher::<&toeplitz::Table>::SipHash(siphash::Key::new(secret));
        let other = SipHasher13::new_with_key(&secret);
        let expected = other.hash(&message(&flow, TCP, true)) as u32;
        assert_eq!(hasher.hash(&flow), Some(expected));
        let short = without_ports(&flow, 47);
        let expected = other.hash(&message(&short, 47, false)) as u32;
        assert_eq!(hasher.hash(&short), Some(expected));
        // The control: without the secret the value is another.
        let blind = SipHasher13::new_with_key(&[0; 16]);
        assert_ne!(
            hasher.hash(&short),
            Some(blind.hash(&message(&short, 47, false)) as u32)
        );
    }
}
