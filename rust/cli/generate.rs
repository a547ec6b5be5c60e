// SPDX-License-Identifier: GPL-2.0

//! `completions` and `man`: what is made from the definition of the command line.

use crate::args::Arguments;
use crate::error::{Error, Result};
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// Prints what has a shell complete the command.
pub(crate) fn completions(shell: Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "flowbucket", &mut script);
    output::text(&String::from_utf8_lossy(&script))
}

/// Writes a manual page for the command and one for each of its commands into a directory.
pub(crate) fn man(dir: &Path) -> Result {
    clap_mangen::generate_to(Arguments::command(), dir)
        .map_err(|e| Error::io(&format!("writing into {}", dir.display()), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
