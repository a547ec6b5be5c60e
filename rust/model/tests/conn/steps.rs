// SPDX-License-Identifier: GPL-2.0

//! What happens to a table, one thing after the other; also for rust/fuzz.

use crate::reference::Reference;
use crate::world::Tracker;
use flowbucket_model::conn::{Ms, Seen};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A packet; whether there is room for one more connection.
    Packet(Seen, bool),
    Wait(Ms),
    /// What is idle is forgotten, so many records at a time.
    Expire(u32),
}

/// Does it all, and says where the tracker differs from the book.
pub(crate) fn follow(tracker: &mut dyn Tracker, steps: &[Step]) -> Result<(), String> {
    let mut reference = Reference::default();
    // The clock wraps on the way.
    let mut now = Ms::MAX - 500;
    for step in steps {
        match step {
            Step::Packet(seen, room) => {
                let got = tracker.track(seen, now, *room);
                reference.packet(seen, now, *room, got)?;
            }
            Step::Wait(ms) => now = now.wrapping_add(*ms),
            Step::Expire(most) => reference.expire(now, tracker.expire(now, *most))?,
        }
    }
    reference.compare(tracker)
}
