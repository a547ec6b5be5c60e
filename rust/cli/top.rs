// SPDX-License-Identifier: GPL-2.0

//! `top`: what goes on, live.

mod draw;
mod heat;
mod hottest;
mod view;

use crate::error::{Error, Result};
use crate::root::Root;
use crate::stop::Stop;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;
use ratatui::DefaultTerminal;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use view::View;

/// Seconds between two refreshes at least.
const LEAST: f64 = 0.1;

/// How many refreshes may fail in a row: a bucket may be on its way, or the number of buckets has
/// just changed.
const FAILURES: u32 = 5;

/// Shows until `q` is pressed. The terminal is as before at the end, also of an error or a panic.
pub(crate) fn top(root: &Root, seconds: f64) -> Result {
    root.check_loaded()?;
    if !io::stdout().is_terminal() {
        return Err(Error::Usage(
            "top needs a terminal; 'flowbucket status' does not".to_owned(),
        ));
    }
    // A serial console does not know how large it is.
    let (width, height) = terminal::size().map_err(|e| terminal_error(&e))?;
    if width == 0 || height == 0 {
        return Err(Error::Failed(
            "the terminal does not tell its size; try 'stty cols 80 rows 24'".to_owned(),
        ));
    }
    let stop = Stop::on_signals()?;
    let mut view = View::new(root)?;
    let mut terminal = ratatui::try_init().map_err(|e| {
        let _ = ratatui::try_restore();
        terminal_error(&e)
    })?;
    let interval = Duration::from_secs_f64(seconds.max(LEAST));
    let result = show(root, &mut view, &mut terminal, &stop, interval);
    // Of a terminal that has gone nothing can be restored; the library would panic when it cannot
    // even say so.
    if ratatui::try_restore().is_err() {
        std::mem::forget(terminal);
    }
    result
}

fn show(
    root: &Root,
    view: &mut View,
    terminal: &mut DefaultTerminal,
    stop: &Stop,
    interval: Duration,
) -> Result {
    let events = events();
    let mut next = Instant::now() + interval;
    let mut failures = 0;
    while !stop.requested() {
        terminal
            .draw(|frame| draw::draw(view, frame))
            .map_err(|e| terminal_error(&e))?;
        let quit = wait_for_quit(next, stop, &events).map_err(|e| terminal_error(&e))?;
        match quit {
            Some(true) => break,
            // The size has changed: the same is drawn anew.
            Some(false) => {}
            None => {
                match view.refresh(root) {
                    Err(Error::Failed(why)) if failures < FAILURES => {
                        failures += 1;
                        view.settings = why;
                    }
                    result => {
                        result?;
                        failures = 0;
                    }
                }
                next = Instant::now() + interval;
            }
        }
    }
    Ok(())
}

/// Keys and new sizes, read by a thread: from a terminal that has hung up the library reads
/// without end.
fn events() -> Receiver<io::Result<Event>> {
    let (sender, events) = channel();
    thread::spawn(move || while sender.send(event::read()).is_ok() {});
    events
}

/// Waits until the time comes (`None`), the end is wanted (`true`), or the terminal has another
/// size (`false`).
fn wait_for_quit(
    until: Instant,
    stop: &Stop,
    events: &Receiver<io::Result<Event>>,
) -> io::Result<Option<bool>> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if stop.requested() {
            return Ok(Some(true));
        }
        // Not longer at a time: a signal is not an event. What has come is looked at in any case.
        match events.recv_timeout(left.min(Duration::from_millis(200))) {
            Ok(event) => match event? {
                Event::Key(key) if quits(key) => return Ok(Some(true)),
                Event::Resize(..) => return Ok(Some(false)),
                _ => {}
            },
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn quits(key: KeyEvent) -> bool {
    let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && (control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

fn terminal_error(error: &io::Error) -> Error {
    Error::io("using the terminal", error)
}
