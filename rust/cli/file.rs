// SPDX-License-Identifier: GPL-2.0

//! Files that the command writes for people and other programs.

use crate::error::{Error, Result};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Replaces a file as a whole: who reads it sees the old one or the new, and it stays if there is
/// no room. What is no regular file, such as /dev/stdout, is written to.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result {
    let failed = |e: io::Error| Error::io(&format!("writing {}", file.display()), &e);
    if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return fs::write(file, bytes).map_err(failed);
    }
    // A link stays one.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut new = target.clone().into_os_string();
    // The node exporter reads what ends in .prom only.
    new.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&new);
    let write = || {
        // Never through a link that somebody else has put there.
        let mut to = OpenOptions::new().write(true).create_new(true).open(&new)?;
        to.set_permissions(Permissions::from_mode(0o644))?;
        to.write_all(bytes)?;
        to.sync_all()?;
        fs::rename(&new, &target)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&new);
        failed(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let machine = Machine::captured();
        let file = machine.put("out/file", "old");
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(machine.path("out")).unwrap().count(), 1);
        assert_eq!(
            replace(&machine.path("none/file"), b"")
                .unwrap_err()
                .status(),
            1
        );
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let machine = Machine::captured();
        let file = machine.put("out/file", "old");
        let link = machine.path("out/link");
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let null = machine.path("out/null");
        symlink("/dev/null", &null).unwrap();
        replace(&null, b"new").unwrap();
        assert!(fs::symlink_metadata(&null).unwrap().is_symlink());
        // What somebody has put where the new file is to be is not written through.
        let victim = machine.put("out/victim", "mine");
        symlink(
            &victim,
            machine.path(&format!("out/file.{}", std::process::id())),
        )
        .unwrap();
        replace(&file, b"newer").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(fs::read(&file).unwrap(), b"newer");
    }
}
