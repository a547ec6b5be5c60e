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
