// SPDX-License-Identifier: GPL-2.0

//! Tests of the simulator itself: a wrong one would flatter.

use flowbucket_model::balance::{Knobs, Policy};
use flowbucket_sim::bound::{bound, oracle};
use flowbucket_sim::judge::{self, of};
use flowbucket_sim::peers::Peer;
use flowbucket_sim::rsspp::solve;
use flowbucket_sim::run::{run, Run};
use flowbucket_sim::sizes::{DATA_MINING, MICE, WEB_SEARCH};
use flowbucket_sim::traffic::{Change, Hog, Source, Spec, Traffic};
use flowbucket_sim::{traces, BUCKETS, FULL};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// Half a minute of connections that stay, on 8 CPUs.
fn small() -> Spec {
    let load = 0.5;
    let (count, power) = (5000, 0.5);
    Spec {
        name: "small",
        cpus: 8,
        periods: 300,
        sources: vec![Source::Zipf { load, count, power }],
        change: Change::None,
        hogs: Vec::new(),
        steps: vec![0],
        steady: true,
        aliased: false,
    }
}

/// Two CPUs, and what goes where by hand: 100 and 40, mean 70, dead band up to 71.4. The
/// giver may give 30 and the dead band of 1.4: of 50, 30, 20 that is the 30, and both have 70.
#[test]
fn rsspp_by_hand() {
    let mut map = [0, 0, 0, 1, 1];
    let loads = [50, 30, 20, 25, 15];
    assert_eq!(solve(&loads, &[0, 0], &mut map), 1);
    assert_eq!(map, [0, 1, 0, 1, 1]);
    // Within the dead band nothing moves; a single bucket does not either.
    assert_eq!(solve(&loads, &[0, 0], &mut map), 0);
    assert_eq!(solve(&[1010, 990], &[0, 0], &mut [0, 1]), 0);
    assert_eq!(solve(&[100, 0], &[0, 0], &mut [0, 0]), 0);
    // What else a CPU does counts, but the last bucket that is not empty stays.
    let mut map = [0, 1];
    assert_eq!(
        solve(&[30, 0], &[60, 0], &mut map),
        0,
        "a single bucket that is not empty"
    );
    let mut map = [0, 0];
    assert_eq!(solve(&[20, 10], &[60, 0], &mut map), 1);
}

#[test]
fn the_same_seed_gives_the_same() {
    for spec in traces::all().iter().filter(|spec| spec.cpus < 9) {
        let mut same = [
            Traffic::new(spec, 7),
            Traffic::new(spec, 7),
            Traffic::new(spec, 8),
        ];
        for _ in 0..20 {
            same.iter_mut().for_each(Traffic::next);
            assert_eq!(same[0].work, same[1].work, "{}", spec.name);
            assert_ne!(same[0].work, same[2].work, "{}", spec.name);
        }
    }
    let imbalance = |seed| {
        let run = run(&small(), seed, &Peer::ALL, Knobs::DEFAULT);
        run.outcomes
            .into_iter()
            .map(|side| side.imbalance)
            .collect::<Vec<_>>()
    };
    assert_eq!(imbalance(3), imbalance(3));
    assert_ne!(imbalance(3), imbalance(4));
}

/// Traces bring the load that they say, and do so from the beginning.
#[test]
fn traffic_is_as_much_as_it_says() {
    for spec in traces::all()
        .iter()
        .filter(|spec| spec.cpus < 65 && !spec.name.contains("hog"))
    {
        let mut traffic = Traffic::new(spec, 1);
        let says = |source: &Source| match *source {
            Source::Flows { load, .. } | Source::Zipf { load, .. } => load,
            Source::Elephants { count, size, .. } => count * (size.0 + size.1) / 2.0,
        };
        let says: f64 = spec.sources.iter().map(says).sum::<f64>() * spec.cpus as f64 * FULL;
        let mut sums = [0.0; 2];
        for period in 0..200 {
            traffic.next();
            sums[period / 100] += traffic.rates.iter().sum::<f64>() / 100.0;
        }
        for sum in sums {
            let ratio = sum / says;
            // Few elephants are more or fewer by chance.
            let wide = if spec.name.contains("elephants-4") {
                0.7
            } else {
                0.25
            };
            assert!(
                (1.0 - wide..1.0 + wide).contains(&ratio),
                "{}: {ratio}",
                spec.name
            );
        }
    }
}

/// The mean of what is drawn is that of the distribution; of those met, E(s^2) / E(s).
#[test]
fn sizes_are_drawn_as_published() {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    for sizes in [&WEB_SEARCH, &DATA_MINING, &MICE] {
        const DRAWS: usize = 400_000;
        let new: Vec<f64> = (0..DRAWS).map(|_| sizes.of_new(&mut random)).collect();
        let mean = new.iter().sum::<f64>() / DRAWS as f64;
        assert!((mean / sizes.mean() - 1.0).abs() < 0.05, "{mean}");
        let squares = new.iter().map(|size| size * size).sum::<f64>() / DRAWS as f64;
        let met = (0..DRAWS).map(|_| sizes.of_met(&mut random)).sum::<f64>() / DRAWS as f64;
        assert!((met / (squares / mean) - 1.0).abs() < 0.1, "{met}");
    }
}

