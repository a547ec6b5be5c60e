// SPDX-License-Identifier: GPL-2.0

//! What the module's files say at one moment, and what went on between two.

use crate::error::Result;
use crate::root::Root;
use serde::Serialize;
use std::time::Instant;

/// The counters of a CPU. All but `buckets` and `load_other` only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Cpu {
    /// Its number.
    pub(crate) cpu: u32,
    /// Buckets that it owns.
    pub(crate) buckets: u64,
    /// Packets it has processed as an owner.
    pub(crate) packets: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Of the packets, those that went straight on.
    pub(crate) direct: u64,
    /// Of the packets, those taken from its inbox.
    pub(crate) queued: u64,
    /// Packets it received and put into an inbox.
    pub(crate) steered: u64,
    /// Interrupts it sent.
    pub(crate) ipis: u64,
    /// Packets it dropped, by cause.
    pub(crate) drops: Drops,
    /// Packets seen from devices with RPS on.
    pub(crate) rps: u64,
    /// Nanoseconds its packets took.
    pub(crate) busy_ns: u64,
    /// Thousandths of its time that other work takes; to be shown there are [`Rates`].
    #[serde(skip)]
    pub(crate) load_other: u64,
}

/// Packets dropped, by cause; see the files `drop_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Drops {
    /// The owner's inbox was full.
    pub(crate) backlog: u64,
    /// Too much waited.
    pub(crate) overlimit: u64,
    /// The device was going away.
    pub(crate) device: u64,
    /// The route or socket was going away.
    pub(crate) route: u64,
}

impl Drops {
    /// With the names of the causes.
    pub(crate) fn each(&self) -> [(&'static str, u64); 4] {
        [
            ("backlog", self.backlog),
            ("overlimit", self.overlimit),
            ("device", self.device),
            ("route", self.route),
        ]
    }

    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.each().iter().map(|(_, count)| count).sum()
    }
}

impl Cpu {
    fn read(root: &Root, cpu: u32) -> Result<Self> {
        let read = |file: &str| root.value::<u64>(&format!("cpu{cpu}/{file}"));
        Ok(Self {
            cpu,
            buckets: read("buckets")?,
            packets: read("packets")?,
            bytes: read("bytes")?,
            direct: read("direct")?,
            queued: read("queued")?,
            steered: read("steered")?,
            ipis: read("ipis")?,
            drops: Drops {
                backlog: read("drop_backlog")?,
                overlimit: read("drop_overlimit")?,
                device: read("drop_device")?,
                route: read("drop_route")?,
            },
            rps: read("rps")?,
            busy_ns: read("busy_ns")?,
            load_other: read("load_other")?,
        })
    }
}

/// All CPUs at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    at: Instant,
    /// One for each possible CPU, in order.
    pub(crate) cpus: Vec<Cpu>,
}

impl Snapshot {
    /// Reads the counters.
    pub(crate) fn take(root: &Root) -> Result<Self> {
        let at = Instant::now();
        let cpus = (root.cpu_dirs()?.into_iter())
            .map(|cpu| Cpu::read(root, cpu))
            .collect::<Result<_>>()?;
        Ok(Self { at, cpus })
    }

    /// Seconds since an older one.
    pub(crate) fn seconds_since(&self, old: &Self) -> f64 {
        (self.at - old.at).as_secs_f64().max(1e-6)
    }

    /// What went on since an older one.
    pub(crate) fn rates_since(&self, old: &Self) -> Vec<Rates> {
        let seconds = self.seconds_since(old);
        let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
        (self.cpus.iter().zip(&old.cpus))
            .map(|(new, old)| Rates {
                packets_per_second: rate(new.packets, old.packets),
                bytes_per_second: rate(new.bytes, old.bytes),
                load_packets: rate(new.busy_ns, old.busy_ns) / 1e9,
                load_other: new.load_other as f64 / 1000.0,
            })
            .collect()
    }

    /// Packets dropped by all CPUs.
    pub(crate) fn drops(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.drops.total()).sum()
    }
}

/// What a CPU did between two snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// Packets processed.
    pub(crate) packets_per_second: f64,
    /// Their bytes.
    pub(crate) bytes_per_second: f64,
    /// The part of its time that its packets took: 1 is all of it.
    pub(crate) load_packets: f64,
    /// The part that other work takes, smoothed.
    pub(crate) load_other: f64,
}

impl Rates {
    /// The part of its time that is taken; what is measured in two ways may sum up to more than
    /// all of it.
    pub(crate) fn load(&self) -> f64 {
        (self.load_packets + self.load_other).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rates_are_differences_by_time() {
        let cpu = |packets, busy_ns| Cpu {
            packets,
            bytes: packets * 100,
            busy_ns,
            load_other: 250,
            ..Cpu::default()
        };
        let at = Instant::now();
        let old = Snapshot {
            at,
            cpus: vec![cpu(1000, 0)],
        };
        let new = Snapshot {
            at: at + Duration::from_secs(2),
            cpus: vec![cpu(3000, 1_000_000_000)],
        };
        let [rates] = new.rates_since(&old)[..] else {
            panic!("one CPU")
        };
        assert_eq!(rates.packets_per_second, 1000.0);
        assert_eq!(rates.bytes_per_second, 100_000.0);
        assert_eq!(rates.load_packets, 0.5);
        assert_eq!(rates.load(), 0.75);
    }
}
