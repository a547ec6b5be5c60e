// SPDX-License-Identifier: GPL-2.0

//! The balancer: a thread that looks at loads every now and then, plans by the chosen
//! policy, and has buckets moved.

use super::control::Control;
use super::limits::Limit;
use super::measure::{self, Memory};
use crate::kapi::{
    cpus,
    kthread::{Run, Running},
    time,
};
use crate::model::{
    balance::{Knobs, Policy},
    sync::Word,
};
use core::cell::RefCell;
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*,
    sync::{new_mutex, Mutex},
};

/// The longest the thread sleeps before it looks whether the interval has changed.
const NAP_MS: u32 = 1000;

/// The shortest time between two looks, and at what imbalance it is looked four times as
/// often, in thousandths: what is so far off is not left for a whole interval.
const LEAST_MS: u32 = 10;
const STRONG: u32 = 1500;

/// How it balances, and what became of that.
#[pin_data]
pub(super) struct Balancer {
    policy: Word,
    /// Milliseconds between two looks.
    pub(super) interval: Limit,
    /// See [`Knobs`].
    pub(super) hysteresis: Limit,
    /// See [`Knobs`].
    pub(super) max_moves: Limit,
    /// The fewest CPUs to use when there is little to do; 0: always all.
    pub(super) min_cpus: Limit,
    #[pin]
    pub(super) state: Mutex<State>,
}

/// What is remembered, and what was done last.
#[derive(Default)]
pub(super) struct State {
    pub(super) memory: Memory,
    pub(super) last: Last,
    /// The first [`TOLD`] moves of the last plan that moved anything.
    pub(super) plan: KVec<Moved>,
}

/// Of the last look, and the last plan that moved anything. Imbalances are the highest
/// load of a CPU in thousandths of the mean.
#[derive(Clone, Copy, Default)]
pub(super) struct Last {
    pub(super) runs: u64,
    /// Moves of all plans.
    pub(super) moved: u64,
    /// As it was found.
    pub(super) imbalance: u32,
    /// What the plan promised, and what was found at the next look.
    pub(super) predicted: u32,
    pub(super) achieved: u32,
    /// How long the look and planning took, in nanoseconds.
    pub(super) ns: u64,
    /// Whether any CPU was busy at all.
    busy: bool,
    /// Whether the plan of the look before moved anything.
    just_moved: bool,
}

/// A move of the last plan.
pub(super) struct Moved {
    pub(super) bucket: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    /// Nanoseconds per second.
    pub(super) load: u32,
}

/// Moves of a plan that are remembered: what a file of one page can tell.
const TOLD: usize = 128;

const POLICIES: [Policy; 4] = [
    Policy::Load,
    Policy::Static,
    Policy::Proportional,
    Policy::Step,
];

impl Balancer {
    /// With the defaults.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            policy: Word::new(0),
            interval: Limit::new(100, LEAST_MS, 60_000),
            hysteresis: Limit::new(Knobs::DEFAULT.hysteresis, 0, 1000),
            max_moves: Limit::new(Knobs::DEFAULT.max_moves, 1, 65_536),
            min_cpus: Limit::new(0, 0, nr_cpu_ids()),
            state <- new_mutex!(State::default()),
        })
    }

    /// The policy.
    pub(super) fn policy(&self) -> Policy {
        let policy = POLICIES.get(self.policy.relaxed());
        policy.copied().unwrap_or(Policy::Static)
    }

    /// Chooses it.
    pub(super) fn set_policy(&self, policy: Policy) {
        let at = POLICIES.iter().position(|&its| its == policy);
        self.policy.set_relaxed(at.unwrap_or(0));
    }

    fn knobs(&self, memory: &Memory) -> Knobs {
        Knobs {
            hysteresis: memory.hysteresis(self.hysteresis.get()),
            max_moves: self.max_moves.get(),
        }
    }
}

impl Control {
    /// Looks, plans and moves, once. The buckets have arrived when it returns.
    ///
    /// Errors: `ENOMEM`; nothing has changed then.
    pub(super) fn balance(&self) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let settings = self.settings.lock();
        let mut state = self.balancer.state.lock();
        let State { memory, last, plan } = &mut *state;
        if plan.capacity() == 0 {
            *plan = KVec::with_capacity(TOLD, GFP_KERNEL)?;
        }
        let start = time::now();
        let policy = self.balancer.policy();
        let interval = u64::from(self.balancer.interval.get()) * 1_000_000;
        let known = memory.look(&self.engine, &settings, interval)?;
        memory.close(match policy {
            Policy::Load => self.balancer.min_cpus.get() as usize,
            _ => 0,
        });
        let knobs = self.balancer.knobs(memory);
        let mut board = memory.board();
        board.count();
        last.runs += 1;
        last.imbalance = board.imbalance();
        if core::mem::take(&mut last.just_moved) {
            last.achieved = last.imbalance;
        }
        let on = self.engine.enabled.relaxed() != 0;
        // What keeps nobody busy is not worth moving.
        last.busy = board.highest() >= measure::NOTHING;
        let moves = match known && on && last.busy {
            true => board.plan(policy, &knobs),
            false => 0,
        };
        if moves != 0 {
            last.moved += u64::from(moves);
            last.predicted = board.imbalance();
            last.just_moved = true;
        }
        last.ns = time::now().saturating_sub(start);
        if moves != 0 {
            plan.clear();
            let tell = RefCell::new(plan);
            self.engine.move_buckets(|table, bucket| {
                let to = memory.planned(bucket)?;
                let (from, load) = (table.owner(bucket), memory.load(bucket));
                table.set_home(bucket, to);
                if let Ok(mut plan) = tell.try_borrow_mut() {
                    let bucket = bucket as u32;
                    // There is room for the first ones.
                    let _ = plan.push_within_capacity(Moved {
                        bucket,
                        from,
                        to,
                        load,
                    });
                }
                Some(to)
            });
        }
        Ok(())
    }

    /// Milliseconds until the next look.
    fn pause(&self) -> u32 {
        let interval = self.balancer.interval.get();
        let last = self.balancer.state.lock().last;
        match self.balancer.policy() {
            Policy::Static => interval,
            _ if last.imbalance < STRONG || !last.busy => interval,
            _ => (interval / 4).max(LEAST_MS),
        }
    }
}

impl Run for Control {
    fn run(&self, running: &Running) {
        let mut slept = 0;
        loop {
            let left = self.pause().saturating_sub(slept);
            if left != 0 {
                let nap = left.min(NAP_MS);
                if !running.sleep(nap) {
                    return;
                }
                slept += nap;
                continue;
            }
            slept = 0;
            // Without memory for it, things stay as they are until the next time.
            let _ = self.balance();
        }
    }
}
