use super::TokenEntry;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of tokens: one [`TokenEntry`] a line, blank lines and lines that begin with `#` between them.
///
/// Everything here blocks for as long as a small file takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile {
    path: PathBuf,
}

/// Why a token file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot read the tokens of {}: {source}; check `http.token_file` and the permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot add a token to {}: {source}; check `http.token_file` and the permissions", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of it is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it and what to do.
        problem: String,
    },
}

/// Largest file that is read.
const LARGEST: u64 = 1024 * 1024;

impl TokenFile {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tokens in it. A file that is not there has none.
    pub fn read(&self) -> Result<Vec<TokenEntry>, TokenFileError> {
        match self.text() {
            Ok(text) => self.parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(TokenFileError::Read {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Adds a token, and makes the file, for its user alone, if it is not there.
    pub fn add(&self, entry: &TokenEntry) -> Result<(), TokenFileError> {
        self.append(entry).map_err(|source| TokenFileError::Write {
            path: self.path.clone(),
            source,
        })
    }

    /// Whether others than its user can read or change it.
    #[cfg(unix)]
    pub fn is_exposed(&self) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(&self.path);
        found.is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// Whether others than its user can read or change it, which is not known here.
    #[cfg(not(unix))]
    pub fn is_exposed(&self) -> bool {
        false
    }

    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        let file = File::open(&self.path)?;
        if file.take(LARGEST + 1).read_to_string(&mut text)? as u64 > LARGEST {
            let problem = format!("it has more than {LARGEST} bytes");
            return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
        }
        Ok(text)
    }

    fn parse(&self, text: &str) -> Result<Vec<TokenEntry>, TokenFileError> {
        let mut entries: Vec<TokenEntry> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let refuse = |problem| TokenFileError::Line {
                path: self.path.clone(),
                line: index + 1,
                problem,
            };
            let entry: TokenEntry = line.parse().map_err(|error| refuse(format!("{error}")))?;
            if let Some(other) = entries.iter().find(|other| other.sha256 == entry.sha256) {
                return Err(refuse(format!(
                    "the token of `{}` is that of `{}` too; remove one of the lines",
                    entry.name, other.name
                )));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn append(&self, entry: &TokenEntry) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        // An editor may have left the last line without an end.
        let mut line = String::new();
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                line.push('\n');
            }
        }
        line.push_str(&entry.to_string());
        line.push('\n');
        file.write_all(line.as_bytes())?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::secret::Secret;
    use crate::service::NewKey;

    fn entry(name: &str) -> TokenEntry {
        let token = Secret::new(format!("the token of {name}"));
        TokenEntry::of(&token, NewKey::of_user(name, &[])).unwrap()
    }

    fn file() -> (tempfile::TempDir, TokenFile) {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("tokens"));
        (directory, file)
    }

    #[test]
    fn what_is_added_is_read_between_remarks() {
        let (_directory, file) = file();
        assert_eq!(file.read().unwrap(), []);
        file.add(&entry("ann")).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        std::fs::write(file.path(), format!("# ours\n\n{}", text.trim_end())).unwrap();
        file.add(&entry("bob")).unwrap();
        assert_eq!(file.read().unwrap(), [entry("ann"), entry("bob")]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let (_directory, file) = file();
        let good = entry("ann");
        for (text, part) in [
            (format!("{good}\nhunter2"), ":2: "),
            (format!("{good}\n\n{good}"), "`ann` too"),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = file.read().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        std::fs::write(file.path(), vec![b'#'; 1024 * 1024 + 1]).unwrap();
        assert!(file.read().is_err());
    }

    #[test]
    fn a_directory_that_is_not_there_is_named_with_the_key() {
        let file = TokenFile::new("/nowhere/at/all/tokens");
        let error = file.add(&entry("ann")).unwrap_err().to_string();
        assert!(
            error.contains("/nowhere/at/all") && error.contains("http.token_file"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn it_is_made_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, file) = file();
        assert!(!file.is_exposed());
        file.add(&entry("ann")).unwrap();
        assert!(!file.is_exposed());
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.is_exposed());
    }
}
