// SPDX-License-Identifier: GPL-2.0

//! Lines that arrive in pieces: a write longer than a page, or a writer with small buffers, cuts
//! them anywhere.

/// The longest line that may be cut.
const MAX_LINE: usize = 64;

/// The beginning of a line whose end has not been written yet.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Offset in the file at which the rest is expected.
    end: usize,
    len: usize,
    bytes: [u8; MAX_LINE],
}

/// What a piece holds.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    head: Tail,
    lines: &'a [u8],
    /// What to remember when the lines were good.
    pub tail: Tail,
}

impl Tail {
    /// Nothing to be continued.
    pub const NONE: Self = Self {
        end: 0,
        len: 0,
        bytes: [0; MAX_LINE],
    };

    /// Takes the piece that is written at `offset`. A line that was cut there goes on only if the
    /// piece follows at once. What stands alone in a write at the start needs no newline.
    ///
    /// `None` for a cut line that is longer than any line is (EINVAL).
    pub fn take<'a>(&self, offset: usize, piece: &'a [u8]) -> Option<Piece<'a>> {
        let mut head = Self::NONE;
        if offset != 0 && offset == self.end {
            head = *self;
        }
        let (lines, rest) = match piece.iter().rposition(|c| *c == b'\n') {
            Some(last) => piece.split_at(last + 1),
            None if offset == 0 => (piece, &[][..]),
            None => (&[][..], piece),
        };
        let mut tail = Self::NONE;
        let mut lines = lines;
        if lines.is_empty() {
            tail = head;
            head = Self::NONE;
        } else if head.len != 0 {
            let first = lines.iter().position(|c| *c == b'\n')?;
            let (end, others) = lines.split_at(first + 1);
            head.push(end)?;
            lines = others;
        }
        tail.push(rest)?;
        tail.end = offset + piece.len();
        Some(Piece { head, lines, tail })
    }

    /// The line as far as it is known: the whole of it if the writer left the last newline out.
    pub fn line(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether it can become a line: only what lines are made of.
    pub fn is_sane(&self) -> bool {
        let line = |c: &u8| matches!(c, b'0'..=b'9' | b' ' | b'\t' | b'-');
        self.line().iter().all(line)
    }

    fn push(&mut self, more: &[u8]) -> Option<()> {
        let end = self.len + more.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(more);
        self.len = end;
        Some(())
    }
}

impl Piece<'_> {
    /// The whole lines: the one that was cut, and the others.
    pub fn lines(&self) -> [&[u8]; 2] {
        [self.head.line(), self.lines]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes `text` in pieces of the given sizes; returns the lines that came out.
    fn written(text: &[u8], sizes: &[usize]) -> Option<Vec<u8>> {
        let (mut tail, mut offset, mut lines) = (Tail::NONE, 0, Vec::new());
        for size in sizes.iter().cycle() {
            let piece = &text[offset..text.len().min(offset + size)];
            if piece.is_empty() {
                break;
            }
            let taken = tail.take(offset, piece)?;
            lines.extend(taken.lines().concat());
            tail = taken.tail;
            offset += piece.len();
        }
        Some(lines)
    }

    proptest! {
        #[test]
        fn pieces_make_up_the_whole(
            numbers in prop::collection::vec((0u32..70_000, 0u32..10_000), 1..200),
            sizes in prop::collection::vec(1usize..100, 1..20),
        ) {
            let text: String = numbers.iter().map(|(b, c)| format!("{b:5} {c:4}\n")).collect();
            // A first piece without a newline stands alone: not what this is about.
            let mut sizes = sizes;
            sizes[0] = sizes[0].max(12);
            let first = text.len().min(sizes[0]);
            let mut all = vec![first];
            all.extend(&sizes);
            prop_assert_eq!(written(text.as_bytes(), &all), Some(text.into_bytes()));
        }
    }

    #[test]
    fn a_write_without_newline_stands_alone() {
        let piece = Tail::NONE.take(0, b"5 2").unwrap();
        assert_eq!(piece.lines().concat(), b"5 2");
        assert!(piece.tail.line().is_empty());
    }

    #[test]
    fn a_cut_line_goes_on_only_at_its_place() {
        let tail = Tail::NONE.take(0, b"5 2\n6").unwrap().tail;
        assert!(tail.line() == b"6" && tail.is_sane());
        assert!(!Tail::NONE.take(0, b"5 2\nx").unwrap().tail.is_sane());
        assert_eq!(tail.take(5, b" 3\n").unwrap().lines().concat(), b"6 3\n");
        assert_eq!(tail.take(0, b"7 3\n").unwrap().lines().concat(), b"7 3\n");
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let tail = Tail::NONE.take(0, b"5 2\n6").unwrap().tail;
        assert!(tail.take(5, &[b' '; MAX_LINE]).is_none());
    }
}
