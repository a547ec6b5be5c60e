// SPDX-License-Identifier: GPL-2.0

//! The files that the command works on, all below one root, which tests choose.

use crate::cpus::Cpus;
use crate::error::{plain, Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The machine, as its files show it.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// The machine whose files are below `path`: `/`, but for tests.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The path of a file in the module's directory.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join("sys/kernel/flowbucket").join(file)
    }

    /// Where tracefs is mounted.
    pub(crate) fn tracing(&self) -> PathBuf {
        self.0.join("sys/kernel/tracing")
    }

    /// Errors: `NotLoaded` if the module is not there, or about to go: its files go one by one.
    pub(crate) fn check_loaded(&self) -> Result {
        let state = fs::read_to_string(self.0.join("sys/module/flowbucket/initstate"));
        let going = state.is_ok_and(|state| state.trim() == "going");
        match self.path("").exists() && !going {
            true => Ok(()),
            false => Err(Error::NotLoaded),
        }
    }

    /// What a file of the module holds, without white space at its ends.
    pub(crate) fn read(&self, file: &str) -> Result<String> {
        // A name of an interface may be any bytes.
        fs::read(self.path(file))
            .map(|text| String::from_utf8_lossy(text.trim_ascii_end()).into_owned())
            .map_err(|e| self.explain("reading", file, &e))
    }

    /// A file that holds one number or word.
    pub(crate) fn value<T: FromStr>(&self, file: &str) -> Result<T> {
        let text = self.read(file)?;
        (text.parse()).map_err(|_| Error::Failed(format!("{file} holds '{text}'")))
    }

    /// A file of lines of numbers.
    pub(crate) fn rows<const COLUMNS: usize>(&self, file: &str) -> Result<Vec<[u64; COLUMNS]>> {
        (self.read(file)?.lines())
            .map(|line| row(line).ok_or_else(|| Error::Failed(format!("{file} has '{line}'"))))
            .collect()
    }

    /// A file of lines "name number".
    pub(crate) fn pairs(&self, file: &str) -> Result<Vec<(String, u64)>> {
        (self.read(file)?.lines())
            .map(|line| pair(line).ok_or_else(|| Error::Failed(format!("{file} has '{line}'"))))
            .collect()
    }

    /// Writes a file of the module. The kernel's refusal is told in a sentence, and how much of a
    /// long text it has taken before.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result {
        let mut left = text.as_bytes();
        let mut write = || {
            let mut to = OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(self.path(file))?;
            while !left.is_empty() {
                match to.write(left) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => left = &left[count..],
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(())
        };
        let result = write();
        let taken = &text[..text.len() - left.len()];
        result.map_err(|e| match self.explain("writing", file, &e) {
            Error::Failed(why) if !taken.is_empty() => Error::Failed(format!(
                "{why}; the first {} of {} lines are in effect",
                taken.matches('\n').count(),
                text.lines().count()
            )),
            error => error,
        })
    }

    /// The list of connections, not read yet.
    pub(crate) fn connections(&self) -> Result<File> {
        let path = self.0.join("proc/flowbucket");
        File::open(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::NotLoaded,
            _ => Error::io(&format!("reading {}", path.display()), &e),
        })
    }

    /// The numbers of the CPUs that the module has directories for, in order.
    pub(crate) fn cpu_dirs(&self) -> Result<Vec<u32>> {
        let dir = fs::read_dir(self.path("")).map_err(|e| self.explain("reading", "", &e))?;
        let mut cpus: Vec<u32> = dir
            .filter_map(|entry| {
                entry
                    .ok()?
                    .file_name()
                    .to_str()?
                    .strip_prefix("cpu")?
                    .parse()
                    .ok()
            })
            .collect();
        cpus.sort_unstable();
        Ok(cpus)
    }

    /// The CPUs that are online, and how many the kernel has room for.
    pub(crate) fn cpus(&self) -> Result<(Cpus, u32)> {
        // More than any kernel has.
        let list = |file: &str| {
            let path = self.0.join("sys/devices/system/cpu").join(file);
            let text = fs::read_to_string(&path)
                .map_err(|e| Error::io(&format!("reading {}", path.display()), &e))?;
            Cpus::parse(&text, 1 << 16).map_err(|_| Error::Failed(format!("{file} has '{text}'")))
        };
        let room = list("possible")?.0.last().map_or(1, |last| last + 1);
        Ok((list("online")?, room))
    }

    /// An error of a file of the module, in the words of Documentation/ABI.
    fn explain(&self, doing: &str, file: &str, error: &io::Error) -> Error {
        if let Err(not_loaded) = self.check_loaded() {
            return not_loaded;
        }
        let told = match error.raw_os_error() {
            Some(libc::ENOENT) => "the loaded module has no such file; is it of another version?",
            Some(libc::EINVAL) => "the kernel refused it as malformed",
            Some(libc::ERANGE) => "the kernel refused it: a number is outside its range",
            Some(libc::ENODEV) => "the kernel refused it: a CPU is not online",
            Some(libc::ENOMEM) => "the kernel has no memory for what the change needs",
            _ if error.kind() == ErrorKind::PermissionDenied => {
                return Error::io(&format!("{doing} {}", self.path(file).display()), error)
            }
            _ => return Error::Failed(format!("{doing} {file}: {}", plain(error))),
        };
        Error::Failed(format!("{doing} {file}: {told}"))
    }
}

/// A line of numbers.
fn row<const COLUMNS: usize>(line: &str) -> Option<[u64; COLUMNS]> {
    let numbers: Option<Vec<u64>> = (line.split_ascii_whitespace())
        .map(|word| word.parse().ok())
        .collect();
    numbers?.try_into().ok()
}

/// A line of a name and a number.
fn pair(line: &str) -> Option<(String, u64)> {
    let (name, number) = line.split_once(' ')?;
    Some((name.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(row("   17    2"), Some([17, 2]));
        assert_eq!(row::<2>("17 2 3"), None);
        assert_eq!(row::<2>("17 x"), None);
        assert_eq!(pair("half_open 12"), Some(("half_open".to_owned(), 12)));
        assert_eq!(pair("half_open"), None);
    }

    #[test]
    fn without_the_module_it_says_so() {
        let root = Root::new(Path::new("/nonexistent"));
        assert!(matches!(root.read("enabled"), Err(Error::NotLoaded)));
        assert!(matches!(root.write("enabled", "1"), Err(Error::NotLoaded)));
        assert!(matches!(root.connections(), Err(Error::NotLoaded)));
        assert!(matches!(root.cpu_dirs(), Err(Error::NotLoaded)));
    }
}
