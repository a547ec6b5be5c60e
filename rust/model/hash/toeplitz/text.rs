// SPDX-License-Identifier: GPL-2.0

//! RSS keys as text, the way ethtool prints and takes them: `6d:5a:56:...`.

use super::{Key, KEY_LEN};

/// Length of a key as text: two digits a byte and a colon between bytes.
pub const TEXT_LEN: usize = 3 * KEY_LEN - 1;

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Something that is neither a pair of hexadecimal digits nor a single colon between two.
    Syntax,
    /// Well formed, but not 40 bytes.
    Length,
}

/// Reads a key: 40 pairs of hexadecimal digits of either case, a colon allowed between any two
/// pairs, white space allowed around the whole.
pub fn parse_key(text: &[u8]) -> Result<Key, KeyError> {
    let mut rest = text.trim_ascii();
    let mut key = [0; KEY_LEN];
    for (i, byte) in key.iter_mut().enumerate() {
        if i > 0 {
            rest = rest.strip_prefix(b":").unwrap_or(rest);
        }
        *byte = match rest {
            [] => return Err(KeyError::Length),
            [hi, lo, tail @ ..] => {
                rest = tail;
                digit(*hi)? << 4 | digit(*lo)?
            }
            [_] => return Err(KeyError::Syntax),
        };
    }
    match rest {
        [] => Ok(key),
        [b':', ..] => Err(KeyError::Syntax),
        _ => Err(KeyError::Length),
    }
}

/// Writes a key with colons, in lower case.
pub fn format_key(key: &Key) -> [u8; TEXT_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    let mut text = [b':'; TEXT_LEN];
    for (to, byte) in text.chunks_mut(3).zip(key) {
        for (to, value) in to.iter_mut().zip([byte >> 4, byte & 0xf]) {
            *to = DIGITS[usize::from(value & 0xf)];
        }
    }
    text
}

fn digit(c: u8) -> Result<u8, KeyError> {
    match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        b'A'..=b'F' => Ok(c - b'A' + 10),
        _ => Err(KeyError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_KEY;
    use super::*;
    use proptest::prelude::*;

    const DEFAULT_TEXT: &str = "6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:\
        ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa";

    #[test]
    fn default_key_reads_as_published() {
        assert_eq!(format_key(&DEFAULT_KEY), DEFAULT_TEXT.as_bytes());
        for text in [
            DEFAULT_TEXT.to_string(),
            DEFAULT_TEXT.replace(':', ""),
            DEFAULT_TEXT.to_uppercase(),
            format!("  {DEFAULT_TEXT}\n"),
            DEFAULT_TEXT.replacen(':', "", 7),
        ] {
            assert_eq!(parse_key(text.as_bytes()), Ok(DEFAULT_KEY), "{text:?}");
        }
    }

    #[test]
    fn bad_keys_are_refused() {
        use KeyError::{Length, Syntax};
        let good = DEFAULT_TEXT;
        for (text, error) in [
            (String::new(), Length),
            (good[..TEXT_LEN - 3].to_string(), Length),
            (format!("{good}:00"), Syntax),
            (format!("{good}00"), Length),
            (format!("{good}:"), Syntax),
            (format!(":{good}"), Syntax),
            (good.replacen(':', "::", 1), Syntax),
            (good.replacen(':', " ", 1), Syntax),
            (good.replacen('6', "g", 1), Syntax),
            (good[..TEXT_LEN - 1].to_string(), Syntax),
            (good.replacen("5a", "5", 1), Syntax),
            ("6d\u{e9}".to_string(), Syntax),
        ] {
            assert_eq!(parse_key(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes in any::<[[u8; 20]; 2]>()) {
            let mut key = [0; KEY_LEN];
            key.copy_from_slice(&bytes.concat());
            prop_assert_eq!(parse_key(&format_key(&key)), Ok(key));
        }

        #[test]
        fn any_text_is_survived(text in prop::collection::vec(any::<u8>(), 0..130)) {
            let _ = parse_key(&text);
        }
    }
}
