// SPDX-License-Identifier: GPL-2.0

//! Ending in order when a signal asks for it.

use crate::error::{Error, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Whether a signal has asked for the end.
#[derive(Debug)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on Ctrl-C, a hang-up and `kill` do not end the process, but are seen here; but for
    /// a hang-up that is ignored, as `nohup` has it.
    pub(crate) fn on_signals() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let signals = [SIGHUP, SIGINT, SIGTERM];
        for signal in (signals.into_iter()).filter(|&signal| signal != SIGHUP || !hangup_ignored())
        {
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

/// Whether the process was started so that it goes on when its terminal goes.
fn hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = (status.lines().find_map(|line| line.strip_prefix("SigIgn:")))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}
