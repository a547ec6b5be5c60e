// SPDX-License-Identifier: GPL-2.0

//! The list of network interfaces that are steered.

/// Bytes of a name in the kernel, the terminating zero included (IFNAMSIZ).
pub const NAME_SIZE: usize = 16;

/// The most names a list holds.
pub const MAX_NAMES: usize = 16;

/// Why a list was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesError {
    /// A text that cannot be the name of an interface (EINVAL).
    Invalid,
    /// More than [`MAX_NAMES`] different names (ERANGE).
    TooMany,
}

/// Up to 16 interface names; the empty list is the default one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Zero-padded; those from `count` on are all zero, which is no interface's name.
    names: [[u8; NAME_SIZE]; MAX_NAMES],
    count: usize,
}

impl Names {
    /// Reads names separated by any white space and commas; a repeated name counts once.
    ///
    /// # Examples
    ///
    /// ```
    /// use flowbucket_model::names::Names;
    /// let names = Names::parse(b"eth0, eth1\n").unwrap();
    /// assert!(names.contains(b"eth1\0\0\0\0\0\0\0\0\0\0\0\0"));
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, NamesError> {
        let mut list = Self::default();
        for word in text.split(|c| is_space(*c) || *c == b',') {
            if word.is_empty() {
                continue;
            }
            let name = name(word).ok_or(NamesError::Invalid)?;
            if list.contains(&name) {
                continue;
            }
            let free = list.names.get_mut(list.count);
            *free.ok_or(NamesError::TooMany)? = name;
            list.count += 1;
        }
        Ok(list)
    }

    /// Whether the list holds the name in a device's name field. What follows the terminating
    /// zero there is ignored: after a renaming it may be the rest of an older name.
    #[inline]
    pub fn contains(&self, field: &[u8; NAME_SIZE]) -> bool {
        let wanted = up_to_zero(number(field));
        self.names
            .iter()
            .take(self.count)
            .any(|name| number(name) == wanted)
    }

    /// Whether the list is empty.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The names, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.names
            .iter()
            .take(self.count)
            .map(|name| name.split(|c| *c == 0).next().unwrap_or_default())
    }
}

/// A name as one number: two words compare faster than 16 bytes.
#[inline(always)]
const fn number(name: &[u8; NAME_SIZE]) -> u128 {
    u128::from_le_bytes(*name)
}

/// Clears the first zero byte and all behind it.
///
/// `x - 0x01..01 & !x & 0x80..80` has its lowest bit in the lowest zero byte of `x` (Warren,
/// "Hacker's Delight", 6-1), and xor with its predecessor leaves all bits up to that one.
#[inline(always)]
const fn up_to_zero(name: u128) -> u128 {
    const ONES: u128 = u128::MAX / 0xff;

    let zero = name.wrapping_sub(ONES) & !name & ONES << 7;
    name & (zero ^ zero.wrapping_sub(1))
}

/// Checks a name as the kernel's `dev_valid_name` does, and pads it with zeros.
fn name(word: &[u8]) -> Option<[u8; NAME_SIZE]> {
    // To the kernel's `isspace` Latin-1's hard blank is white space as well; nobody separates
    // names by it.
    let bad = |c: &u8| matches!(c, 0 | b'/' | b':' | 0xa0) || is_space(*c);
    if matches!(word, b"" | b"." | b"..") || word.len() >= NAME_SIZE || word.iter().any(bad) {
        return None;
    }
    let mut name = [0; NAME_SIZE];
    for (to, from) in name.iter_mut().zip(word) {
        *to = *from;
    }
    Some(name)
}

/// ASCII white space, the vertical tab included.
const fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(name: &str) -> [u8; NAME_SIZE] {
        let mut field = [0; NAME_SIZE];
        field[..name.len()].copy_from_slice(name.as_bytes());
        field
    }

    fn words(list: &Names) -> Vec<&str> {
        list.iter()
            .map(|name| core::str::from_utf8(name).unwrap())
            .collect()
    }

    #[test]
    fn lists_are_read() {
        for (text, names) in [
            ("", vec![]),
            (" ,\n", vec![]),
            ("eth0", vec!["eth0"]),
            (" eth0,eth1\n", vec!["eth0", "eth1"]),
            ("b\ta\x0bc\r\n", vec!["b", "a", "c"]),
            ("eth0 eth0,eth0", vec!["eth0"]),
            ("... fifteen-letters", vec!["...", "fifteen-letters"]),
            ("eth0.100 wg@x \u{fc}", vec!["eth0.100", "wg@x", "\u{fc}"]),
        ] {
            let list = Names::parse(text.as_bytes()).unwrap();
            assert_eq!(words(&list), names, "{text:?}");
            assert_eq!(list.is_empty(), names.is_empty());
            assert!(names.iter().all(|name| list.contains(&field(name))));
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for text in [
            ".",
            "..",
            "eth0 .",
            "a/b",
            "eth0:1",
            "sixteen--letters",
            "a\0",
            "\0",
            "a\u{a0}b",
        ] {
            assert_eq!(
                Names::parse(text.as_bytes()),
                Err(NamesError::Invalid),
                "{text:?}"
            );
        }
    }

    #[test]
    fn sixteen_names_fit() {
        let many = |n| (0..n).map(|i| format!("eth{i} ")).collect::<String>();
        let list = Names::parse(many(16).as_bytes()).unwrap();
        assert_eq!(list.iter().count(), 16);
        assert!(list.contains(&field("eth15")));
        assert_eq!(Names::parse(many(17).as_bytes()), Err(NamesError::TooMany));
        let repeated = many(16).repeat(3);
        assert_eq!(Names::parse(repeated.as_bytes()), Ok(list));
    }

    #[test]
    fn similar_names_are_told_apart() {
        let list = Names::parse(b"eth1 fifteen-letters").unwrap();
        for other in ["", "eth", "eth10", "eth0", "Eth1", "fifteen-letter", "1hte"] {
            assert!(!list.contains(&field(other)), "{other}");
        }
        assert!(!list.contains(b"fifteen-letters!"));
        assert!(!list.contains(&[0xff; NAME_SIZE]));
        assert!(!Names::default().contains(&[0; NAME_SIZE]));
    }

    #[test]
    fn the_rest_of_an_older_name_is_ignored() {
        let list = Names::parse(b"lan0").unwrap();
        assert!(list.contains(b"lan0\0old-name\0\0\0"));
        assert!(list.contains(b"lan0\0\x01\x80\xff\0\x01\0\0\0\0\0\xff"));
        assert!(!list.contains(b"lan\x000old-name\0\0\0"));
    }

    proptest! {
        #[test]
        fn up_to_zero_clears_from_the_first_zero_on(bytes in any::<[u8; 16]>(), at in 0usize..20) {
            let mut bytes = bytes;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 0;
            }
            let mut expected = bytes;
            let end = bytes.iter().position(|c| *c == 0).unwrap_or(16);
            expected[end..].fill(0);
            prop_assert_eq!(up_to_zero(number(&bytes)).to_le_bytes(), expected);
        }

        #[test]
        fn what_is_listed_reads_back(text in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(list) = Names::parse(&text) {
                let joined: Vec<&[u8]> = list.iter().collect();
                prop_assert_eq!(Names::parse(&joined.join(&b' ')), Ok(list));
            }
        }
    }
}