#[test]
fn bounds_by_hand() {
    // Liquid; over other load; where one is too busy to take part; a heavy bucket.
    assert_eq!(bound(&[3.0, 3.0], &[0.0; 3]), 3.0);
    assert_eq!(bound(&[1.0; 8], &[0.0, 4.0]), 6.0);
    assert_eq!(bound(&[1.0; 8], &[0.0, 9.0]), 9.0);
    assert_eq!(bound(&[1.0; 8], &[0.0, 0.0, 5.0]), 5.0);
    assert_eq!(bound(&[7.0, 1.0, 1.0], &[1.0, 2.0]), 8.0);
    let map = oracle(&[5.0, 4.0, 3.0, 2.0], &[0.0, 0.0]);
    assert_eq!(map, [0, 1, 1, 0]);
    assert_eq!(oracle(&[5.0, 4.0], &[0.0, 9.0]), [0, 0]);
}

fn complaints(run: &Run, peer: Peer) -> String {
    judge::alone(run, peer).join(", ")
}

#[test]
fn bad_balancers_are_found_out() {
    let step = Peer::Other(Policy::Step);
    let peers = [
        Peer::Load,
        Peer::RssPp,
        Peer::Rps,
        step,
        Peer::Other(Policy::Proportional),
    ];
    // Uneven enough that RPS is far from what can be reached.
    let uneven = Spec {
        sources: vec![Source::Zipf {
            load: 0.5,
            count: 500,
            power: 0.6,
        }],
        hogs: vec![Hog {
            cpu: 1,
            load: 1.0,
            from: 150,
            to: 250,
        }],
        steps: vec![0, 150, 250],
        steady: false,
        ..small()
    };
    let runs = run(&uneven, 1, &peers, Knobs::DEFAULT);
    assert_eq!(complaints(&runs, Peer::Load), "");
    let rps = complaints(&runs, Peer::Rps);
    assert!(
        rps.contains("in a row") && rps.contains("beside a hog"),
        "{rps}"
    );
    assert!(complaints(&runs, step).contains("in a row"));
    assert!(judge::is_no_worse(&[&runs], Peer::Rps).is_some());
    assert_eq!(judge::is_no_worse(&[&runs], Peer::Load), None);
    // What never rests: RSS++ follows the noise.
    let steady = run(&small(), 1, &peers, Knobs::DEFAULT);
    assert_eq!(complaints(&steady, Peer::Load), "");
    assert!(complaints(&steady, Peer::RssPp).contains("steady"));
    let mut busy = run(&small(), 1, &peers, Knobs::DEFAULT);
    busy.outcomes[0].moves.fill(1000);
    let moves = judge::all(&[vec![&busy]], Peer::Load);
    assert!(
        moves.iter().any(|text| text.contains("times the moves")),
        "{moves:?}"
    );
    assert!(complaints(&steady, Peer::Rss).contains("did not run"));
}

#[test]
fn oscillation_is_found_out() {
    let traces = traces::all();
    let square = traces
        .iter()
        .find(|spec| spec.name == "square-8")
        .expect("there is one");
    let mut calm = run(square, 1, &[Peer::Load], Knobs::DEFAULT);
    assert_eq!(complaints(&calm, Peer::Load), "");
    calm.outcomes[0].back = calm.outcomes[0].all_moves() / 5;
    assert!(complaints(&calm, Peer::Load).contains("to and fro"));
    // More and more moves.
    calm.outcomes[0].back = 0;
    calm.outcomes[0]
        .moves
        .iter_mut()
        .skip(300)
        .for_each(|moves| *moves += 10);
    assert!(complaints(&calm, Peer::Load).contains("second half"));
}

/// All packets are somewhere: what a machine was given it did, has waiting, or dropped.
#[test]
fn delays_and_drops_follow_load() {
    let runs = run(&small(), 1, &[Peer::Load], Knobs::DEFAULT);
    let calm = of(&runs, Peer::Load).expect("it ran");
    assert!(
        calm.dropped == 0.0 && calm.delays[2] < 100e-6,
        "{:?}",
        calm.delays
    );
    let heavy = Spec {
        sources: vec![Source::Zipf {
            load: 1.25,
            count: 5000,
            power: 0.5,
        }],
        ..small()
    };
    let runs = run(&heavy, 1, &[Peer::Load], Knobs::DEFAULT);
    let full = of(&runs, Peer::Load).expect("it ran");
    // A fifth is more than they can do.
    assert!((0.15..0.25).contains(&full.dropped), "{}", full.dropped);
    assert!(full.delays[0] > 1e-3);
    assert_eq!(BUCKETS, 4096);
}
