// SPDX-License-Identifier: GPL-2.0

//! Metrics of each CPU.

use crate::error::Result;
use crate::exposition::Type::{Counter, Gauge};
use crate::exposition::{seconds, Exposition, Type};
use crate::root::Root;
use crate::snapshot::{Cpu, Snapshot};

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

/// What packets went through.
pub(super) fn counters(snapshot: &Snapshot, page: &mut Exposition) {
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

/// What timer threads did.
pub(super) fn timers(root: &Root, page: &mut Exposition) -> Result {
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
