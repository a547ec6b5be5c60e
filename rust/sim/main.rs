// SPDX-License-Identifier: GPL-2.0

//! `make sim`: all balancers on all traces. Prints a table, leaves a file for programs and a
//! picture of each trace; fails when policy `load` does not keep what it promises.

use clap::Parser;
use flowbucket_model::balance::Knobs;
use flowbucket_sim::peers::Peer;
use flowbucket_sim::report::{heading, line, Report};
use flowbucket_sim::run::{run, Run};
use flowbucket_sim::{draw, judge, traces};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Simulates the balancing policies beside their peers.
#[derive(Parser)]
struct Args {
    /// One seed, in place of the fixed ones
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
    /// Only traces whose name contains this
    #[arg(long, default_value = "")]
    trace: String,
    /// Thousandths of the highest goal by which a CPU may exceed its own
    #[arg(long, default_value_t = Knobs::DEFAULT.hysteresis)]
    hysteresis: u32,
    /// The most moves in a period
    #[arg(long, default_value_t = Knobs::DEFAULT.max_moves)]
    max_moves: u32,
    /// Where bench/sim.json and sim/*.svg go; nothing is written without
    #[arg(long)]
    out: Option<PathBuf>,
}

fn simulate(args: &Args) -> Result<bool, Box<dyn Error>> {
    let knobs = Knobs {
        hysteresis: args.hysteresis,
        max_moves: args.max_moves,
    };
    let seeds = args.seed.map_or(args.seeds.clone(), |seed| vec![seed]);
    let specs = traces::all();
    let chosen = specs.iter().filter(|spec| spec.name.contains(&args.trace));
    let mut all: Vec<Vec<Run>> = Vec::new();
    println!("{}", heading());
    for spec in chosen {
        let runs: Vec<Run> = (seeds.iter())
            .map(|&seed| run(spec, seed, &Peer::ALL, knobs))
            .collect();
        println!("{}", line(&runs.iter().collect::<Vec<_>>()));
        all.push(runs);
    }
    let traces: Vec<Vec<&Run>> = all.iter().map(|runs| runs.iter().collect()).collect();
    let failed = judge::all(&traces, Peer::Load);
    let mut command = String::from("make sim");
    if let Some(words) = std::env::args().nth(3).map(|_| std::env::args().skip(3)) {
        command += &format!(" SIM=\"{}\"", words.collect::<Vec<_>>().join(" "));
    }
    let report = Report::new(
        &traces,
        command,
        (knobs.hysteresis, knobs.max_moves),
        failed.clone(),
    );
    println!("{}", report.summary());
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out.join("bench"))?;
        std::fs::create_dir_all(out.join("sim"))?;
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(out.join("bench/sim.json"), text + "\n")?;
        for first in traces.iter().filter_map(|runs| runs.first()) {
            draw::draw(first, &out.join(format!("sim/{}.svg", first.spec.name)))?;
        }
        println!("pictures: {}/*.svg", out.join("sim").display());
    }
    failed.iter().for_each(|text| println!("FAILED: {text}"));
    Ok(failed.is_empty())
}

fn main() -> ExitCode {
    match simulate(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("flowbucket-sim: {error}");
            ExitCode::FAILURE
        }
    }
}
