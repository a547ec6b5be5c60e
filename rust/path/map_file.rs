// SPDX-License-Identifier: GPL-2.0

//! The file `map`: which CPU owns which bucket.

use super::files::ControlDir;
use crate::kapi::{bh::BhGuard, sysfs::BinFile};
use crate::model::map::text;
use kernel::prelude::*;

impl BinFile for ControlDir {
    fn read(&self, offset: usize, to: &mut [u8]) -> Result<usize> {
        self.0.with_settings(|settings| {
            let bh = BhGuard::new();
            let table = self.0.engine.table.read(&bh);
            Ok(text::fill(to, offset, settings.buckets, |bucket| {
                table.owner(bucket as usize)
            }))
        })
    }

    /// A write longer than a page arrives in pieces; each piece is done or refused
    /// as a whole, and a line that is cut goes on in the next.
    fn write(&self, offset: usize, from: &[u8]) -> Result<usize> {
        self.0.write_map(offset, from)?;
        Ok(from.len())
    }
}
