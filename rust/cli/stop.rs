// SPDX-License-Identifier: GPL-2.0

//! Ending in order when a signal asks for it.

use crate::error::{Error, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Whether a signal has asked for the end.
#[derive(Debug)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on Ctrl-C, a hang-up and `kill` do not end the process, but are seen here.
    pub(crate) fn on_signals() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, flag.clone())
                .map_err(|e| Error::io("preparing for signals", &e))?;
        }
        Ok(Self(flag))
    }

    /// Whether one has come.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits for that long, or until a signal comes.
    pub(crate) fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.requested() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            sleep(left.min(Duration::from_millis(100)));
        }
    }
}
