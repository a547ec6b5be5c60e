// SPDX-License-Identifier: GPL-2.0

//! The figures of the module as metrics for Prometheus.

mod cpus;

use crate::error::Result;
use crate::exposition::Type::{Counter, Gauge, Histogram};
use crate::exposition::{seconds, Exposition};
use crate::root::Root;
use crate::snapshot::Snapshot;
use crate::summary::{Balance, Moves, Tracked};

/// All metrics, as they are now.
pub(crate) fn metrics(root: &Root) -> Result<String> {
    root.check_loaded()?;
    let mut page = Exposition::default();
    settings(root, &mut page)?;
    cpus::counters(&Snapshot::take(root)?, &mut page);
    cpus::timers(root, &mut page)?;
    connections(&Tracked::read(root)?, &mut page);
    balance(&Balance::read(root)?, &mut page);
    moves(&Moves::read(root)?, &mut page);
    let mut durations = page.metric(
        "move_duration_seconds",
        Histogram,
        "How long buckets took to move.",
    );
    durations.histogram(&root.rows("moves/histogram")?);
    let mut late = page.metric(
        "timer_late_seconds",
        Histogram,
        "How late rounds of timer threads began.",
    );
    late.histogram(&root.rows("connections/late")?);
    Ok(page.finish())
}

fn settings(root: &Root, page: &mut Exposition) -> Result {
    page.one(
        "enabled",
        Gauge,
        "Whether packets are steered.",
        root.read("enabled")?,
    );
    page.one(
        "buckets",
        Gauge,
        "Number of buckets.",
        root.read("buckets")?,
    );
    let (hash, policy) = (root.read("hash")?, root.read("policy")?);
    page.metric("info", Gauge, "The hash and the policy in use.")
        .sample(&[("hash", &hash), ("policy", &policy)], 1);
    Ok(())
}

fn connections(tracked: &Tracked, page: &mut Exposition) {
    let mut metric = page.metric("connections", Gauge, "Connections tracked, by state.");
    for (state, count) in &tracked.states {
        metric.sample(&[("state", state)], count);
    }
    page.one(
        "connections_memory_bytes",
        Gauge,
        "Memory of their tables.",
        tracked.memory,
    );
    page.one(
        "added_connections_total",
        Counter,
        "Connections that were tracked.",
        tracked.added,
    );
    page.one(
        "evicted_connections_total",
        Counter,
        "Half-open ones that made way for others.",
        tracked.evicted,
    );
    page.one(
        "untracked_packets_total",
        Counter,
        "Packets that went on without a record.",
        tracked.untracked,
    );
}

fn balance(balance: &Balance, page: &mut Exposition) {
    let ratio = |thousandths: u64| thousandths as f64 / 1000.0;
    page.one(
        "balance_runs_total",
        Counter,
        "How often the balancer has looked.",
        balance.runs,
    );
    page.one(
        "planned_moves_total",
        Counter,
        "Moves of all plans.",
        balance.moved,
    );
    page.one(
        "balance_run_seconds",
        Gauge,
        "How long the last look took.",
        seconds(balance.run_ns),
    );
    page.one(
        "imbalance_ratio",
        Gauge,
        "Highest load of a CPU by the mean.",
        ratio(balance.imbalance),
    );
    page.one(
        "predicted_imbalance_ratio",
        Gauge,
        "What the last plan was to leave.",
        ratio(balance.predicted),
    );
    page.one(
        "achieved_imbalance_ratio",
        Gauge,
        "What was found after it.",
        ratio(balance.achieved),
    );
}

fn moves(moves: &Moves, page: &mut Exposition) {
    page.one(
        "moves_total",
        Counter,
        "Moves of buckets that have ended.",
        moves.total,
    );
    page.one(
        "held_packets_total",
        Counter,
        "Packets that moved with their bucket, or waited.",
        moves.held,
    );
    page.one(
        "order_violations_total",
        Counter,
        "Packets found overtaken.",
        moves.order_violations,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn figures_are_those_of_the_module() {
        let machine = Machine::captured();
        let root = machine.root();
        let text = metrics(&root).unwrap();
        for (metric, file) in [
            ("flowbucket_packets_total{cpu=\"2\"}", "cpu2/packets"),
            ("flowbucket_buckets", "buckets"),
            ("flowbucket_moves_total", "moves/total"),
            (
                "flowbucket_dropped_packets_total{cpu=\"1\",cause=\"overlimit\"}",
                "cpu1/drop_overlimit",
            ),
        ] {
            let line = format!("{metric} {}", root.read(file).unwrap());
            assert!(text.lines().any(|each| each == line), "{line}");
        }
    }

    #[test]
    fn the_dashboard_uses_metrics_that_there_are() {
        let dashboard = include_str!("../../contrib/grafana/flowbucket.json");
        serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
        let machine = Machine::captured();
        let text = metrics(&machine.root()).unwrap();
        let names: Vec<&str> = dashboard
            .match_indices("flowbucket_")
            .map(|(at, _)| {
                let name = &dashboard[at..];
                let end = name
                    .find(|c: char| !c.is_ascii_lowercase() && c != '_')
                    .unwrap();
                &name[..end]
            })
            .collect();
        assert!(names.len() > 20);
        for name in names {
            assert!(
                text.contains(&format!("\n{name}{{")) || text.contains(&format!("\n{name} ")),
                "{name}"
            );
        }
    }
}
