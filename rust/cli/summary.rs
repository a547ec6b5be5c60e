// SPDX-License-Identifier: GPL-2.0

//! What the balancer does, what became of moves, and how many connections there are.

use crate::error::Result;
use crate::root::Root;
use serde::Serialize;

/// The balancer's figures. An imbalance is the highest load of a CPU in thousandths of the mean.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Balance {
    /// How often it has looked.
    pub(crate) runs: u64,
    /// Moves of all plans.
    pub(crate) moved: u64,
    /// The imbalance that the last look found.
    pub(crate) imbalance: u64,
    /// What the last plan that moved anything was to leave.
    pub(crate) predicted: u64,
    /// What was found at the first look after it.
    pub(crate) achieved: u64,
    /// Nanoseconds that the last look took.
    pub(crate) run_ns: u64,
    /// The moves of the last plan.
    pub(crate) plan: Vec<Planned>,
}

/// A move of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Planned {
    /// The bucket that moves.
    pub(crate) bucket: u64,
    /// Its old CPU.
    pub(crate) from: u64,
    /// Its new CPU.
    pub(crate) to: u64,
    /// Its load, in nanoseconds of CPU time per second.
    pub(crate) load: u64,
}

impl Balance {
    /// Reads the files of the directory `balance`.
    pub(crate) fn read(root: &Root) -> Result<Self> {
        let read = |file: &str| root.value(&format!("balance/{file}"));
        let plan = (root.rows("balance/plan")?.into_iter())
            .map(|[bucket, from, to, load]| Planned {
                bucket,
                from,
                to,
                load,
            })
            .collect();
        Ok(Self {
            runs: read("runs")?,
            moved: read("moved")?,
            imbalance: read("imbalance")?,
            predicted: read("predicted")?,
            achieved: read("achieved")?,
            run_ns: read("run_ns")?,
            plan,
        })
    }
}

/// What became of moves.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Moves {
    /// Moves that have ended.
    pub(crate) total: u64,
    /// Packets that moved along, or waited.
    pub(crate) held: u64,
    /// Packets found overtaken while `check_order` is on.
    pub(crate) order_violations: u64,
}

impl Moves {
    /// Reads the files of the directory `moves`.
    pub(crate) fn read(root: &Root) -> Result<Self> {
        Ok(Self {
            total: root.value("moves/total")?,
            held: root.value("moves/held")?,
            order_violations: root.value("moves/order_violations")?,
        })
    }
}

/// The connections that are tracked, summed up.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tracked {
    /// How many there are, by state.
    #[serde(serialize_with = "as_map")]
    pub(crate) states: Vec<(String, u64)>,
    /// Bytes that their tables take.
    pub(crate) memory: u64,
    /// How many were tracked since the module was loaded.
    pub(crate) added: u64,
    /// Half-open ones that made way.
    pub(crate) evicted: u64,
    /// Packets that went on without a record.
    pub(crate) untracked: u64,
}

impl Tracked {
    /// Reads the files of the directory `connections`.
    pub(crate) fn read(root: &Root) -> Result<Self> {
        Ok(Self {
            states: root.pairs("connections/states")?,
            memory: root.value("connections/memory")?,
            added: root.value("connections/added")?,
            evicted: root.value("connections/evicted")?,
            untracked: root.value("connections/untracked")?,
        })
    }

    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.states.iter().map(|(_, count)| count).sum()
    }
}

fn as_map<S: serde::Serializer>(
    pairs: &[(String, u64)],
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(name, count)| (name, count)))
}
