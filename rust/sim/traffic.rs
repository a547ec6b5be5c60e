// SPDX-License-Identifier: GPL-2.0

//! What work comes in each period: connections that come, go, and fluctuate.

use crate::sizes::Sizes;
use crate::{BUCKETS, FULL, PACKET, PER_SECOND};
use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, LogNormal, Poisson};
use rand_pcg::Pcg64Mcg;

/// Packets come in bunches of so many (TSO and GRO), which makes the variance of a count so
/// many times that of a Poisson process.
const BUNCH: f64 = 16.0;
/// Work of one packet a period.
const UNIT: f64 = FULL * PACKET * PER_SECOND as f64;
/// A connection is never more than this part of a CPU: TCP slows down before.
const FASTEST: f64 = 0.8 * FULL;
/// Rates of connections are spread log-normally: two thirds within a factor of e.
const SPREAD: f64 = 1.0;

/// Where work comes from. `load` is the part of all CPUs that it takes on average.
#[derive(Clone, Debug)]
pub enum Source {
    /// Connections that come as a Poisson process, of a size and at a rate (the median, in
    /// packets per second).
    Flows {
        /// See above.
        load: f64,
        /// How many packets they have.
        sizes: &'static Sizes,
        /// The median, in packets per second.
        rate: f64,
    },
    /// So many connections that stay, the i-th with a rate as 1 / i^`power`.
    Zipf {
        /// See above.
        load: f64,
        /// How many.
        count: usize,
        /// How uneven.
        power: f64,
    },
    /// Connections of part of a CPU each (from, to), so many at a time on average, for so
    /// many periods on average.
    Elephants {
        /// How many at a time, per CPU.
        count: f64,
        /// Part of a CPU.
        size: (f64, f64),
        /// Periods.
        life: f64,
    },
}

/// What becomes of all work.
#[derive(Clone, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// At each step so many buckets in a thousand get this factor, others than before.
    Steps(usize, f64),
    /// This factor on one and then on the other half of the buckets, changing every so many
    /// periods.
    Square(f64, usize),
    /// This factor on single buckets, so many begin in a period on average, for one to four
    /// periods.
    Bursts(f64, f64),
}

/// A program that would use so much of a CPU, from one period to another.
#[derive(Clone, Copy, Debug)]
pub struct Hog {
    /// The CPU.
    pub cpu: usize,
    /// Part of it.
    pub load: f64,
    /// The first period.
    pub from: usize,
    /// The first without it.
    pub to: usize,
}

/// A trace, except for chance.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// CPUs.
    pub cpus: usize,
    /// How long.
    pub periods: usize,
    /// What comes.
    pub sources: Vec<Source>,
    /// What becomes of it.
    pub change: Change,
    /// What else CPUs do.
    pub hogs: Vec<Hog>,
    /// When something changes at once; 0, where all begin, counts.
    pub steps: Vec<usize>,
    /// Whether connections stay as they are between steps.
    pub steady: bool,
    /// Whether the load changes so fast that the last period tells the opposite of the next.
    pub aliased: bool,
}

struct Flow {
    bucket: u16,
    /// Work per period.
    rate: f64,
    /// Work that is left to come.
    left: f64,
}

struct Stream {
    source: Source,
    flows: Vec<Flow>,
    /// What comes to each bucket from connections that stay.
    stay: Vec<f64>,
}

/// Work as it comes, period by period. The same seed gives the same work.
pub struct Traffic {
    random: Pcg64Mcg,
    cpus: f64,
    streams: Vec<Stream>,
    change: Change,
    factor: Vec<f64>,
    bursts: Vec<(usize, usize)>,
    steps: Vec<usize>,
    period: usize,
    /// What comes to each bucket in this period on average over chance that nobody can know.
    pub rates: Vec<f64>,
    /// What comes indeed.
    pub work: Vec<f64>,
}

fn log_normal(median: f64) -> LogNormal<f64> {
    LogNormal::new(median.ln(), SPREAD).expect("a finite spread")
}

fn poisson(random: &mut impl Rng, mean: f64) -> f64 {
    Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(random))
}

impl Traffic {
    /// Traffic of a trace; connections are met at work.
    pub fn new(spec: &Spec, seed: u64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let cpus = spec.cpus as f64;
        let begin = |source: &Source| Stream::new(source.clone(), cpus, &mut random);
        let streams = spec.sources.iter().map(begin).collect();
        Self {
            random,
            cpus,
            streams,
            change: spec.change.clone(),
            factor: vec![1.0; BUCKETS],
            bursts: Vec::new(),
            steps: spec.steps.clone(),
            period: 0,
            rates: vec![0.0; BUCKETS],
            work: vec![0.0; BUCKETS],
        }
    }

    /// The next period.
    pub fn next(&mut self) {
        self.rates.fill(0.0);
        for stream in &mut self.streams {
            let new = stream.source.arrivals(self.cpus, &mut self.random);
            stream.flows.extend(new);
            for (rate, stay) in self.rates.iter_mut().zip(&stream.stay) {
                *rate += stay;
            }
            for flow in &mut stream.flows {
                let now = flow.rate.min(flow.left);
                flow.left -= now;
                self.rates[usize::from(flow.bucket)] += now;
            }
            stream.flows.retain(|flow| flow.left > 0.0);
        }
        self.modulate();
        for (work, rate) in self.work.iter_mut().zip(&mut self.rates) {
            let mean = *rate / UNIT / BUNCH;
            *work = poisson(&mut self.random, mean) * BUNCH * UNIT;
        }
        self.period += 1;
    }

