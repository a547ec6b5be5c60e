// SPDX-License-Identifier: GPL-2.0

//! The module's trace events, read from what tracefs prints.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    /// Seconds by the kernel's trace clock.
    pub(crate) time: f64,
    /// The CPU on which it happened.
    pub(crate) cpu: u32,
    /// What happened.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum What {
    /// A bucket begins to move.
    BucketMove { bucket: u32, from: u32, to: u32 },
    /// It has arrived, with so many packets, after so many nanoseconds.
    BucketMoved {
        bucket: u32,
        from: u32,
        to: u32,
        held: u32,
        ns: u64,
    },
    /// A packet of so many bytes is dropped.
    Drop {
        bucket: u32,
        bytes: u32,
        reason: String,
    },
}

/// The names of the kernel's drop reasons, by number.
#[derive(Debug, Default)]
pub(crate) struct Reasons(BTreeMap<u32, String>);

impl Reasons {
    /// Reads them from the format of the kernel's event `skb:kfree_skb`.
    pub(crate) fn parse(format: &str) -> Self {
        let pairs = format.split('{').skip(1).filter_map(|pair| {
            let (number, rest) = pair.split_once(',')?;
            let name = rest.split('"').nth(1)?;
            Some((number.trim().parse().ok()?, name.to_owned()))
        });
        Self(pairs.collect())
    }

    fn name(&self, reason: u32) -> String {
        self.0
            .get(&reason)
            .cloned()
            .unwrap_or_else(|| reason.to_string())
    }
}

impl Event {
    /// Reads a line of `trace_pipe`; `None` for what is not an event of the module:
    ///
    /// ```text
    ///   comm-123     [001] ..s1.   12.345678: bucket_move: bucket=17 from=0 to=2
    /// ```
    pub(crate) fn parse(line: &str, reasons: &Reasons) -> Option<Self> {
        // From the right: the task's name may hold anything.
        let (rest, text) = line.rsplit_once(": ")?;
        let (head, name) = rest.rsplit_once(": ")?;
        let mut words = head.split_ascii_whitespace().rev();
        let time = words.next()?.parse().ok()?;
        let cpu = words
            .nth(1)?
            .strip_prefix('[')?
            .strip_suffix(']')?
            .parse()
            .ok()?;
        let fields = Fields(text);
        let what = match name {
            "bucket_move" => What::BucketMove {
                bucket: fields.number("bucket")?,
                from: fields.number("from")?,
                to: fields.number("to")?,
            },
            "bucket_moved" => What::BucketMoved {
                bucket: fields.number("bucket")?,
                from: fields.number("from")?,
                to: fields.number("to")?,
                held: fields.number("held")?,
                ns: fields.number("ns")?,
            },
            "drop" => What::Drop {
                bucket: fields.number("bucket")?,
                bytes: fields.number("len")?,
                reason: reasons.name(fields.number("reason")?),
            },
            _ => return None,
        };
        Some(Self { time, cpu, what })
    }
}

/// Words `name=value`.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        (self.0.split_ascii_whitespace())
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:14.6}  CPU {:<3} ", self.time, self.cpu)?;
        match &self.what {
            What::BucketMove { bucket, from, to } => {
                write!(f, "bucket {bucket} begins to move from CPU {from} to {to}")
            }
            What::BucketMoved {
                bucket,
                from,
                to,
                held,
                ns,
            } => {
                let us = *ns as f64 / 1000.0;
                write!(f, "bucket {bucket} has moved from CPU {from} to {to}: {us:.1} us, {held} packets along")
            }
            What::Drop {
                bucket,
                bytes,
                reason,
            } => write!(
                f,
                "a packet of bucket {bucket} is dropped: {bytes} bytes, {reason}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tracefs_printed_is_read() {
        let text = include_str!("captured/trace_pipe.txt");
        let events: Vec<Event> = (text.lines())
            .map(|line| Event::parse(line, &Reasons::default()).unwrap())
            .collect();
        let of = |name: &str| {
            let named = |event: &&Event| serde_json::to_value(event).unwrap()["event"] == name;
            events.iter().filter(named).count()
        };
        assert!(of("bucket_move") > 0 && of("bucket_moved") > 0 && of("drop") > 0);
        assert_eq!(
            of("bucket_move") + of("bucket_moved") + of("drop"),
            events.len()
        );
        assert!(events.iter().all(|event| event.cpu < 4 && event.time > 0.0));
    }

    #[test]
    fn names_of_tasks_do_no_harm() {
        let line = "  a: drop: [9] b-1  [002] d.s1.  12.5: bucket_move: bucket=17 from=0 to=2";
        let event = Event::parse(line, &Reasons::default()).unwrap();
        assert_eq!((event.time, event.cpu), (12.5, 2));
        assert!(event
            .to_string()
            .contains("bucket 17 begins to move from CPU 0 to 2"));
        for other in [
            "",
            "CPU:1 [LOST 12 EVENTS]",
            "x-1 [000] ..... 1.0: sched_switch: a=1",
        ] {
            assert_eq!(Event::parse(other, &Reasons::default()), None);
        }
    }

    #[test]
    fn reasons_have_names() {
        let format = r#"print fmt: "%s", __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 28, "CPU_BACKLOG" })"#;
        let reasons = Reasons::parse(format);
        assert_eq!(reasons.name(28), "CPU_BACKLOG");
        assert_eq!(reasons.name(3), "3");
    }
}
