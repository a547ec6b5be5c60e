// SPDX-License-Identifier: GPL-2.0

//! The traces.

use crate::sizes::{Sizes, DATA_MINING, MICE, WEB_SEARCH};
use crate::traffic::{Change, Hog, Source, Spec};

/// 10 and 100 Mbit/s in packets of 1,460 bytes.
const SLOW: f64 = 850.0;
const FAST: f64 = 8500.0;

fn flows(load: f64, sizes: &'static Sizes, rate: f64) -> Source {
    Source::Flows { load, sizes, rate }
}

fn zipf(load: f64, power: f64) -> Source {
    Source::Zipf {
        load,
        count: 200_000,
        power,
    }
}

/// What all traces begin as: a minute of what comes and goes.
fn plain(name: &'static str, cpus: usize, sources: Vec<Source>) -> Spec {
    Spec {
        name,
        cpus,
        periods: 600,
        sources,
        change: Change::None,
        hogs: Vec::new(),
        steps: vec![0],
        steady: false,
        aliased: false,
    }
}

/// Connections that stay, with what becomes of them every so many periods.
fn stepping(name: &'static str, cpus: usize, change: Change, every: usize) -> Spec {
    Spec {
        change,
        steps: (0..600).step_by(every).collect(),
        ..plain(name, cpus, vec![zipf(0.5, 0.5)])
    }
}

/// Ten minutes of connections that stay.
fn steady(name: &'static str, cpus: usize) -> Spec {
    Spec {
        periods: 6000,
        steady: true,
        ..plain(name, cpus, vec![zipf(0.6, 0.5)])
    }
}

/// Programs on an eighth of the CPUs, for twenty seconds.
fn hog(name: &'static str, cpus: usize, load: f64) -> Spec {
    let hog = |at: usize| Hog {
        cpu: at * 8 + 1,
        load,
        from: 200,
        to: 400,
    };
    Spec {
        hogs: (0..cpus.div_ceil(8)).map(hog).collect(),
        steps: vec![0, 200, 400],
        ..plain(name, cpus, vec![zipf(0.5, 0.5)])
    }
}

/// All of them.
pub fn all() -> Vec<Spec> {
    let elephants = |cpus| Source::Elephants {
        count: 0.5,
        size: (0.1, if cpus < 8 { 0.4 } else { 0.8 }),
        life: 100.0,
    };
    let web = |name, cpus| plain(name, cpus, vec![flows(0.6, &WEB_SEARCH, SLOW)]);
    let mining = |name, cpus| plain(name, cpus, vec![flows(0.6, &DATA_MINING, FAST)]);
    let mixed = |name, cpus| {
        let sources = vec![flows(0.3, &WEB_SEARCH, SLOW), elephants(cpus)];
        plain(name, cpus, sources)
    };
    let skewed = |name, cpus| {
        plain(
            name,
            cpus,
            vec![zipf(0.4, 1.1), flows(0.2, &WEB_SEARCH, SLOW)],
        )
    };
    let churn = |name, cpus| plain(name, cpus, vec![flows(0.4, &MICE, SLOW), zipf(0.2, 0.5)]);
    let bursts = |name, cpus, begin| Spec {
        change: Change::Bursts(20.0, begin),
        ..plain(name, cpus, vec![zipf(0.5, 0.5)])
    };
    vec![
        web("web-4", 4),
        web("web-32", 32),
        web("web-256", 256),
        mining("mining-8", 8),
        mining("mining-64", 64),
        mining("mining-256", 256),
        skewed("zipf-16", 16),
        skewed("zipf-256", 256),
        mixed("elephants-4", 4),
        mixed("elephants-64", 64),
        mixed("elephants-256", 256),
        churn("churn-8", 8),
        churn("churn-128", 128),
        bursts("bursts-16", 16, 2.0),
        bursts("bursts-256", 256, 2.0),
        stepping("steps-4", 4, Change::Steps(100, 3.0), 60),
        stepping("steps-64", 64, Change::Steps(100, 3.0), 60),
        stepping("steps-256", 256, Change::Steps(100, 3.0), 60),
        stepping("square-8", 8, Change::Square(3.0, 50), 50),
        stepping("square-128", 128, Change::Square(3.0, 50), 50),
        stepping("square-32", 32, Change::Square(3.0, 10), 10),
        Spec {
            aliased: true,
            ..stepping("flip-32", 32, Change::Square(3.0, 1), 600)
        },
        hog("hog-4", 4, 1.0),
        hog("hog-64", 64, 1.0),
        hog("half-hog-256", 256, 0.4),
        steady("steady-4", 4),
        steady("steady-16", 16),
        steady("steady-64", 64),
        steady("steady-256", 256),
    ]
}
