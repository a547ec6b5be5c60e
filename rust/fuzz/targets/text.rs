// SPDX-License-Identifier: GPL-2.0

//! Any bytes as what is written into a file of sysfs: it is refused, or read as it will be shown.
//!
//! Input: a byte that says which file, and what is written.

#![no_main]

use flowbucket_model::balance::Policy;
use flowbucket_model::hash::{toeplitz::text as key, Algorithm};
use flowbucket_model::map::{tail::Tail, text as map, Buckets};
use flowbucket_model::names::Names;
use libfuzzer_sys::fuzz_target;

/// A map is written in one piece: every line is refused, or is of this map.
fn whole(text: &[u8], buckets: Buckets) {
    let mut owners = vec![0u32; buckets.count() as usize];
    for line in map::Assignments::new(text, buckets) {
        let Ok(line) = line else {
            return;
        };
        assert!(line.first <= line.last && line.last < buckets.count());
        owners[line.first as usize..=line.last as usize].fill(line.cpu.min(map::MAX_CPU));
    }
    // As it is read, it can be written back.
    let mut shown = vec![0; map::len(buckets)];
    let owner = |bucket: u32| owners[bucket as usize];
    assert_eq!(map::fill(&mut shown, 0, buckets, owner), shown.len());
    let again = map::Assignments::new(&shown, buckets);
    let lines = again.map(|line| line.expect("it was shown"));
    assert!(lines.eq((0..buckets.count()).map(|bucket| map::Assignment {
        first: bucket,
        last: bucket,
        cpu: owner(bucket),
    })));
}

/// In pieces, of which the first bytes tell the sizes: the same lines come out.
fn pieces(text: &[u8]) {
    let Some((sizes, text)) = text.split_at_checked(4) else {
        return;
    };
    let (mut tail, mut offset, mut lines) = (Tail::NONE, 0, Vec::new());
    for size in sizes.iter().cycle() {
        if offset == text.len() {
            break;
        }
        let end = text.len().min(offset + 1 + usize::from(*size));
        let Some(piece) = tail.take(offset, &text[offset..end]) else {
            return;
        };
        lines.extend(piece.lines().concat());
        tail = piece.tail;
        offset = end;
    }
    lines.extend(tail.line());
    // The control: the end of a longer text is lost.
    if cfg!(feature = "broken") && text.len() > 20 {
        lines.pop();
    }
    assert_eq!(lines, text);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else {
        return;
    };
    match kind % 6 {
        0 => whole(text, Buckets::new(64).expect("a power of two")),
        1 => pieces(text),
        2 => {
            if let Ok(names) = Names::parse(text) {
                let shown = names.iter().collect::<Vec<_>>().join(&b' ');
                assert_eq!(Names::parse(&shown), Ok(names));
            }
        }
        3 => {
            if let Ok(secret) = key::parse_key(text) {
                assert_eq!(key::parse_key(&key::format_key(&secret)), Ok(secret));
            }
        }
        4 => {
            if let Some(policy) = Policy::parse(text) {
                assert_eq!(policy.name().as_bytes(), text.trim_ascii());
            }
        }
        _ => {
            if let Some(hash) = Algorithm::parse(text) {
                assert_eq!(hash.name().as_bytes(), text.trim_ascii());
            }
        }
    }
});