    fn modulate(&mut self) {
        let step = self.steps.contains(&self.period);
        match self.change {
            Change::None => {}
            Change::Steps(thousandths, factor) if step => {
                self.factor.fill(1.0);
                let chosen = index::sample(&mut self.random, BUCKETS, BUCKETS * thousandths / 1000);
                chosen.into_iter().for_each(|at| self.factor[at] = factor);
            }
            Change::Steps(..) => {}
            Change::Square(factor, every) => {
                let half = self.period / every % 2;
                // Neighbours are on one CPU at first, and quarters are of different halves.
                let hot = |at: usize| at * 8 / BUCKETS % 2 == half;
                for (at, value) in self.factor.iter_mut().enumerate() {
                    *value = if hot(at) { factor } else { 1.0 };
                }
            }
            Change::Bursts(factor, begin) => {
                self.bursts.retain(|burst| burst.1 > self.period);
                for _ in 0..poisson(&mut self.random, begin) as usize {
                    let until = self.period + self.random.random_range(1..=4);
                    self.bursts
                        .push((self.random.random_range(0..BUCKETS), until));
                }
                self.factor.fill(1.0);
                self.bursts
                    .iter()
                    .for_each(|burst| self.factor[burst.0] = factor);
            }
        }
        // Lest the whole becomes more than what the sources say.
        let mean = self.factor.iter().sum::<f64>() / BUCKETS as f64;
        for (rate, factor) in self.rates.iter_mut().zip(&self.factor) {
            *rate *= factor / mean;
        }
    }
}

impl Stream {
    fn new(source: Source, cpus: f64, random: &mut Pcg64Mcg) -> Self {
        let (go, come) = source
            .begin(cpus, random)
            .into_iter()
            .partition(|flow| flow.left.is_finite());
        let (flows, eternal): (Vec<Flow>, Vec<Flow>) = (go, come);
        let mut stay = vec![0.0; BUCKETS];
        for flow in eternal {
            stay[usize::from(flow.bucket)] += flow.rate;
        }
        Self {
            source,
            flows,
            stay,
        }
    }
}

impl Source {
    /// Who is there at first.
    fn begin(&self, cpus: f64, random: &mut Pcg64Mcg) -> Vec<Flow> {
        match *self {
            Self::Flows { load, sizes, rate } => {
                // Those who are met at a rate are as many as it makes them last long, so
                // the spread of their rates is that of the inverse.
                let met = log_normal(rate * (-SPREAD * SPREAD).exp());
                let mean = load * cpus * FULL;
                let each = rate * (-SPREAD * SPREAD / 2.0).exp() * UNIT / PER_SECOND as f64;
                let flow = |random: &mut Pcg64Mcg| {
                    let size = sizes.of_met(random) * random.random::<f64>() * UNIT;
                    let rate = met.sample(random) * UNIT / PER_SECOND as f64;
                    Flow::new(random, rate, size)
                };
                let count = poisson(random, mean / each) as usize;
                (0..count).map(|_| flow(random)).collect()
            }
            Self::Zipf { load, count, power } => {
                let raw = |at: usize| ((at + 1) as f64).powf(-power);
                let total = load * cpus * FULL;
                // What the largest may not have goes to the others.
                let mut scale = total / (0..count).map(raw).sum::<f64>();
                for _ in 0..50 {
                    let sum: f64 = (0..count).map(|at| (raw(at) * scale).min(FASTEST)).sum();
                    scale *= total / sum;
                }
                let flow =
                    |at: usize| Flow::new(random, (raw(at) * scale).min(FASTEST), f64::INFINITY);
                (0..count).map(flow).collect()
            }
            Self::Elephants { count, size, life } => {
                let flow = |_| Flow::elephant(random, size, life);
                (0..(count * cpus) as usize).map(flow).collect()
            }
        }
    }

    /// Who comes in a period.
    fn arrivals(&self, cpus: f64, random: &mut Pcg64Mcg) -> Vec<Flow> {
        match *self {
            Self::Flows { load, sizes, rate } => {
                let rates = log_normal(rate);
                let mean = load * cpus * FULL / (sizes.mean() * UNIT);
                let flow = |random: &mut Pcg64Mcg| {
                    let rate = rates.sample(random) * UNIT / PER_SECOND as f64;
                    let size = sizes.of_new(random) * UNIT;
                    Flow::new(random, rate, size)
                };
                let count = poisson(random, mean) as usize;
                (0..count).map(|_| flow(random)).collect()
            }
            Self::Zipf { .. } => Vec::new(),
            Self::Elephants { count, size, life } => {
                let count = poisson(random, count * cpus / life) as usize;
                (0..count)
                    .map(|_| Flow::elephant(random, size, life))
                    .collect()
            }
        }
    }
}

impl Flow {
    fn new(random: &mut Pcg64Mcg, rate: f64, left: f64) -> Self {
        let bucket = random.random_range(0..BUCKETS) as u16;
        let rate = rate.min(FASTEST);
        Self { bucket, rate, left }
    }

    /// Its life is spread exponentially.
    fn elephant(random: &mut Pcg64Mcg, (low, high): (f64, f64), life: f64) -> Self {
        let rate = random.random_range(low..high) * FULL;
        let periods = -(1.0 - random.random::<f64>()).ln() * life;
        Self::new(random, rate, rate * periods)
    }
}
