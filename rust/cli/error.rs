// SPDX-License-Identifier: GPL-2.0

//! Why a command fails, and the exit status that tells so.

use std::fmt;
use std::io::{self, ErrorKind};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The kernel, or a check before it, refused; or a file could not be read or written.
    Failed(String),
    /// The command line names something that there is not.
    Usage(String),
    /// The module is not loaded.
    NotLoaded,
    /// What was asked for is root's; the text says what that is.
    NoRights(String),
    /// Nobody reads the output any more, as with `head`: no failure.
    PipeClosed,
}

/// What commands return.
pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

impl Error {
    /// For an error of the system; `what` is what was tried, such as "reading FILE".
    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::NoRights(what.to_owned()),
            _ => Self::Failed(format!("{what}: {}", plain(error))),
        }
    }

    /// For an error of standard output.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::io("writing the output", error),
        }
    }

    /// The exit status, as Documentation/command.rst has it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::PipeClosed => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotLoaded => 3,
            Self::NoRights(_) => 4,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) => f.write_str(text),
            Self::NotLoaded => f.write_str(
                "the module is not loaded; load it as root with 'modprobe flowbucket' or 'insmod flowbucket.ko'",
            ),
            Self::NoRights(what) => write!(f, "{what}: not permitted; run the command as root"),
            Self::PipeClosed => f.write_str("nobody reads the output"),
        }
    }
}

/// An error in words, without the number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_in_words() {
        let missing = io::Error::from_raw_os_error(libc::ENOENT);
        let error = Error::io("reading x", &missing);
        assert_eq!(error.to_string(), "reading x: no such file or directory");
        assert_eq!(error.status(), 1);
        let denied = Error::io("writing x", &io::Error::from_raw_os_error(libc::EACCES));
        assert_eq!(denied.status(), 4);
        assert!(denied.to_string().contains("as root"));
        let pipe = Error::output(&io::Error::from_raw_os_error(libc::EPIPE));
        assert_eq!(pipe.status(), 0);
    }
}
