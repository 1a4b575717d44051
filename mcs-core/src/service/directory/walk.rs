//! Finds files and reads them. Everything here blocks.

use super::Skipped;
use super::task_file::{lines_to, refusal};
use crate::domain::{InvalidInput, limits};
use globset::{GlobBuilder, GlobMatcher};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Longest pattern, in bytes.
const PATTERN_BYTES: usize = 1000;
/// Most entries that are told as skipped.
const SKIPPED: usize = 50;

/// Which files of a directory are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The directory, without symbolic links.
    pub(super) directory: PathBuf,
    matcher: GlobMatcher,
    /// Whether names that begin with a dot are looked at.
    hidden: bool,
    depth: usize,
    /// Most entries that are looked at.
    entries: usize,
}

/// A file that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// The path from the directory, with `/` on every system.
    pub(super) relative: String,
    /// Where it really is.
    pub(super) path: PathBuf,
}

/// What was found, in the order of names.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<FoundFile>,
    pub(super) skipped: Vec<Skipped>,
}

impl Wanted {
    /// Refuses a pattern that cannot be meant. Depths over the bound are cut to it.
    pub(super) fn new(
        directory: PathBuf,
        pattern: &str,
        hidden: bool,
        depth: usize,
    ) -> Result<Self, InvalidInput> {
        let refuse = |problem: String| Err(InvalidInput::new("pattern", problem));
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES {
            return refuse(format!(
                "has {} bytes; use 1 to {PATTERN_BYTES}",
                pattern.len()
            ));
        }
        let climbs = pattern.split('/').any(|part| part == "..");
        if climbs || Path::new(pattern).is_absolute() {
            return refuse(format!(
                "is `{pattern}`, which leads out of the directory; write it as seen from there, such as `**/*.task.toml`"
            ));
        }
        let built = GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern))
            .literal_separator(true)
            .build();
        match built {
            Ok(glob) => Ok(Self {
                directory,
                matcher: glob.compile_matcher(),
                hidden,
                depth: depth.clamp(1, limits::DIRECTORY_DEPTH),
                entries: limits::DIRECTORY_ENTRIES,
            }),
            Err(error) => refuse(format!(
                "is `{pattern}`, which is no pattern ({}); use `*` within a name, `**` over directories, and `{{a,b}}`",
                error.kind()
            )),
        }
    }

    /// The files that match. Directories behind symbolic links are not entered, and a file behind one is taken only if it
    /// lies in the directory too.
    pub(super) fn find(&self) -> Result<Found, InvalidInput> {
        let mut found = Found::default();
        // Entries come as the system has them. In the order of names, or with fewer directories open than there are levels,
        // all entries of a directory would be read into memory before the first of them could be counted.
        let mut walk = WalkDir::new(&self.directory)
            .min_depth(1)
            .max_depth(self.depth)
            .max_open(limits::DIRECTORY_DEPTH + 1)
            .into_iter();
        let mut seen = 0;
        while let Some(entry) = walk.next() {
            seen += 1;
            if seen > self.entries {
                return Err(self.too_many());
            }
            match entry {
                Ok(entry) if !self.hidden && is_hidden(&entry) => {
                    if entry.file_type().is_dir() {
                        walk.skip_current_dir();
                    }
                }
                Ok(entry) => self.take(&entry, &mut found),
                Err(error) => {
                    let at = error
                        .path()
                        .map_or_else(String::new, |path| self.shown(path));
                    let why = error
                        .io_error()
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    found.skip(at, format!("it cannot be read: {why}"));
                }
            }
            if found.files.len() > limits::DIRECTORY_FILES {
                let problem = format!(
                    "fits more than {} files; narrow it, and call once for each part",
                    limits::DIRECTORY_FILES
                );
                return Err(InvalidInput::new("pattern", problem));
            }
        }
        found.sort();
        Ok(found)
    }

    fn too_many(&self) -> InvalidInput {
        let problem = format!(
            "is `{}`, which has more than {} entries; name a directory further down, or a smaller depth",
            self.directory.display(),
            self.entries
        );
        InvalidInput::new("directory", problem)
    }

    fn take(&self, entry: &DirEntry, found: &mut Found) {
        let below = entry.path().strip_prefix(&self.directory);
        let below = below.unwrap_or_else(|_| entry.path());
        if entry.file_type().is_dir() || !self.matcher.is_match(below) {
            return;
        }
        let shown = self.shown(entry.path());
        if below.to_str().is_none() {
            return found.skip(shown, "its name is not UTF-8".into());
        }
        let path = match std::fs::canonicalize(entry.path()) {
            Ok(path) => path,
            Err(error) => return found.skip(shown, format!("it leads nowhere: {error}")),
        };
        if !path.starts_with(&self.directory) {
            return found.skip(shown, "it is a link that leads out of the directory".into());
        }
        if !path.is_file() {
            return found.skip(shown, "it is no regular file".into());
        }
        found.files.push(FoundFile {
            relative: shown,
            path,
        });
    }

    /// A path as it is shown: from the directory, with `/`.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.directory).unwrap_or(path);
        let parts = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

