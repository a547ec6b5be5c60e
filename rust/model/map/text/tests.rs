// SPDX-License-Identifier: GPL-2.0

//! The map's text: what is written, what is read, and that one is the other's inverse.

use super::super::tail::Tail;
use super::*;
use proptest::prelude::*;
use MapError::{Range, Syntax};

const SMALL: Buckets = match Buckets::new(64) {
    Some(buckets) => buckets,
    None => panic!(),
};

/// The whole text, by the standard library's formatting.
fn expected(buckets: Buckets, cpu: impl Fn(u32) -> u32) -> String {
    (0..buckets.count())
        .map(|bucket| format!("{:5} {:4}\n", bucket, cpu(bucket)))
        .collect()
}

/// Reads the text in chunks of `step` bytes, as `read(2)` would.
fn read_by(step: usize, buckets: Buckets, cpu: impl Fn(u32) -> u32) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        let mut chunk = vec![0; step];
        let n = fill(&mut chunk, text.len(), buckets, &cpu);
        text.extend_from_slice(&chunk[..n]);
        if n < step {
            return text;
        }
    }
}

fn parse(text: &str) -> Result<Vec<(u32, u32, u32)>, MapError> {
    Assignments::new(text.as_bytes(), SMALL)
        .map(|line| line.map(|a| (a.first, a.last, a.cpu)))
        .collect()
}

#[test]
fn lines_are_as_documented() {
    let mut out = [0; 2 * LINE];
    assert_eq!(fill(&mut out, 0, SMALL, |b| b + 7), 22);
    assert_eq!(&out, b"    0    7\n    1    8\n");
    let most = Buckets::new(Buckets::MAX).unwrap();
    let text = expected(most, |b| b % 8192);
    assert_eq!(text.len(), len(most));
    assert_eq!(read_by(4096, most, |b| b % 8192), text.as_bytes());
}

#[test]
fn a_read_ends_with_the_text() {
    let mut out = [0; 8];
    assert_eq!(fill(&mut out, len(SMALL), SMALL, |_| 0), 0);
    assert_eq!(fill(&mut out, len(SMALL) - 3, SMALL, |_| 0), 3);
    assert_eq!(&out[..3], b" 0\n");
    assert_eq!(fill(&mut out, usize::MAX, SMALL, |_| 0), 0);
    assert_eq!(fill(&mut [], 0, SMALL, |_| 0), 0);
}

#[test]
fn a_cpu_too_wide_does_not_shift_the_lines() {
    let mut out = [0; LINE];
    fill(&mut out, 0, SMALL, |_| u32::MAX);
    assert_eq!(&out, b"    0 9999\n");
}

#[test]
fn lines_are_taken() {
    for (text, lines) in [
        ("", vec![]),
        ("\n \n\t\n", vec![]),
        ("5 2", vec![(5, 5, 2)]),
        ("5 2\n", vec![(5, 5, 2)]),
        (" \t5 \t 2 \t\n\n0-63 1\n", vec![(5, 5, 2), (0, 63, 1)]),
        ("007-07 0", vec![(7, 7, 0)]),
        ("1 99999999999", vec![(1, 1, u32::MAX)]),
    ] {
        assert_eq!(parse(text), Ok(lines), "{text:?}");
    }
}

