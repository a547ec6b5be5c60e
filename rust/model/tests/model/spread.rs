// SPDX-License-Identifier: GPL-2.0

//! 4,096 flows, 4,096 buckets, 4 CPUs: does every CPU get its share?

use crate::random::{fresh_seed, Random};
use flowbucket_model::hash::{siphash, toeplitz, Hasher};
use flowbucket_model::map::{deal_evenly, Buckets};
use flowbucket_model::packet::{Family, FlowKey};

const FLOWS: u32 = 4096;
const CPUS: u32 = 4;
const SHARE: u32 = FLOWS / CPUS;

/// A source of flows.
type Kind = fn(&mut Random, Family) -> FlowKey;

/// The largest difference of a CPU's flows from its share.
fn deviation(flows: &[FlowKey], hash: impl Fn(&FlowKey) -> u32) -> u32 {
    let buckets = Buckets::DEFAULT;
    let mut counts = [0u32; CPUS as usize];
    for flow in flows {
        counts[deal_evenly(buckets, CPUS, buckets.of(hash(flow))) as usize] += 1;
    }
    let differences = counts.iter().map(|count| count.abs_diff(SHARE));
    differences.max().unwrap_or(0)
}

/// The smallest deviation that a hash which throws dice reaches with a probability below
/// `limit`: Chernoff's bound on a binomial tail, exp(-n D(q || p)) (Hoeffding 1963, theorem 1),
/// for both tails of every CPU.
fn bound(limit: f64) -> u32 {
    let (n, p) = (f64::from(FLOWS), 1.0 / f64::from(CPUS));
    let tail = |q: f64| (-n * (q * (q / p).ln() + (1.0 - q) * ((1.0 - q) / (1.0 - p)).ln())).exp();
    (1..SHARE)
        .find(|t| {
            let t = f64::from(*t) / n;
            f64::from(CPUS) * (tail(p + t) + tail(p - t)) < limit
        })
        .unwrap()
}

/// The hashes that are computed, the secret one under a key from `random`.
fn hashers<'a>(
    table: &'a toeplitz::Table,
    random: &mut Random,
) -> Vec<Hasher<&'a toeplitz::Table>> {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&random.next().to_le_bytes());
    key[8..].copy_from_slice(&random.next().to_le_bytes());
    vec![
        Hasher::SipHash(siphash::Key::new(key)),
        Hasher::Crc32c,
        Hasher::Toeplitz(table),
    ]
}

/// Calls `check` with a description and the deviation for every hash, IP version and kind.
fn measure(seed: u64, kinds: &[Kind], check: impl Fn(&str, u32)) {
    let table = toeplitz::table(&toeplitz::DEFAULT_KEY);
    let mut random = Random::new(seed);
    for hasher in hashers(&table, &mut random) {
        for family in [Family::V4, Family::V6] {
            for kind in kinds {
                let flows: Vec<_> = (0..FLOWS).map(|_| kind(&mut random, family)).collect();
                let deviation = deviation(&flows, |flow| hasher.hash(flow).unwrap());
                let name = hasher.algorithm().name();
                check(&format!("{name} {family:?} seed {seed}"), deviation);
            }
        }
    }
}

#[test]
fn known_flows_spread_within_ten_percent() {
    for seed in [1, 2, 3] {
        measure(seed, &[Random::flow, Random::client], |what, deviation| {
            assert!(deviation * 10 <= SHARE, "{what}: {deviation} of {SHARE}");
        });
    }
}

#[test]
fn fresh_flows_spread_like_dice() {
    // 4 seeds, 3 hashes, 2 versions: 24 chances, together below 1e-9. Flows random in every bit
    // only: then also the linear hashes are exactly uniform.
    let limit = bound(1e-9 / 24.0);
    for _ in 0..4 {
        measure(fresh_seed(), &[Random::flow], |what, deviation| {
            assert!(deviation < limit, "{what}: {deviation}, limit {limit}");
        });
    }
}

#[test]
fn fresh_keys_spread_natural_flows_like_dice() {
    let table = toeplitz::table(&toeplitz::DEFAULT_KEY);
    let limit = bound(1e-9 / 8.0);
    for _ in 0..4 {
        let seed = fresh_seed();
        let mut random = Random::new(seed);
        let hashers = hashers(&table, &mut random);
        let secret = hashers.first().unwrap();
        for family in [Family::V4, Family::V6] {
            // One client after the other on neighbouring ports.
            let mut flow = random.client(family);
            let flows: Vec<_> = (0..FLOWS)
                .map(|_| {
                    match &mut flow {
                        FlowKey::V4(flow) => flow.sport = flow.sport.wrapping_add(1),
                        FlowKey::V6(flow) => flow.sport = flow.sport.wrapping_add(1),
                    }
                    flow
                })
                .collect();
            let deviation = deviation(&flows, |flow| secret.hash(flow).unwrap());
            assert!(deviation < limit, "seed {seed}: {deviation}, limit {limit}");
        }
    }
}

#[test]
fn the_bound_is_where_it_should_be() {
    // Between the 10 % that chance exceeds once in a thousand times, and a quarter of the share.
    let limit = bound(1e-9 / 24.0);
    assert!((SHARE / 10..SHARE / 4).contains(&limit), "{limit}");
}

#[test]
fn bad_hashes_are_noticed() {
    let limit = bound(1e-9 / 24.0);
    let mut random = Random::new(4);
    for kind in [Random::flow, Random::client] {
        let flows: Vec<_> = (0..FLOWS).map(|_| kind(&mut random, Family::V4)).collect();
        let port = |flow: &FlowKey| match flow {
            FlowKey::V4(flow) => u32::from(flow.sport),
            FlowKey::V6(_) => 0,
        };
        // A good hash that sends a flow in eight to the first CPU.
        let good = Hasher::<&toeplitz::Table>::SipHash(siphash::Key::new([7; 16]));
        let biased = |flow: &FlowKey| match good.hash(flow) {
            Some(hash) if hash >> 29 != 0 => hash,
            _ => 0,
        };
        // The high byte of the source port alone.
        assert!(deviation(&flows, |flow| port(flow) >> 8) >= limit);
        assert!(deviation(&flows, biased) >= limit);
        assert!(deviation(&flows, |flow| good.hash(flow).unwrap()) < limit);
    }
}
