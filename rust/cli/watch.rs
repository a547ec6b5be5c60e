// SPDX-License-Identifier: GPL-2.0

//! `watch`: moves and drops as they happen.

use crate::error::Result;
use crate::events::{Event, Reasons};
use crate::output::{complain, Format};
use crate::root::Root;
use crate::stop::Stop;
use crate::tracing::Instance;
use std::fs;
use std::time::{Duration, Instant};

/// How often it is looked for events.
const PERIOD: Duration = Duration::from_millis(50);

/// Prints events until a signal comes, the time is over, or the module goes.
pub(crate) fn watch(root: &Root, seconds: Option<f64>, format: Format) -> Result {
    let stop = Stop::on_signals()?;
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let kernel = root.tracing().join("events/skb/kfree_skb/format");
    // Without it reasons are shown as numbers.
    let reasons = Reasons::parse(&fs::read_to_string(kernel).unwrap_or_default());
    let mut instance = Instance::new(root)?;
    while !stop.requested() && end.is_none_or(|end| Instant::now() < end) {
        if !print(&instance.lines()?, &reasons, format)? {
            root.check_loaded()?;
            stop.wait(PERIOD);
        }
    }
    // What had happened when the end was asked for.
    instance.switch_off();
    while print(&instance.lines()?, &reasons, format)? {}
    Ok(())
}

/// Prints the events of these lines. False if there are no lines.
fn print(lines: &[String], reasons: &Reasons, format: Format) -> Result<bool> {
    for line in lines {
        match Event::parse(line, reasons) {
            Some(event) => format.print_line(&event)?,
            None if line.contains(" EVENTS]") => complain(line.trim()),
            None => {}
        }
    }
    Ok(!lines.is_empty())
}
