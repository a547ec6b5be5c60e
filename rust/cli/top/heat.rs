// SPDX-License-Identifier: GPL-2.0

//! The heat map of buckets: as many cells as there is room for, each of some buckets in a row.

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Load of its buckets together.
    pub(super) load: u64,
    /// The CPU of the heaviest of them.
    pub(super) cpu: u32,
}

/// At most `room` cells, and how many buckets each has (but for the last).
pub(super) fn cells(loads: &[u64], owners: &[u32], room: usize) -> (Vec<Cell>, usize) {
    let each = loads.len().div_ceil(room.max(1)).max(1);
    let cells = loads
        .chunks(each)
        .zip(owners.chunks(each))
        .map(|(loads, owners)| {
            // Of several the first: an idle cell has the colour of its first bucket.
            let heaviest = (0..loads.len()).rev().max_by_key(|&at| loads[at]);
            Cell {
                load: loads.iter().sum(),
                cpu: heaviest.and_then(|at| owners.get(at).copied()).unwrap_or(0),
            }
        });
    (cells.collect(), each)
}

/// A sign for a load beside the highest one.
pub(super) fn sign(load: u64, highest: u64) -> char {
    const SIGNS: [char; 4] = ['░', '▒', '▓', '█'];
    match load {
        0 => '·',
        _ => SIGNS[((load * 4 / highest.max(1)) as usize).min(3)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_summed_up_into_cells() {
        let (found, each) = cells(&[1, 5, 0, 0, 7], &[0, 1, 2, 3, 0], 3);
        assert_eq!(each, 2);
        let wanted = [(6, 1), (0, 2), (7, 0)].map(|(load, cpu)| Cell { load, cpu });
        assert_eq!(found, wanted);
        assert_eq!(cells(&[1, 2], &[0, 1], 0).0.len(), 1);
        assert_eq!(cells(&[1, 2], &[0, 1], 100).0.len(), 2);
    }

    #[test]
    fn signs_grow_with_the_load() {
        let shown: String = [0, 1, 25, 50, 75, 100]
            .map(|load| sign(load, 100))
            .iter()
            .collect();
        assert_eq!(shown, "·░▒▓██");
        assert_eq!(sign(0, 0), '·');
    }
}
