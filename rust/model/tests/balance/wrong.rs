// SPDX-License-Identifier: GPL-2.0

//! Planners that are wrong, in one way each.

use crate::scene::{Planner, Scene};
use flowbucket_model::balance::Knobs;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    /// Does nothing.
    Idle,
    /// Buckets in turn, without regard to anything.
    Scatters,
    /// All to the CPU that has least.
    Piles,
    /// The heaviest bucket to the least loaded CPU, whatever comes of it.
    Inverts,
    /// Exchanges buckets of equal load.
    Fidgets,
}

impl Planner for Wrong {
    fn plan(&self, scene: &mut Scene, _: &Knobs) {
        let loads = scene.loads();
        let place = |least: bool| {
            let by = |&at: &usize| {
                if least {
                    loads[at]
                } else {
                    u64::MAX - loads[at]
                }
            };
            (0..loads.len()).min_by_key(by).unwrap_or(0) as u16
        };
        let (least, most) = (place(true), place(false));
        let cpus = scene.cpus.len() as u16;
        match self {
            Self::Idle => {}
            Self::Scatters => {
                for (at, bucket) in (0..).zip(&mut scene.buckets) {
                    bucket.cpu = (at + 1) % cpus;
                }
            }
            Self::Piles => scene
                .buckets
                .iter_mut()
                .for_each(|bucket| bucket.cpu = least),
            Self::Inverts => {
                let own = scene.buckets.iter_mut().filter(|bucket| bucket.cpu == most);
                if let Some(bucket) = own.max_by_key(|bucket| bucket.load) {
                    bucket.cpu = least;
                }
            }
            Self::Fidgets => {
                let mut own = scene.buckets.iter_mut().filter(|bucket| bucket.cpu == most);
                if let Some(first) = own.next() {
                    first.cpu = least;
                    if let Some(other) = scene.buckets.iter_mut().find(|b| b.from == least) {
                        other.cpu = most;
                    }
                }
            }
        }
    }
}
