// SPDX-License-Identifier: GPL-2.0

//! An instance of tracefs of our own, with the module's events switched on: what others trace is
//! left alone. It goes when it is dropped.

use crate::error::{Error, Result};
use crate::output::complain;
use crate::root::Root;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

/// The directory of events of the module, in an instance.
const EVENTS: &str = "events/flowbucket/enable";

/// How lines are to look. An instance begins with what root has set for all.
const LINES: [&str; 7] = [
    "context-info",
    "irq-info",
    "nolatency-format",
    "noraw",
    "nohex",
    "nobin",
    "nofields",
];

/// What the names of our instances begin with; the number of the process follows.
const PREFIX: &str = "flowbucket-";

/// An instance of tracefs.
#[derive(Debug)]
pub(crate) struct Instance {
    dir: PathBuf,
    /// Closed first when it is removed: an instance that is read is busy.
    pipe: Option<File>,
    /// What was read of a line that is not complete yet.
    rest: Vec<u8>,
}

impl Instance {
    /// Makes it, and switches the events on. Errors: `NoRights`; tracefs is not there.
    pub(crate) fn new(root: &Root) -> Result<Self> {
        root.check_loaded()?;
        let instances = root.tracing().join("instances");
        if matches!(instances.try_exists(), Ok(false)) {
            return Err(Error::Failed(format!(
                "{} is not there; try 'mount -t tracefs tracefs {}'",
                instances.display(),
                root.tracing().display()
            )));
        }
        remove_left(&instances);
        let dir = instances.join(format!("{PREFIX}{}", process::id()));
        fs::create_dir(&dir).map_err(|e| Error::io(&format!("making {}", dir.display()), &e))?;
        let mut instance = Self {
            dir,
            pipe: None,
            rest: Vec::new(),
        };
        let failed =
            |what: &str, e| Error::io(&format!("{what} in {}", instance.dir.display()), &e);
        for option in LINES {
            let _ = fs::write(instance.dir.join("trace_options"), option);
        }
        fs::write(instance.dir.join(EVENTS), "1").map_err(|e| failed("switching events on", e))?;
        let pipe = (OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK))
            .open(instance.dir.join("trace_pipe"))
            .map_err(|e| failed("opening trace_pipe", e))?;
        instance.pipe = Some(pipe);
        Ok(instance)
    }

    /// From now on nothing new comes in. The module may have gone, and its events with it.
    pub(crate) fn switch_off(&self) {
        let _ = fs::write(self.dir.join(EVENTS), "0");
    }

    /// The whole lines that have come in since; none if nothing has.
    pub(crate) fn lines(&mut self) -> Result<Vec<String>> {
        let mut buffer = [0; 1 << 16];
        let Some(pipe) = &mut self.pipe else {
            return Ok(Vec::new());
        };
        match pipe.read(&mut buffer) {
            Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(e) => return Err(Error::io("reading trace_pipe", &e)),
        }
        let end = self
            .rest
            .iter()
            .rposition(|&c| c == b'\n')
            .map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        Ok(String::from_utf8_lossy(&whole)
            .lines()
            .map(str::to_owned)
            .collect())
    }
}

/// Removes what processes have left behind that were killed. One that is read is busy, and stays,
/// also if its reader cannot be seen from this container.
fn remove_left(instances: &Path) {
    for entry in fs::read_dir(instances).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = (name.to_str().and_then(|name| name.strip_prefix(PREFIX)))
            .and_then(|pid| pid.parse::<u32>().ok());
        // In a container each process may have the number of the one before.
        let gone =
            |pid: u32| pid == process::id() || !Path::new("/proc").join(pid.to_string()).exists();
        if pid.is_some_and(gone) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.pipe = None;
        self.switch_off();
        if let Err(e) = fs::remove_dir(&self.dir) {
            complain(format_args!(
                "{} could not be removed: {e}",
                self.dir.display()
            ));
        }
    }
}
