// SPDX-License-Identifier: GPL-2.0

//! `plot`: records for some time, and draws it as SVG and PNG.

mod canvas;
mod draw;
mod record;

use crate::error::{Error, Result};
use crate::file::replace;
use crate::output::Format;
use crate::root::Root;
use canvas::Canvas;
use plotters::prelude::{DrawingBackend, IntoDrawingArea, SVGBackend};
use record::Record;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Pixels.
const SIZE: (u32, u32) = (1000, 1080);

/// The files that were written.
#[derive(Serialize)]
struct Pictures {
    svg: PathBuf,
    png: PathBuf,
}

impl fmt::Display for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.svg.display(), self.png.display())
    }
}

/// Records for so many seconds, or until Ctrl-C, and writes NAME.svg and NAME.png.
pub(crate) fn plot(root: &Root, seconds: f64, name: &Path, format: Format) -> Result {
    let with = |extension: &str| {
        let mut file = name.as_os_str().to_owned();
        file.push(extension);
        PathBuf::from(file)
    };
    let pictures = Pictures {
        svg: with(".svg"),
        png: with(".png"),
    };
    // Better now than after an hour.
    if let Some(dir) = name
        .parent()
        .filter(|dir| *dir != Path::new("") && !dir.is_dir())
    {
        return Err(Error::Failed(format!(
            "writing {}: {} is no directory",
            pictures.svg.display(),
            dir.display()
        )));
    }
    let record = Record::make(root, seconds)?;
    let mut svg = String::new();
    onto(SVGBackend::with_string(&mut svg, SIZE), &record)?;
    let mut canvas = Canvas::new(SIZE);
    onto(&mut canvas, &record)?;
    for (file, bytes) in [
        (&pictures.svg, svg.into_bytes()),
        (&pictures.png, canvas.png()?),
    ] {
        replace(file, &bytes)?;
    }
    format.print(&pictures)
}

fn onto<B: DrawingBackend>(backend: B, record: &Record) -> Result
where
    B::ErrorType: 'static,
{
    draw::draw(&backend.into_drawing_area(), record)
        .map_err(|e| Error::Failed(format!("drawing: {e}")))
}
