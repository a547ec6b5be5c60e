// SPDX-License-Identifier: GPL-2.0

//! How `top` looks.

use super::heat::{cells, sign};
use super::view::View;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use ratatui::Frame;

/// Colours of CPUs; more CPUs begin anew.
const COLOURS: [Color; 6] = [
    Color::Green,
    Color::Cyan,
    Color::Yellow,
    Color::Magenta,
    Color::Blue,
    Color::Red,
];

/// The least width of a CPU's bar with its figures.
const BAR: u16 = 38;

/// Draws everything.
pub(super) fn draw(view: &View, frame: &mut Frame<'_>) {
    let width = frame.area().width;
    let columns = (width / BAR).clamp(1, 4);
    let bars = (view.rates.len() as u16)
        .div_ceil(columns)
        .min(frame.area().height / 3);
    let [head, cpus, heat, below] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(bars),
        Constraint::Fill(2),
        Constraint::Fill(3),
    ])
    .areas(frame.area());
    let [hottest, moves] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(24)]).areas(below);
    draw_head(view, frame, head);
    draw_cpus(view, frame, cpus, columns);
    draw_heat(view, frame, heat);
    draw_hottest(view, frame, hottest);
    draw_moves(view, frame, moves);
}

fn colour(cpu: u32) -> Color {
    COLOURS[cpu as usize % COLOURS.len()]
}

fn draw_head(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let packets: f64 = view
        .rates
        .iter()
        .map(|rates| rates.packets_per_second)
        .sum();
    let bytes: f64 = view.rates.iter().map(|rates| rates.bytes_per_second).sum();
    let figures = format!(
        "{} packets/s, {} bit/s, {} drops/s, imbalance {:.2}, {} moves",
        short(packets),
        short(bytes * 8.0),
        short(view.drops),
        view.balance.imbalance as f64 / 1000.0,
        view.balance.moved,
    );
    let lines = vec![
        Line::from(vec![
            view.settings.clone().bold(),
            "   █ packets ▒ other work   q: quit".dim(),
        ]),
        Line::from(figures),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_cpus(view: &View, frame: &mut Frame<'_>, area: Rect, columns: u16) {
    let rows = usize::from(area.height.max(1));
    let areas = Layout::horizontal(vec![Constraint::Fill(1); usize::from(columns)]).split(area);
    let mut cpus: Vec<_> = view.snapshot.cpus.iter().zip(&view.rates).collect();
    // Of more than there is room for, the busiest.
    if cpus.len() > rows * areas.len() {
        cpus.sort_by(|(_, a), (_, b)| b.load().total_cmp(&a.load()));
    }
    for (area, cpus) in areas.iter().zip(cpus.chunks(rows)) {
        let lines: Vec<Line<'_>> = (cpus.iter())
            .map(|(cpu, rates)| {
                let figures = format!(
                    "{:3.0}% {:>5}/s {:5}",
                    rates.load() * 100.0,
                    short(rates.packets_per_second),
                    cpu.buckets
                );
                let room = usize::from(area.width).saturating_sub(figures.len() + 8);
                let cells = |part: f64| (part * room as f64).round() as usize;
                let network = cells(rates.load_packets).min(room);
                let all = cells(rates.load()).clamp(network, room);
                Line::from(vec![
                    Span::raw(format!("{:4} ", cpu.cpu)),
                    Span::styled("█".repeat(network), colour(cpu.cpu)),
                    Span::styled("▒".repeat(all - network), colour(cpu.cpu)),
                    Span::raw(" ".repeat(room - all)),
                    Span::raw(figures),
                ])
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), *area);
    }
}

fn draw_heat(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let block = Block::bordered();
    let inner = block.inner(area);
    let width = usize::from(inner.width.max(1));
    let room = width * usize::from(inner.height);
    let (cells, each) = cells(&view.loads, &view.map.owners, room);
    // Where there is room for more, cells are wide.
    let rows = |wide: usize| cells.len().div_ceil((width / wide).max(1));
    let wide = [4, 3, 2, 1]
        .into_iter()
        .find(|&wide| rows(wide) <= usize::from(inner.height));
    let wide = wide.unwrap_or(1);
    let highest = cells.iter().map(|cell| cell.load).max().unwrap_or(0);
    let lines: Vec<Line<'_>> = (cells.chunks((width / wide).max(1)))
        .map(|row| {
            row.iter()
                .map(|cell| {
                    Span::styled(
                        sign(cell.load, highest).to_string().repeat(wide),
                        colour(cell.cpu),
                    )
                })
                .collect()
        })
        .collect();
    let title = format!(
        "load of {} buckets, {each} in a cell, coloured by CPU",
        view.loads.len()
    );
    frame.render_widget(Paragraph::new(lines).block(block.title(title)), area);
}

fn draw_hottest(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<Line<'_>> = (view.hottest.iter())
        .map(|hot| {
            let conn = &hot.conn;
            let owner = view
                .map
                .owners
                .get(conn.bucket as usize)
                .copied()
                .unwrap_or(0);
            let text = format!(
                "{:>5} {:>5} {:<4} {} > {}",
                short(hot.packets),
                short(hot.bytes * 8.0),
                conn.proto,
                conn.first,
                conn.other
            );
            Line::styled(text, Style::new().fg(colour(owner)))
        })
        .collect();
    let block = Block::bordered().title("hottest connections: packets/s, bit/s");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_moves(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<Line<'_>> = (view.moves.iter())
        .map(|moved| {
            Line::from(vec![
                Span::raw(format!("{:5}: CPU ", moved.bucket)),
                Span::styled(moved.from.to_string(), colour(moved.from)),
                Span::raw(" to "),
                Span::styled(moved.to.to_string(), colour(moved.to)),
            ])
        })
        .collect();
    let block = Block::bordered().title("moves of buckets");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A number in at most five characters.
fn short(number: f64) -> String {
    let (scaled, unit) = match number {
        n if n < 9_999.5 => return format!("{n:.0}"),
        n if n < 999.5e3 => (n / 1e3, "k"),
        n if n < 999.5e6 => (n / 1e6, "M"),
        n if n < 999.5e9 => (n / 1e9, "G"),
        n => (n / 1e12, "T"),
    };
    match scaled < 9.95 {
        true => format!("{scaled:.1}{unit}"),
        false => format!("{scaled:.0}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;
    use ratatui::backend::TestBackend;
    use ratatui::Terminal;

    #[test]
    fn numbers_are_short() {
        for (number, wanted) in [
            (0.0, "0"),
            (9_999.0, "9999"),
            (12_345.0, "12k"),
            (1_234_567.0, "1.2M"),
            (999_600_000.0, "1.0G"),
        ] {
            assert_eq!(short(number), wanted);
        }
    }

    #[test]
    fn it_fits_any_terminal() {
        let machine = Machine::captured();
        let root = machine.root();
        let mut view = View::new(&root).unwrap();
        machine.put("sys/kernel/flowbucket/cpu1/packets", "99999999999");
        let map: String = (0..64).map(|bucket| format!("{bucket:5}    3\n")).collect();
        machine.put("sys/kernel/flowbucket/map", &map);
        view.refresh(&root).unwrap();
        for (width, height) in [(80, 24), (200, 60), (60, 16), (20, 5), (2, 2), (1, 1)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(&view, frame)).unwrap();
            let screen = terminal.backend().to_string();
            if width >= 60 {
                for words in [
                    "flowbucket is on, policy load",
                    "load of 64 buckets",
                    " to 3",
                    "hottest",
                ] {
                    assert!(screen.contains(words), "{words} is not in {screen}");
                }
            }
        }
    }
}
