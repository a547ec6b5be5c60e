// SPDX-License-Identifier: GPL-2.0

//! The panels: load by CPU, heat of buckets, how long moves and how late timer threads were.

use super::record::{Histogram, Record};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

type Area<B> = DrawingArea<B, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const FONT: (&str, i32) = ("sans-serif", 16);
/// Room to the right of what has seconds below, in pixels: there are the names of the CPUs.
const RIGHT: i32 = 90;
/// Pixels between two lines of text.
const LINE: i32 = 18;

/// Draws everything.
pub(super) fn draw<B: DrawingBackend>(area: &Area<B>, record: &Record) -> Drawn
where
    B::ErrorType: 'static,
{
    area.fill(&WHITE)?;
    let (loads, below) = area.split_vertically(360);
    let (heat, histograms) = below.split_vertically(400);
    let (moves, late) = histograms.split_horizontally(area.dim_in_pixel().0 / 2);
    draw_loads(&loads, record)?;
    draw_heat(&heat, record)?;
    draw_histogram(
        &moves,
        "how long moves of buckets took",
        "moves",
        &record.moves,
    )?;
    draw_histogram(
        &late,
        "how late timer threads began",
        "rounds",
        &record.late,
    )?;
    area.present()?;
    Ok(())
}

/// When the record ends, in seconds.
fn end(record: &Record) -> f64 {
    record.samples.last().map_or(1.0, |sample| sample.time.1)
}

fn draw_loads<B: DrawingBackend>(area: &Area<B>, record: &Record) -> Drawn
where
    B::ErrorType: 'static,
{
    let mut chart = ChartBuilder::on(area)
        .caption("load by CPU, of packets and other work", FONT)
        .margin(10)
        .margin_right(RIGHT)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end(record), 0.0..105.0)?;
    (chart.configure_mesh().light_line_style(TRANSPARENT))
        .label_style(FONT)
        .x_desc("seconds")
        .y_desc("% of its time")
        .draw()?;
    let (width, height) = area.dim_in_pixel();
    for (at, cpu) in record.cpus.iter().enumerate() {
        let stroke = Palette99::pick(at).stroke_width(2);
        let points = record.samples.iter().map(|sample| {
            let load = sample.rates.get(at).map_or(0.0, |rates| rates.load());
            (sample.time.1, load * 100.0)
        });
        chart.draw_series(LineSeries::new(points, stroke))?;
        // Those that there is no room for go without a name.
        let (x, y) = (width as i32 - RIGHT + 8, LINE * (at as i32 + 2));
        if y + LINE < height as i32 {
            area.draw(&PathElement::new([(x, y), (x + 18, y)], stroke))?;
            let name = format!("CPU {cpu}");
            area.draw(&Text::new(name, (x + 24, y - LINE / 2), FONT.into_font()))?;
        }
    }
    Ok(())
}

/// Says where something would be that there was none of it.
fn draw_none<B: DrawingBackend>(area: &Area<B>) -> Drawn
where
    B::ErrorType: 'static,
{
    let (width, height) = area.dim_in_pixel();
    let middle = ((width / 2) as i32, (height / 2) as i32);
    area.draw(&Text::new("none", middle, FONT.into_font()))?;
    Ok(())
}

fn draw_heat<B: DrawingBackend>(area: &Area<B>, record: &Record) -> Drawn
where
    B::ErrorType: 'static,
{
    let (count, each) = record.buckets;
    let all = || {
        record
            .samples
            .iter()
            .flat_map(|sample| &sample.heat)
            .copied()
    };
    let highest = all().fold(0.0, f64::max);
    let caption = format!(
        "load of buckets, {each} in a row; darkest: {:.1} % of a CPU",
        highest * 100.0
    );
    let mut chart = ChartBuilder::on(area)
        .caption(caption, FONT)
        .margin(10)
        .margin_right(RIGHT)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end(record), 0..count)?;
    (chart.configure_mesh().disable_mesh())
        .label_style(FONT)
        .x_desc("seconds")
        .y_desc("bucket")
        .draw()?;
    let cells = record.samples.iter().flat_map(|sample| {
        let (from, to) = sample.time;
        // Idle ones are left white.
        let busy = sample
            .heat
            .iter()
            .enumerate()
            .filter(|(_, load)| **load > 0.0);
        busy.map(move |(row, load)| {
            let corners = [(from, row * each), (to, ((row + 1) * each).min(count))];
            Rectangle::new(corners, shade(load / highest).filled())
        })
    });
    chart.draw_series(cells)?;
    if highest == 0.0 {
        draw_none(area)?;
    }
    Ok(())
}

/// From a light yellow to a dark red.
fn shade(part: f64) -> RGBColor {
    let mix = |light: f64, dark: f64| (light + (dark - light) * part.clamp(0.0, 1.0)) as u8;
    RGBColor(mix(255.0, 120.0), mix(240.0, 0.0), mix(190.0, 20.0))
}

fn draw_histogram<B: DrawingBackend>(
    area: &Area<B>,
    caption: &str,
    what: &str,
    rows: &Histogram,
) -> Drawn
where
    B::ErrorType: 'static,
{
    let total: u64 = rows.iter().map(|[_, count]| count).sum();
    // By powers of two.
    let power = |ns: u64| f64::from(ns.max(1).ilog2());
    let first = rows.first().map_or(10.0, |[ns, _]| power(*ns) - 2.0);
    let last = rows.last().map_or(20.0, |[ns, _]| power(*ns) + 1.0);
    let most = rows.iter().map(|[_, count]| *count).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{caption} ({total})"), FONT)
        .margin(10)
        .margin_right(30)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(first..last, 0.0..most as f64 * 1.05)?;
    (chart.configure_mesh().light_line_style(TRANSPARENT))
        .label_style(FONT)
        .x_labels(6)
        .x_label_formatter(&|power| time(power.exp2()))
        .x_desc("less than")
        .y_desc(what)
        .draw()?;
    chart.draw_series(rows.iter().map(|[ns, count]| {
        let corners = [(power(*ns) - 0.95, 0.0), (power(*ns) - 0.05, *count as f64)];
        Rectangle::new(corners, RGBColor(0, 114, 178).filled())
    }))?;
    if total == 0 {
        draw_none(area)?;
    }
    Ok(())
}

/// Nanoseconds in a few characters.
fn time(ns: f64) -> String {
    let (number, unit) = match ns {
        ns if ns < 999.5 => (ns, "ns"),
        ns if ns < 999.5e3 => (ns / 1e3, "us"),
        ns if ns < 999.5e6 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match number < 9.95 {
        true => format!("{number:.1} {unit}"),
        false => format!("{number:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let shown = [512.0, 1024.0, 65_536.0, 1_048_576.0, 4e9].map(time);
        assert_eq!(shown, ["512 ns", "1.0 us", "66 us", "1.0 ms", "4.0 s"]);
    }
}
