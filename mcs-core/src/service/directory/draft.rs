//! From the files of a directory to what their tasks say. Everything here blocks.

use super::task_file::{TaskFile, refusal};
use super::template::{Filling, PLACES, Template};
use super::walk::{FoundFile, Wanted, read_text};
use super::{DirectoryRequest, Skipped, TASK_FILES, TaskFields};
use crate::domain::{InvalidInput, limits};
use crate::workspace::Roots;
use std::path::Path;

/// Levels of directories that are looked at unless a call says.
const DEPTH: usize = 16;
/// Refused files that an error names beside the first.
const NAMED: usize = 5;

/// What the files of a directory say.
#[derive(Debug)]
pub(super) struct Drafts {
    /// The directory, without symbolic links.
    pub(super) directory: String,
    pub(super) pattern: String,
    pub(super) files: Vec<Draft>,
    pub(super) skipped: Vec<Skipped>,
}

/// What one file says, with what the call says of all of them.
#[derive(Debug)]
pub(super) struct Draft {
    /// The path from the directory.
    pub(super) file: String,
    pub(super) fields: TaskFields,
    /// To find lines in; `None` where a prompt is applied to the file.
    source: Option<TaskFile>,
}

impl Draft {
    /// A refusal of a field of the task.
    pub(super) fn refuse(&self, field: &str, problem: &str) -> InvalidInput {
        let line = self
            .source
            .as_ref()
            .and_then(|source| source.line_of(field));
        let problem = format!("`{field}` {problem}");
        match line {
            Some(line) => refusal(&self.file, line, problem),
            None => InvalidInput::new(self.file.clone(), problem),
        }
    }
}

/// Finds the files and reads them.
pub(super) fn drafts(roots: &Roots, request: &DirectoryRequest) -> Result<Drafts, InvalidInput> {
    let directory = roots
        .resolve(&request.directory)
        .map_err(|refused| InvalidInput::new("directory", refused.problem))?;
    let template = request.prompt.as_deref().map(template).transpose()?;
    let pattern = match (request.pattern.as_deref(), &template) {
        (Some(pattern), _) => pattern,
        (None, None) => TASK_FILES,
        (None, Some(_)) => {
            let problem = "is missing; with a prompt it says which files the prompt is for, such as `src/**/*.rs`";
            return Err(InvalidInput::new("pattern", problem));
        }
    };
    let depth = request.depth.unwrap_or(DEPTH);
    let wanted = Wanted::new(directory, pattern, request.hidden, depth)?;
    let Some(directory) = wanted.directory.to_str() else {
        let problem = "leads to a path that is not UTF-8; rename it";
        return Err(InvalidInput::new("directory", problem));
    };
    let found = wanted.find()?;
    if found.files.is_empty() {
        return Err(nothing(pattern, directory, &found.skipped));
    }
    let reader = Reader {
        roots,
        request,
        directory,
        template,
    };
    Ok(Drafts {
        files: reader.read_all(&found.files)?,
        directory: directory.to_owned(),
        pattern: pattern.to_owned(),
        skipped: found.skipped,
    })
}

fn template(prompt: &str) -> Result<Template<'_>, InvalidInput> {
    let template = Template::new(prompt);
    if template.has_any() {
        return Ok(template);
    }
    let places = PLACES.map(|place| format!("{{{place}}}")).join(", ");
    let problem = format!(
        "says nothing of the file, so that all tasks would be the same; write one of {places} in it"
    );
    Err(InvalidInput::new("prompt", problem))
}

fn nothing(pattern: &str, directory: &str, skipped: &[Skipped]) -> InvalidInput {
    let but = match skipped.first() {
        Some(first) => format!(" but `{}`, and {}", first.file, first.reason),
        None => String::new(),
    };
    let problem = format!(
        "is `{pattern}`, which fits no file in {directory}{but}; `*` stays within a directory and `**` does not, and hidden \
         ones are looked at with `hidden` only"
    );
    InvalidInput::new("pattern", problem)
}

struct Reader<'a> {
    roots: &'a Roots,
    request: &'a DirectoryRequest,
    directory: &'a str,
    template: Option<Template<'a>>,
}