impl Found {
    /// Brings all into the order of names, level by level.
    fn sort(&mut self) {
        fn levels(path: &str) -> Vec<&str> {
            path.split('/').collect()
        }
        let files = &mut self.files;
        files.sort_by(|one, other| levels(&one.relative).cmp(&levels(&other.relative)));
        let skipped = &mut self.skipped;
        skipped.sort_by(|one, other| levels(&one.file).cmp(&levels(&other.file)));
    }

    fn skip(&mut self, file: String, reason: String) {
        if self.skipped.len() < SKIPPED {
            self.skipped.push(Skipped { file, reason });
        }
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".") || entry.file_name() == "CVS"
}

/// The text of a file, of at most so many bytes.
pub(super) fn read_text(file: &FoundFile, most: usize) -> Result<String, InvalidInput> {
    let refuse = |problem: String| InvalidInput::new(file.relative.clone(), problem);
    let mut bytes = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(&file.path)
        .and_then(|open| open.take(bound).read_to_end(&mut bytes))
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if bytes.len() > most {
        return Err(refuse(format!(
            "has more than {most} bytes; make it smaller, or narrow the pattern"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = lines_to(&error.as_bytes()[..at]);
        refusal(
            &file.relative,
            line,
            "is not UTF-8; save the file as such, or narrow the pattern",
        )
    })?;
    match text.find('\0') {
        None => Ok(text),
        Some(at) => {
            let line = lines_to(&text.as_bytes()[..at]);
            Err(refusal(
                &file.relative,
                line,
                "contains a NUL byte; remove it, or narrow the pattern",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn directory(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let made = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(made.path()).unwrap();
        for file in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        (made, path)
    }

    fn names(path: &Path, pattern: &str, hidden: bool, depth: usize) -> Vec<String> {
        let wanted = Wanted::new(path.to_owned(), pattern, hidden, depth).unwrap();
        let files = wanted.find().unwrap().files.into_iter();
        files.map(|file| file.relative).collect()
    }

    #[test]
    fn a_pattern_is_that_of_paths_from_the_directory() {
        let (_made, path) = directory(&[
            "b.toml",
            "a.toml",
            "c.md",
            "in/a.toml",
            "in/deep/a.toml",
            ".git/a.toml",
            "in/.a.toml",
            "CVS/a.toml",
        ]);
        assert_eq!(names(&path, "*.toml", false, 9), ["a.toml", "b.toml"]);
        let deep = ["a.toml", "b.toml", "in/a.toml", "in/deep/a.toml"];
        assert_eq!(names(&path, "**/*.toml", false, 9), deep);
        assert_eq!(names(&path, "./**/*.toml", false, 2), deep[..3]);
        assert_eq!(names(&path, "{c.md,in/*}", false, 9), ["c.md", "in/a.toml"]);
        let all = names(&path, "**/*.toml", true, 9);
        assert_eq!(all.len(), 7, "{all:?}");
        assert!(names(&path, "*.rs", false, 9).is_empty());
    }

    #[test]
    fn what_is_hidden_is_counted_too_and_not_entered() {
        let (_made, path) = directory(&["a.toml", ".b", ".c/d", ".c/e", ".c/f"]);
        let mut wanted = Wanted::new(path, "*", false, 9).unwrap();
        wanted.entries = 3;
        assert_eq!(wanted.find().unwrap().files.len(), 1);
        wanted.entries = 2;
        let refused = wanted.find().unwrap_err().to_string();
        assert!(refused.contains("more than 2 entries"), "{refused}");
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused() {
        for bad in [
            "",
            "/etc/*",
            "../*",
            "a/../../b",
            "[a",
            "{a",
            &"x".repeat(1001),
        ] {
            let refused = Wanted::new("/".into(), bad, false, 1).unwrap_err();
            assert_eq!(refused.field, "pattern", "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_and_are_not_walked_in_circles() {
        use std::os::unix::fs::symlink;
        let (_out, outside) = directory(&["secret.toml"]);
        let (_made, path) = directory(&["real.toml", "in/a.toml"]);
        symlink(outside.join("secret.toml"), path.join("out.toml")).unwrap();
        symlink(&outside, path.join("outside")).unwrap();
        symlink(&path, path.join("in/circle")).unwrap();
        symlink("real.toml", path.join("link.toml")).unwrap();
        symlink("nowhere", path.join("broken.toml")).unwrap();
        let wanted = Wanted::new(path.clone(), "**/*.toml", false, 64).unwrap();
        let found = wanted.find().unwrap();
        let files: Vec<_> = found
            .files
            .iter()
            .map(|file| file.relative.as_str())
            .collect();
        assert_eq!(files, ["in/a.toml", "link.toml", "real.toml"]);
        assert_eq!(found.files[1].path, path.join("real.toml"));
        let skipped: Vec<_> = found
            .skipped
            .iter()
            .map(|skipped| skipped.file.as_str())
            .collect();
        assert_eq!(skipped, ["broken.toml", "out.toml"]);
    }

    #[test]
    fn there_may_be_so_many_files_and_no_more() {
        let files: Vec<String> = (0..=limits::DIRECTORY_FILES)
            .map(|n| format!("{n}.toml"))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let (_made, path) = directory(&files);
        let wanted = Wanted::new(path.clone(), "*.toml", false, 9).unwrap();
        let refused = wanted.find().unwrap_err().to_string();
        assert!(refused.contains("more than 2000 files"), "{refused}");
        fs::remove_file(path.join("0.toml")).unwrap();
        assert_eq!(wanted.find().unwrap().files.len(), limits::DIRECTORY_FILES);
    }

    #[test]
    fn only_texts_of_a_bounded_size_are_read() {
        let (_made, path) = directory(&["a"]);
        let file = FoundFile {
            relative: "a".into(),
            path: path.join("a"),
        };
        for (bytes, wanted) in [
            (&b"five5"[..], Ok("five5")),
            (b"sixsix", Err("`a` has more than 5 bytes")),
            (b"a\n\xffb", Err("`a:2` is not UTF-8")),
            (b"\n\na\0", Err("`a:3` contains a NUL")),
        ] {
            fs::write(&file.path, bytes).unwrap();
            match (read_text(&file, 5), wanted) {
                (Ok(text), Ok(wanted)) => assert_eq!(text, wanted),
                (Err(error), Err(wanted)) => {
                    assert!(error.to_string().starts_with(wanted), "{error}");
                }
                (other, _) => panic!("{other:?} and not {wanted:?}"),
            }
        }
    }
}
