// SPDX-License-Identifier: GPL-2.0

//! `status`: everything on one screen.

use crate::error::Result;
use crate::output::Format;
use crate::root::Root;
use crate::snapshot::{Cpu, Rates, Snapshot};
use crate::summary::{Balance, Moves, Tracked};
use serde::Serialize;
use std::fmt;
use std::thread::sleep;
use std::time::Duration;

/// What the module is doing.
#[derive(Serialize)]
struct Status {
    enabled: bool,
    policy: String,
    hash: String,
    buckets: u64,
    /// The CPUs that may own buckets, as a list.
    cpus: String,
    interfaces: Vec<String>,
    /// Over how many seconds rates were measured.
    seconds: f64,
    cpu: Vec<CpuStatus>,
    connections: Tracked,
    balance: Balance,
    moves: Moves,
}

/// A CPU with its rates.
#[derive(Serialize)]
struct CpuStatus {
    online: bool,
    #[serde(flatten)]
    counters: Cpu,
    #[serde(flatten)]
    rates: Rates,
}

/// Measures for some seconds and prints.
pub(crate) fn status(root: &Root, seconds: f64, format: Format) -> Result {
    root.check_loaded()?;
    format.print(&Status::read(root, seconds)?)
}

impl Status {
    fn read(root: &Root, seconds: f64) -> Result<Self> {
        let (online, _) = root.cpus()?;
        let old = Snapshot::take(root)?;
        sleep(Duration::from_secs_f64(seconds));
        let new = Snapshot::take(root)?;
        let cpu = (new.cpus.iter().zip(new.rates_since(&old)))
            .map(|(counters, rates)| CpuStatus {
                online: online.has(counters.cpu),
                counters: counters.clone(),
                rates,
            })
            .collect();
        let interfaces = root.read("interfaces")?;
        Ok(Self {
            enabled: root.read("enabled")? == "1",
            policy: root.read("policy")?,
            hash: root.read("hash")?,
            buckets: root.value("buckets")?,
            cpus: root.read("cpus")?,
            interfaces: interfaces.split_whitespace().map(str::to_owned).collect(),
            seconds: new.seconds_since(&old),
            cpu,
            connections: Tracked::read(root)?,
            balance: Balance::read(root)?,
            moves: Moves::read(root)?,
        })
    }
}

/// How many moves of the last plan are shown.
const PLAN: usize = 5;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = if self.enabled { "on" } else { "off" };
        let interfaces = match self.interfaces.join(" ") {
            names if names.is_empty() => "all interfaces".to_owned(),
            names => names,
        };
        writeln!(
            f,
            "flowbucket is {on}: {interfaces}, hash {}, policy {}",
            self.hash, self.policy
        )?;
        writeln!(f, "{} buckets on CPUs {}\n", self.buckets, self.cpus)?;
        self.show_cpus(f)?;
        self.show_connections(f)?;
        self.show_balance(f)
    }
}

