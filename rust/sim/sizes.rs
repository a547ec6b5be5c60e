// SPDX-License-Identifier: GPL-2.0

//! Published distributions of how many packets a flow has.

use rand::Rng;

/// A cumulative distribution, linear between its points.
#[derive(Debug)]
pub struct Sizes {
    /// Packets of at most 1,460 bytes, and the part of flows that have no more.
    points: &'static [(f64, f64)],
}

/// Web search. M. Alizadeh et al., "Data Center TCP (DCTCP)", SIGCOMM 2010, figure 4, at the
/// points that simulators of data centres share since pFabric (SIGCOMM 2013).
pub const WEB_SEARCH: Sizes = Sizes {
    points: &[
        (6.0, 0.0),
        (6.0, 0.15),
        (13.0, 0.2),
        (19.0, 0.3),
        (33.0, 0.4),
        (53.0, 0.53),
        (133.0, 0.6),
        (667.0, 0.7),
        (1333.0, 0.8),
        (3333.0, 0.9),
        (6667.0, 0.97),
        (20_000.0, 1.0),
    ],
};

/// Data mining. A. Greenberg et al., "VL2: A Scalable and Flexible Data Center Network",
/// SIGCOMM 2009, figure 2, at the points that simulators share.
pub const DATA_MINING: Sizes = Sizes {
    points: &[
        (1.0, 0.0),
        (1.0, 0.5),
        (2.0, 0.6),
        (3.0, 0.7),
        (7.0, 0.8),
        (267.0, 0.9),
        (2107.0, 0.95),
        (66_667.0, 0.99),
        (666_667.0, 1.0),
    ],
};

/// Short requests: one to ten packets.
pub const MICE: Sizes = Sizes {
    points: &[(1.0, 0.0), (10.0, 1.0)],
};

impl Sizes {
    fn segments(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        pairs.map(|(low, high)| (low.0, high.0, high.1 - low.1))
    }

    /// Packets of a flow on average.
    pub fn mean(&self) -> f64 {
        self.segments()
            .map(|(a, b, part)| (a + b) / 2.0 * part)
            .sum()
    }

    /// Packets of a flow that begins.
    pub fn of_new(&self, random: &mut impl Rng) -> f64 {
        let mut at: f64 = random.random();
        for (low, high, part) in self.segments() {
            if at < part {
                return low + (high - low) * at / part;
            }
            at -= part;
        }
        self.points.last().map_or(1.0, |last| last.0)
    }

    /// Packets of a flow that is met at work: the longer, the likelier.
    pub fn of_met(&self, random: &mut impl Rng) -> f64 {
        let mut at = random.random::<f64>() * self.mean();
        for (low, high, part) in self.segments() {
            let weight = (low + high) / 2.0 * part;
            if at < weight {
                let square = low * low + (high * high - low * low) * at / weight;
                return square.sqrt();
            }
            at -= weight;
        }
        self.points.last().map_or(1.0, |last| last.0)
    }
}