impl Reader<'_> {
    /// What each file says, or what is wrong with those that are refused.
    fn read_all(&self, files: &[FoundFile]) -> Result<Vec<Draft>, InvalidInput> {
        let mut drafts = Vec::with_capacity(files.len());
        let mut refused: Vec<InvalidInput> = Vec::new();
        let mut bytes = 0;
        for file in files {
            let read = match &self.template {
                Some(template) => self.fill(template, file),
                None => self.parse(file),
            };
            match read {
                Ok((draft, size)) => {
                    bytes += size;
                    drafts.push(draft);
                }
                Err(error) => refused.push(error),
            }
            if bytes > limits::DIRECTORY_BYTES {
                let problem = format!(
                    "fits files with more than {} bytes together; narrow it, and call once for each part",
                    limits::DIRECTORY_BYTES
                );
                return Err(InvalidInput::new("pattern", problem));
            }
        }
        match refused.len() {
            0 => Ok(drafts),
            _ => Err(together(refused)),
        }
    }

    /// The task of a file that says what to do.
    fn parse(&self, file: &FoundFile) -> Result<(Draft, usize), InvalidInput> {
        let text = read_text(file, limits::DIRECTORY_FILE_BYTES)?;
        let size = text.len();
        let mut source = TaskFile::parse(&file.relative, text)?;
        let fields = std::mem::take(&mut source.fields);
        let own_directory = fields.work_directory.is_some();
        let draft = Draft {
            file: file.relative.clone(),
            fields: fields.or(&self.request.defaults),
            source: Some(source),
        };
        let from = file.path.parent().filter(|_| own_directory);
        Ok((self.placed(draft, from)?, size))
    }

    /// The task that the prompt makes of a file.
    fn fill(
        &self,
        template: &Template<'_>,
        file: &FoundFile,
    ) -> Result<(Draft, usize), InvalidInput> {
        let wanted = template.has("content");
        let content = wanted
            .then(|| read_text(file, limits::DIRECTORY_FILE_BYTES))
            .transpose()?;
        let prompt = template.fill(&Filling {
            file: &format!("{}/{}", self.directory, file.relative),
            relative: &file.relative,
            directory: self.directory,
            content: content.as_deref(),
        });
        let size = prompt.len();
        let draft = Draft {
            file: file.relative.clone(),
            fields: TaskFields {
                prompt: Some(prompt),
                ..self.request.defaults.clone()
            },
            source: None,
        };
        Ok((self.placed(draft, None)?, size))
    }

    /// The same draft with the directory it works in: the one it names, as a path from `from` or else from the directory of
    /// the call, or that one.
    fn placed(&self, mut draft: Draft, from: Option<&Path>) -> Result<Draft, InvalidInput> {
        let in_payload = |name: &str| {
            let payload = draft.fields.payload.as_ref();
            payload.is_some_and(|payload| payload.contains_key(name))
        };
        let Some(named) = &draft.fields.work_directory else {
            if !in_payload("work_directory") {
                draft.fields.work_directory = Some(self.directory.to_owned());
            }
            return Ok(draft);
        };
        let path = from
            .unwrap_or_else(|| Path::new(self.directory))
            .join(named);
        let resolved = path.to_str().map_or_else(
            || {
                Err(InvalidInput::new(
                    "work_directory",
                    "is not UTF-8; rename it",
                ))
            },
            |path| self.roots.resolve(path),
        );
        let resolved =
            resolved.map_err(|refused| draft.refuse("work_directory", &refused.problem))?;
        draft.fields.work_directory = Some(resolved.to_string_lossy().into_owned());
        Ok(draft)
    }
}

/// The first refusal, with the files of the others.
fn together(refused: Vec<InvalidInput>) -> InvalidInput {
    let mut all = refused.into_iter();
    let Some(mut first) = all.next() else {
        return InvalidInput::new("directory", "was refused");
    };
    let others: Vec<String> = all
        .map(|other| format!("`{}` {}", other.field, other.problem))
        .collect();
    if !others.is_empty() {
        let more = others.len().saturating_sub(NAMED);
        let named = others[..others.len() - more].join("; ");
        let more = match more {
            0 => String::new(),
            more => format!("; and {more} more files"),
        };
        first.problem = format!("{}; refused too: {named}{more}", first.problem);
    }
    first
}