impl Status {
    fn show_cpus(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            " CPU buckets     packets  packets/s    Mbit/s  load  network  other     drops"
        )?;
        for cpu in &self.cpu {
            let (counters, rates) = (&cpu.counters, &cpu.rates);
            let mbits = rates.bytes_per_second * 8.0 / 1e6;
            let percent = |part: f64| format!("{:.0} %", part * 100.0);
            writeln!(
                f,
                "{:4} {:7} {:11} {:10.0} {:9.1} {:>5} {:>8} {:>6} {:9}{}",
                counters.cpu,
                counters.buckets,
                counters.packets,
                rates.packets_per_second,
                mbits,
                percent(rates.load()),
                percent(rates.load_packets),
                percent(rates.load_other),
                counters.drops.total(),
                if cpu.online { "" } else { "  offline" }
            )?;
        }
        let sum = |of: fn(&CpuStatus) -> f64| self.cpu.iter().map(of).sum::<f64>();
        let total = |of: fn(&Cpu) -> u64| self.cpu.iter().map(|cpu| of(&cpu.counters)).sum::<u64>();
        writeln!(
            f,
            " all {:7} {:11} {:10.0} {:9.1} {:>31}\n",
            total(|cpu| cpu.buckets),
            total(|cpu| cpu.packets),
            sum(|cpu| cpu.rates.packets_per_second),
            sum(|cpu| cpu.rates.bytes_per_second) * 8.0 / 1e6,
            total(|cpu| cpu.drops.total()),
        )?;
        let causes: Vec<String> = (0..4)
            .map(|at| {
                let count = |cpu: &CpuStatus| cpu.counters.drops.each()[at].1;
                let name = Cpu::default().drops.each()[at].0;
                format!("{name} {}", self.cpu.iter().map(count).sum::<u64>())
            })
            .collect();
        writeln!(f, "drops        {}", causes.join(", "))
    }

    fn show_connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present: Vec<String> = (self.connections.states.iter())
            .filter(|(_, count)| *count > 0)
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        write!(f, "connections  {}", self.connections.total())?;
        if !present.is_empty() {
            write!(f, ": {}", present.join(", "))?;
        }
        writeln!(f)
    }

    fn show_balance(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let balance = &self.balance;
        let times = |thousandths: u64| thousandths as f64 / 1000.0;
        writeln!(
            f,
            "imbalance    {:.3} (highest load of a CPU by the mean), {} looks",
            times(balance.imbalance),
            balance.runs
        )?;
        writeln!(
            f,
            "moves        {}, {} packets went along",
            self.moves.total, self.moves.held
        )?;
        if self.moves.order_violations > 0 {
            writeln!(
                f,
                "order        {} packets were overtaken",
                self.moves.order_violations
            )?;
        }
        if balance.plan.is_empty() {
            return writeln!(f, "last plan    none that moved anything");
        }
        writeln!(
            f,
            "last plan    {} {}, imbalance {:.3} promised, {:.3} found",
            balance.plan.len(),
            if balance.plan.len() == 1 {
                "move"
            } else {
                "moves"
            },
            times(balance.predicted),
            times(balance.achieved)
        )?;
        for planned in balance.plan.iter().take(PLAN) {
            let percent = planned.load as f64 / 1e7;
            let (bucket, from, to) = (planned.bucket, planned.from, planned.to);
            writeln!(
                f,
                "             bucket {bucket}: CPU {from} to {to}, load {percent:.1} %"
            )?;
        }
        match balance.plan.len().saturating_sub(PLAN) {
            0 => Ok(()),
            more => writeln!(f, "             and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn a_screen_has_all_of_it() {
        let machine = Machine::captured();
        let status = Status::read(&machine.root(), 0.0).unwrap();
        let text = status.to_string();
        assert!(text.lines().count() <= 24, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        for words in [
            "flowbucket is on: all interfaces, hash siphash, policy load",
            "64 buckets on CPUs 0-3",
        ] {
            assert!(text.contains(words), "{text}");
        }
        let sum = |file: &str| -> u64 {
            let root = machine.root();
            (0..4)
                .map(|cpu| root.value::<u64>(&format!("cpu{cpu}/{file}")).unwrap())
                .sum()
        };
        // They were captured one after the other, while buckets moved: not 64 in all.
        let total = format!(" all {:7} {:11}", sum("buckets"), sum("packets"));
        assert!(text.contains(&total), "{text}");
    }

    #[test]
    fn programs_get_the_same() {
        let machine = Machine::captured();
        machine.put("sys/devices/system/cpu/online", "0-2\n");
        let json = serde_json::to_value(Status::read(&machine.root(), 0.0).unwrap()).unwrap();
        assert_eq!(json["cpu"].as_array().unwrap().len(), 4);
        assert_eq!(json["cpu"][3]["online"], false);
        let packets: u64 = machine.root().value("cpu3/packets").unwrap();
        assert_eq!(json["cpu"][3]["packets"], packets);
        assert!(json["connections"]["states"]["udp"].as_u64().unwrap() >= 12);
        assert!(!json["balance"]["plan"].as_array().unwrap().is_empty());
    }
}
