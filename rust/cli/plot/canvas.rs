// SPDX-License-Identifier: GPL-2.0

//! A picture of pixels, with a font of its own: plotters' needs the system's libraries for fonts,
//! which a server does not have.

use crate::error::{Error, Result};
use embedded_graphics::mono_font::ascii::FONT_8X13;
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{Dimensions, DrawTarget, Drawable, Pixel, Point, Size};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;

/// Size of a character.
const CHARACTER: (i32, i32) = (8, 13);

/// What drawing returns; it does not fail.
type Drawn<T = ()> = std::result::Result<T, DrawingErrorKind<Infallible>>;

/// A picture.
pub(super) struct Canvas {
    size: (u32, u32),
    /// Red, green and blue, row by row.
    pixels: Vec<u8>,
}

impl Canvas {
    /// A black one.
    pub(super) fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            pixels: vec![0; size.0 as usize * size.1 as usize * 3],
        }
    }

    /// As a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size.0, self.size.1);
        encoder.set_color(png::ColorType::Rgb);
        (encoder.write_header())
            .and_then(|mut writer| writer.write_image_data(&self.pixels))
            .map_err(|e| Error::Failed(format!("writing PNG: {e}")))?;
        Ok(file)
    }
}

fn extent(text: &str) -> (i32, i32) {
    (text.chars().count() as i32 * CHARACTER.0, CHARACTER.1)
}

/// The pixels of a text that are on, from its upper left corner.
struct Lit(Vec<(i32, i32)>);

impl Lit {
    fn of(text: &str) -> Self {
        let mut lit = Self(Vec::new());
        let style = MonoTextStyle::new(&FONT_8X13, BinaryColor::On);
        let Ok(_) = Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut lit);
        lit
    }
}

impl Dimensions for Lit {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new_equal(u32::MAX))
    }
}

impl DrawTarget for Lit {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        let on = pixels.into_iter().filter(|pixel| pixel.1.is_on());
        self.0.extend(on.map(|Pixel(at, _)| (at.x, at.y)));
        Ok(())
    }
}

impl DrawingBackend for &mut Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let (width, height) = self.size;
        if (0..width as i32).contains(&x) && (0..height as i32).contains(&y) {
            let at = (y as usize * width as usize + x as usize) * 3;
            let (r, g, b) = color.rgb;
            for (pixel, new) in self.pixels[at..at + 3].iter_mut().zip([r, g, b]) {
                let mixed = f64::from(*pixel) * (1.0 - color.alpha) + f64::from(new) * color.alpha;
                *pixel = mixed.round() as u8;
            }
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let (width, height) = extent(text);
        let dx = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Right => -width,
            HPos::Center => -width / 2,
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        for (x, y) in Lit::of(text).0 {
            let (x, y) = style.transform().transform(x + dx, y + dy);
            self.draw_pixel((at.0 + x, at.1 + y), style.color())?;
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, _style: &S) -> Drawn<(u32, u32)> {
        let (width, height) = extent(text);
        Ok((width as u32, height as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_pixels() {
        let lit = Lit::of("CPU 1").0;
        assert!(lit.len() > 20);
        assert!(lit
            .iter()
            .all(|(x, y)| (0..40).contains(x) && (0..13).contains(y)));
        // A blank has none.
        assert!(!lit.iter().any(|(x, _)| (24..32).contains(x)));
    }

    #[test]
    fn the_file_is_png_of_that_size() {
        let mut canvas = Canvas::new((7, 5));
        let red = BackendColor {
            alpha: 1.0,
            rgb: (255, 0, 0),
        };
        (&mut canvas).draw_pixel((6, 4), red).unwrap();
        (&mut canvas).draw_pixel((7, 4), red).unwrap();
        let file = canvas.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; 7 * 5 * 3];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (7, 5));
        assert_eq!(pixels.iter().filter(|&&byte| byte == 255).count(), 1);
        assert_eq!(pixels[102], 255);
    }
}
