// SPDX-License-Identifier: GPL-2.0

//! For tests: a machine whose files are what a guest's module said under traffic.
//!
//! Captured with 4 CPUs, 64 buckets, policy `load` and `interval_ms` 50, while datagrams and TCP
//! went over a veth pair: file by file, each behind a line with its path.

use crate::root::Root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that goes with the value.
#[derive(Debug)]
pub(crate) struct Machine {
    dir: PathBuf,
}

impl Machine {
    /// One with the module as it was captured.
    pub(crate) fn captured() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let machine = Self {
            dir: std::env::temp_dir().join(format!("flowbucket-{}-{made}", process::id())),
        };
        for file in include_str!("captured/module.txt").split("== ").skip(1) {
            let (path, text) = file.split_once('\n').unwrap();
            machine.put(path, text);
        }
        machine
    }

    /// Its files.
    pub(crate) fn root(&self) -> Root {
        Root::new(&self.dir)
    }

    /// A path below its root.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// Writes a file.
    pub(crate) fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
