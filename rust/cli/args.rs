// SPDX-License-Identifier: GPL-2.0

//! The command line. Completions and manual pages are made from it, too.

use crate::filter::Filter;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Shows and controls flowbucket, the receive-side load balancer
#[derive(Debug, Parser)]
#[command(name = "flowbucket", version, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Take the machine's files from below this directory
    #[arg(long, global = true, hide = true, default_value = "/")]
    pub(crate) root: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit status:
  0  done
  1  refused or failed; nothing was changed, unless the message says what
  2  the command line is wrong
  3  the module is not loaded
  4  not permitted; run it as root

Settings are described in Documentation/admin-guide.rst, this command in
Documentation/command.rst.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the module does, on one screen
    Status {
        /// Measure rates over so many seconds
        #[arg(long, default_value = "0.5", value_parser = seconds)]
        seconds: f64,
    },
    /// Show settings: all, or those that are named
    Get {
        /// Names of settings
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Change settings; all are checked before the first is written
    #[command(after_help = settings_help())]
    Set {
        /// Settings and their values
        #[arg(value_name = "KEY=VALUE", required = true)]
        assignments: Vec<String>,
    },
    /// Look at the loads, plan and move buckets now
    Rebalance,
    /// Set what a file says; if anything in it is wrong, nothing
    Apply {
        /// A TOML file with names of settings as keys
        #[arg(default_value = "/etc/flowbucket.toml")]
        file: PathBuf,
        /// Only check it
        #[arg(long)]
        check: bool,
    },
    /// Show or change which CPU owns which bucket
    #[command(subcommand)]
    Map(MapCommand),
    /// List the connections that are tracked
    Conns(ConnsArguments),
    /// Print moves of buckets and drops of packets as they happen
    Watch {
        /// End after so many seconds
        #[arg(long, value_parser = seconds)]
        seconds: Option<f64>,
    },
    /// Show what goes on, live; q ends it
    Top {
        /// Seconds between two refreshes
        #[arg(long, default_value = "1", value_parser = seconds)]
        seconds: f64,
    },
    /// Record for some time and draw it: load by CPU, load of buckets, and delays
    Plot {
        /// How long to record; Ctrl-C ends it sooner
        #[arg(long, default_value = "30", value_parser = seconds)]
        seconds: f64,
        /// Pictures are written to NAME.svg and NAME.png
        #[arg(long, value_name = "NAME", default_value = "flowbucket")]
        out: PathBuf,
    },
    /// Give figures to Prometheus; without options, print them
    Export(ExportArguments),
    /// Print what has a shell complete this command
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a directory
    Man {
        /// A directory that exists
        dir: PathBuf,
    },
}

/// What to do with the map.
#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Print it, as lines that `set` takes
    Show,
    /// Give buckets to CPUs; a policy may move them again
    Set {
        /// A bucket or a range, and its CPU; as often as you like
        #[arg(value_name = "BUCKET[-BUCKET] CPU", required = true)]
        words: Vec<String>,
    },
    /// Write it into a file
    Save {
        /// Where to
        file: PathBuf,
    },
    /// Make it what a file says, if all of the file is right
    Restore {
        /// Where from
        file: PathBuf,
    },
}

/// Which connections to list.
#[derive(Debug, Args)]
pub(crate) struct ConnsArguments {
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// How figures are given to Prometheus.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Serve them by HTTP at this address
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:9743")]
    pub(crate) listen: Option<SocketAddr>,
    /// Write them into a file, for the textfile collector of the node exporter
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    pub(crate) textfile: Option<PathBuf>,
}

/// A number of seconds, up to a day. Errors: a sentence.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds from 0 to 86400".to_owned()),
    }
}

fn settings_help() -> String {
    let line = |knob: &crate::knobs::Knob| format!("  {:<20} {}\n", knob.name, knob.help);
    let lines: String = crate::knobs::KNOBS.iter().map(line).collect();
    format!("Settings:\n{lines}")
}
