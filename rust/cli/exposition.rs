// SPDX-License-Identifier: GPL-2.0

//! Prometheus' text format.

use std::fmt::{Display, Write};
use std::ops::Range;

/// Bounds of histograms, as powers of two of nanoseconds: from a microsecond on. The module's
/// last line, 2^35, has all that took longer, too, and so is no bound.
const BOUNDS: Range<u32> = 10..35;

/// What is grown while metrics are gathered.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by upper bound.
    Histogram,
}

impl Exposition {
    /// Begins a metric: its samples follow.
    pub(crate) fn metric(&mut self, name: &str, kind: Type, help: &str) -> Metric<'_> {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
        };
        self.0 += &format!("# HELP flowbucket_{name} {help}\n# TYPE flowbucket_{name} {kind}\n");
        Metric {
            to: &mut self.0,
            name: format!("flowbucket_{name}"),
        }
    }

    /// A metric of a single sample.
    pub(crate) fn one(&mut self, name: &str, kind: Type, help: &str, value: impl Display) {
        self.metric(name, kind, help).sample(&[], value);
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// A metric whose samples are being told.
#[derive(Debug)]
pub(crate) struct Metric<'a> {
    to: &'a mut String,
    name: String,
}

impl Metric<'_> {
    /// A sample with its labels.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed("", labels, value);
    }

    /// The samples of a histogram of the module: how many took less than so many nanoseconds, a
    /// power of two, but not less than half as many; without lines of none. Prometheus wants the
    /// same bounds always, to add up what several hosts have.
    pub(crate) fn histogram(&mut self, rows: &[[u64; 2]]) {
        let up_to = |ns: u64| -> u64 {
            let rows = rows.iter().filter(|[bound, _]| *bound <= ns);
            rows.map(|[_, count]| count).sum()
        };
        for ns in BOUNDS.map(|power| 1 << power) {
            self.suffixed("_bucket", &[("le", &seconds(ns).to_string())], up_to(ns));
        }
        self.suffixed("_bucket", &[("le", "+Inf")], up_to(u64::MAX));
        self.suffixed("_count", &[], up_to(u64::MAX));
    }

    fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.to, "{}{suffix}{labels} {value}", self.name);
    }
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_the_format_of_prometheus() {
        let mut page = Exposition::default();
        let mut metric = page.metric("packets_total", Type::Counter, "Packets.");
        metric.sample(&[("cpu", "0")], 12);
        metric.sample(&[("cpu", "1"), ("cause", "a\"b\\")], 0.5);
        page.metric("move_duration_seconds", Type::Histogram, "Moves.")
            .histogram(&[[512, 1], [1024, 1], [4096, 3], [1 << 35, 4]]);
        let (text, histogram) = page.0.split_once("# HELP flowbucket_move").unwrap();
        assert_eq!(
            text,
            "# HELP flowbucket_packets_total Packets.\n\
             # TYPE flowbucket_packets_total counter\n\
             flowbucket_packets_total{cpu=\"0\"} 12\n\
             flowbucket_packets_total{cpu=\"1\",cause=\"a\\\"b\\\\\"} 0.5\n"
        );
        let lines: Vec<&str> = histogram.lines().collect();
        assert_eq!(lines.len(), 2 + BOUNDS.len() + 2);
        for (at, line) in [
            (0, "_duration_seconds Moves."),
            (1, "# TYPE flowbucket_move_duration_seconds histogram"),
            (
                2,
                "flowbucket_move_duration_seconds_bucket{le=\"0.000001024\"} 2",
            ),
            (
                3,
                "flowbucket_move_duration_seconds_bucket{le=\"0.000002048\"} 2",
            ),
            (
                4,
                "flowbucket_move_duration_seconds_bucket{le=\"0.000004096\"} 5",
            ),
            (
                26,
                "flowbucket_move_duration_seconds_bucket{le=\"17.179869184\"} 5",
            ),
            (27, "flowbucket_move_duration_seconds_bucket{le=\"+Inf\"} 9"),
            (28, "flowbucket_move_duration_seconds_count 9"),
        ] {
            assert_eq!(lines[at], line);
        }
    }
}
