// SPDX-License-Identifier: GPL-2.0

//! The figures of the module as metrics for Prometheus.

use crate::error::Result;
use crate::exposition::Type::{Counter, Gauge, Histogram};
use crate::exposition::{seconds, Exposition, Type};
use crate::root::Root;
use crate::snapshot::{Cpu, Snapshot};
use crate::summary::{Balance, Moves, Tracked};

/// All metrics, as they are now.
pub(crate) fn metrics(root: &Root) -> Result<String> {
    root.check_loaded()?;
    let mut page = Exposition::default();
    settings(root, &mut page)?;
    cpus(&Snapshot::take(root)?, &mut page);
    timers(root, &mut page)?;
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

/// A metric of each CPU: its name, what it is, and where it is found.
type OfCpu = (&'static str, Type, &'static str, fn(&Cpu) -> f64);

const OF_CPU: [OfCpu; 10] = [
    (
        "packets_total",
        Counter,
        "Packets processed by the owner of their bucket.",
        |cpu| cpu.packets as f64,
    ),
    ("bytes_total", Counter, "Bytes of these packets.", |cpu| {
        cpu.bytes as f64
    }),
    (
        "direct_packets_total",
        Counter,
        "Packets received by their owner that went straight on.",
        |cpu| cpu.direct as f64,
    ),
    (
        "queued_packets_total",
        Counter,
        "Packets taken from the CPU's inbox.",
        |cpu| cpu.queued as f64,
    ),
    (
        "steered_packets_total",
        Counter,
        "Packets received and put into an inbox.",
        |cpu| cpu.steered as f64,
    ),
    (
        "ipis_total",
        Counter,
        "Interrupts sent to wake owners.",
        |cpu| cpu.ipis as f64,
    ),
    (
        "rps_packets_total",
        Counter,
        "Packets, of one in 64, that came from a device with RPS on.",
        |cpu| cpu.rps as f64,
    ),
    (
        "busy_seconds_total",
        Counter,
        "Time that packets of the CPU's buckets took.",
        |cpu| seconds(cpu.busy_ns),
    ),
    ("cpu_buckets", Gauge, "Buckets that the CPU owns.", |cpu| {
        cpu.buckets as f64
    }),
    (
        "other_load_ratio",
        Gauge,
        "Part of the CPU's time that other work takes.",
        |cpu| cpu.load_other as f64 / 1000.0,
    ),
];

fn cpus(snapshot: &Snapshot, page: &mut Exposition) {
    for (name, kind, help, value) in OF_CPU {
        let mut metric = page.metric(name, kind, help);
        for cpu in &snapshot.cpus {
            metric.sample(&[("cpu", &cpu.cpu.to_string())], value(cpu));
        }
    }
    let mut metric = page.metric(
        "dropped_packets_total",
        Counter,
        "Packets dropped, by cause.",
    );
    for cpu in &snapshot.cpus {
        for (cause, count) in cpu.drops.each() {
            metric.sample(&[("cpu", &cpu.cpu.to_string()), ("cause", cause)], count);
        }
    }
}

/// What timer threads count, by the names in the file `timers`.
const TIMERS: [(&str, &str, &str); 6] = [
    (
        "rounds",
        "timer_rounds_total",
        "Rounds of the CPU's timer thread.",
    ),
    ("walked", "timer_walked_total", "Connections it looked at."),
    (
        "expired",
        "expired_connections_total",
        "Connections forgotten, idle for too long.",
    ),
    (
        "probes",
        "keepalive_probes_total",
        "Keep-alive probes sent.",
    ),
    (
        "acks",
        "delayed_acks_total",
        "Delayed acknowledgments sent.",
    ),
    (
        "dead",
        "dead_connections_total",
        "Connections ended, since the peer did not answer.",
    ),
];

fn timers(root: &Root, page: &mut Exposition) -> Result {
    let mut all = Vec::new();
    for cpu in root.cpu_dirs()? {
        all.push((cpu.to_string(), root.pairs(&format!("cpu{cpu}/timers"))?));
    }
    for (line, name, help) in TIMERS {
        let mut metric = page.metric(name, Counter, help);
        for (cpu, pairs) in &all {
            for (_, count) in pairs.iter().filter(|(each, _)| each == line) {
                metric.sample(&[("cpu", cpu)], count);
            }
        }
    }
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
