// SPDX-License-Identifier: GPL-2.0

//! The command `flowbucket`: what the module's files say, and how to set them.

mod apply;
mod args;
mod check;
mod conns;
mod cpus;
mod error;
mod events;
mod export;
mod exposition;
mod file;
mod filter;
mod generate;
mod knobs;
mod list;
mod map;
mod metrics;
mod output;
mod plot;
mod root;
mod settings;
mod snapshot;
mod status;
mod stop;
mod summary;
#[cfg(test)]
mod testing;
mod top;
mod tracing;
mod value;
mod watch;

use args::{Arguments, Command, MapCommand};
use clap::Parser;
use error::{Error, Result};
use output::Format;
use root::Root;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, Error::PipeClosed) {
                output::complain(&error);
            }
            ExitCode::from(error.status())
        }
    }
}

fn run(arguments: &Arguments) -> Result {
    let root = &Root::new(&arguments.root);
    let format = match arguments.json {
        true => Format::Json,
        false => Format::Text,
    };
    match &arguments.command {
        Command::Status { seconds } => status::status(root, *seconds, format),
        Command::Get { keys } => settings::get(root, keys, format),
        Command::Set { assignments } => settings::set(root, assignments),
        Command::Rebalance => settings::rebalance(root),
        Command::Apply { file, check } => apply::apply(root, file, *check),
        Command::Map(MapCommand::Show) => map::show(root, format),
        Command::Map(MapCommand::Set { words }) => map::set(root, words),
        Command::Map(MapCommand::Save { file }) => map::save(root, file),
        Command::Map(MapCommand::Restore { file }) => map::restore(root, file),
        Command::Conns(wanted) => list::list(root, &wanted.filter, format),
        Command::Watch { seconds } => watch::watch(root, *seconds, format),
        Command::Top { seconds } => top::top(root, *seconds),
        Command::Plot { seconds, out } => plot::plot(root, *seconds, out, format),
        Command::Export(to) => match (to.listen, &to.textfile) {
            (Some(address), _) => export::listen(root, address),
            (None, Some(file)) => export::textfile(root, file),
            (None, None) => export::print(root),
        },
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { dir } => generate::man(dir),
    }
}