#[test]
fn bad_lines_are_refused() {
    for (text, error) in [
        ("5", Syntax),
        ("5 ", Syntax),
        ("5 2 3", Syntax),
        ("5 2x", Syntax),
        ("5x 2", Syntax),
        ("-5 2", Syntax),
        ("5- 2", Syntax),
        ("5 -2", Syntax),
        ("5 - 6 2", Syntax),
        ("5--6 2", Syntax),
        ("6-5 2", Syntax),
        ("5-6-7 2", Syntax),
        ("+5 2", Syntax),
        ("0x5 2", Syntax),
        ("5,6 2", Syntax),
        ("5 2\r\n", Syntax),
        ("5 2\0", Syntax),
        ("5 2\u{a0}", Syntax),
        ("64 0", Range),
        ("0-64 0", Range),
        ("64-65 0", Range),
        ("4294967296 0", Range),
        ("99999999999999999999 0", Range),
        ("1 1\n64 0\n2 2\n", Range),
    ] {
        assert_eq!(parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn nothing_follows_an_error() {
    let mut lines = Assignments::new(b"1 1\nx\n2 2\n", SMALL);
    assert!(lines.next().unwrap().is_ok());
    assert_eq!(lines.next(), Some(Err(Syntax)));
    assert_eq!(lines.next(), None);
}

/// Writes `text` in chunks of `page` bytes and returns the map that results. With `joined`, lines
/// that are cut are put together again.
fn write_by(page: usize, text: &[u8], joined: bool) -> Option<Vec<u32>> {
    let mut map = vec![u32::MAX; SMALL.count() as usize];
    let mut tail = Tail::NONE;
    for (i, chunk) in text.chunks(page).enumerate() {
        let piece = tail.take(i * page, chunk)?;
        let lines = piece.lines();
        for part in if joined { lines } else { [chunk, b""] } {
            for line in Assignments::new(part, SMALL) {
                let line = line.ok()?;
                map[line.first as usize..=line.last as usize].fill(line.cpu);
            }
        }
        tail = piece.tail;
    }
    Some(map)
}

#[test]
fn chunks_cut_anywhere_are_noticed() {
    // The control of `what_is_read_writes_back`: taking every chunk whole must break the map.
    let text = expected(SMALL, |b| b + 10);
    let map: Vec<u32> = (10..74).collect();
    assert_ne!(write_by(20, text.as_bytes(), false), Some(map));
}

#[test]
fn numbers_stand_in_columns() {
    let words = |line: &[u8]| -> Vec<u64> {
        let text = core::str::from_utf8(line).unwrap();
        assert!(text.ends_with('\n'));
        text.split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect()
    };
    for n in [0, 1, 65_535] {
        let ns = u64::MAX / (u64::from(n) + 1);
        assert_eq!(
            words(&moves(n, u32::MAX, n, ns)),
            [u64::from(n), u64::from(u32::MAX), u64::from(n), ns]
        );
        assert_eq!(
            words(&loads(n, ns, 7, ns, u32::MAX)),
            [u64::from(n), ns, 7, ns, u64::from(u32::MAX)]
        );
    }
    // The longest of each still has a blank between.
    assert_eq!(words(&moves(99_999, u32::MAX, u32::MAX, u64::MAX)).len(), 4);
    assert_eq!(
        words(&loads(99_999, u64::MAX, u64::MAX, u64::MAX, u32::MAX)).len(),
        5
    );
}

proptest! {
    #[test]
    fn what_is_read_writes_back(
        map in prop::collection::vec(0..=MAX_CPU, 64),
        step in 1usize..200,
        page in LINE..200,
    ) {
        let text = read_by(step, SMALL, |b| map[b as usize]);
        prop_assert_eq!(&text, &expected(SMALL, |b| map[b as usize]).into_bytes());
        prop_assert_eq!(write_by(page, &text, true), Some(map));
    }

    #[test]
    fn a_window_is_part_of_the_whole(offset in 0usize..800, size in 0usize..100) {
        let whole = expected(SMALL, |b| b * 3);
        let mut out = vec![0; size];
        let n = fill(&mut out, offset, SMALL, |b| b * 3);
        let from = offset.min(whole.len());
        let to = (offset + size).min(whole.len());
        prop_assert_eq!(&out[..n], &whole.as_bytes()[from..to.max(from)]);
    }

    #[test]
    fn any_text_is_survived(text in prop::collection::vec(any::<u8>(), 0..200)) {
        for line in Assignments::new(&text, SMALL).flatten() {
            prop_assert!(line.first <= line.last && line.last < 64);
        }
    }

    #[test]
    fn nearly_right_text_is_survived(text in "[0-9 \t\n-]{0,60}") {
        for line in Assignments::new(text.as_bytes(), SMALL).flatten() {
            prop_assert!(line.first <= line.last && line.last < 64);
        }
    }
}
