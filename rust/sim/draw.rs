// SPDX-License-Identifier: GPL-2.0

//! Pictures: a trace each, with imbalance and moves over time, and delays.

use crate::peers::Peer;
use crate::run::{Outcome, Run, PERCENTILES};
use crate::PER_SECOND;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

/// Points in a curve at most.
const POINTS: usize = 600;
const SIZE: (u32, u32) = (900, 840);
const REACHABLE: RGBColor = RGBColor(190, 190, 190);

type Curve = (&'static str, RGBColor, Vec<(f64, f64)>);
type Panel<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn colour(peer: Peer) -> RGBColor {
    match peer {
        Peer::Load | Peer::Other(_) => RGBColor(0, 114, 178),
        Peer::RssPp => RGBColor(213, 94, 0),
        Peer::Rps => RGBColor(230, 159, 0),
        Peer::Rss => RGBColor(0, 158, 115),
    }
}

/// The highest of each stretch, with its time in seconds.
fn thinned(values: &[f64]) -> Vec<(f64, f64)> {
    let step = values.len().div_ceil(POINTS).max(1);
    let chunks = values.chunks(step).enumerate();
    let highest = |chunk: &[f64]| chunk.iter().copied().fold(0.0, f64::max);
    chunks
        .map(|(at, chunk)| ((at * step) as f64 / PER_SECOND as f64, highest(chunk)))
        .collect()
}

/// Curves with a name and a colour each, in one panel.
fn panel<X, Y>(
    area: &Panel<'_>,
    title: (&str, &str, &str),
    (x, y): (X, Y),
    curves: Vec<Curve>,
) -> Result<(), Box<dyn Error>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(title.0, ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(70)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(title.1)
        .y_desc(title.2)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, colour, points) in curves {
        let curve = LineSeries::new(points, colour.stroke_width(2));
        let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        chart.draw_series(curve)?.label(name).legend(key);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

/// Draws a run.
pub fn draw(run: &Run, file: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let [top, middle, bottom] = &root.split_evenly((3, 1))[..] else {
        return Ok(());
    };
    let end = run.spec.periods as f64 / PER_SECOND as f64;
    let curves = |of: &dyn Fn(&Outcome) -> Vec<(f64, f64)>| {
        let curve = |side: &Outcome| (side.peer.name(), colour(side.peer), of(side));
        run.outcomes.iter().rev().map(curve).collect::<Vec<_>>()
    };

    let mut all = vec![("reachable", REACHABLE, thinned(&run.reachable))];
    all.extend(curves(&|side| thinned(&side.imbalance)));
    let highest = run
        .outcomes
        .iter()
        .map(Outcome::mean_imbalance)
        .fold(1.0, f64::max);
    let range = (0.0..end, 1.0..1.0 + (highest - 1.0) * 1.6 + 0.05);
    let clip = |(x, y): (f64, f64)| (x, y.min(range.1.end));
    for curve in &mut all {
        curve.2 = curve.2.iter().copied().map(clip).collect();
    }
    let name = format!("{}: {} CPUs", run.spec.name, run.spec.cpus);
    panel(top, (&name, "seconds", "max/mean load"), range, all)?;

    let sums = |side: &Outcome| {
        let sums = side.moves.iter().scan(0.0, |sum, &moves| {
            *sum += moves as f64;
            Some(*sum)
        });
        thinned(&sums.collect::<Vec<_>>())
    };
    let most = run
        .outcomes
        .iter()
        .map(Outcome::all_moves)
        .max()
        .unwrap_or(0) as f64;
    let title = ("buckets moved so far", "seconds", "moves");
    panel(
        middle,
        title,
        (0.0..end, 0.0..most.max(1.0) * 1.05),
        curves(&sums),
    )?;

    // Nines: 50 %, 90 %, 99 %, 99.9 %.
    let nines = |part: f64| -((100.0 - part) / 100.0).log10();
    let delays = |side: &Outcome| {
        let points = PERCENTILES.iter().zip(&side.delays);
        points
            .map(|(&part, &delay)| (nines(part), delay * 1e6))
            .collect()
    };
    let title = (
        "queue delay of packets",
        "percentile: 1 is 90 %, 2 is 99 %, 3 is 99.9 %",
        "us",
    );
    let range = (nines(PERCENTILES[0])..3.0, (1.0..10_000.0).log_scale());
    panel(bottom, title, range, curves(&delays))?;
    root.present()?;
    Ok(())
}
