use super::TaskFields;
use crate::domain::InvalidInput;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// What parts the front matter of a Markdown file from the rest.
const FENCE: &str = "+++";

/// A task file that was read.
#[derive(Debug)]
pub(super) struct TaskFile {
    /// What it says.
    pub(super) fields: TaskFields,
    text: String,
    /// Where in the text its TOML is.
    toml: Range<usize>,
}

impl TaskFile {
    /// Reads `text`, the content of the file `name`: Markdown by its ending, TOML otherwise. The field of an error is the
    /// file and the line.
    pub(super) fn parse(name: &str, mut text: String) -> Result<Self, InvalidInput> {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let is_markdown = [".md", ".markdown"]
            .iter()
            .any(|ending| name.to_ascii_lowercase().ends_with(ending));
        let (toml, body) = if is_markdown {
            front_matter(name, &text)?
        } else {
            (0..text.len(), text.len()..text.len())
        };
        let mut fields: TaskFields = toml::from_str(&text[toml.clone()]).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            refusal(name, line(&text, toml.start + at), error.message())
        })?;
        let body_start = body.start;
        let body = text[body].trim();
        if !body.is_empty() {
            if fields.prompt.is_some() {
                let line = line(&text, body_start);
                let problem =
                    "has a prompt below its front matter and `prompt` in it; leave one out";
                return Err(refusal(name, line, problem));
            }
            fields.prompt = Some(body.to_owned());
        }
        Ok(Self { fields, text, toml })
    }

    /// The line in which `field` is set, such as `payload.parameters.temperature`, or the nearest part of it that is.
    pub(super) fn line_of(&self, field: &str) -> Option<usize> {
        let table = DeTable::parse(&self.text[self.toml.clone()]).ok()?;
        let names: Vec<&str> = field.split('.').map(named_in_files).collect();
        let mut at = place(table.get_ref(), &names);
        if at.is_none() && names.first() == Some(&"payload") {
            at = place(table.get_ref(), &names[1..]);
        }
        Some(line(&self.text, self.toml.start + at?))
    }
}

/// The name of a field as files have it. What is in a list is told by the list.
fn named_in_files(name: &str) -> &str {
    match name.split('[').next().unwrap_or(name) {
        "timeout_ms" => "timeout",
        "run_at" => "delay",
        name => name,
    }
}

/// Where the longest beginning of `names` is set.
fn place(table: &DeTable<'_>, names: &[&str]) -> Option<usize> {
    let (first, rest) = names.split_first()?;
    let (key, value) = table
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == *first)?;
    let inner = match value.get_ref() {
        DeValue::Table(inner) => place(inner, rest),
        _ => None,
    };
    Some(inner.unwrap_or(key.span().start))
}

/// Where the TOML and the text below it are.
fn front_matter(name: &str, text: &str) -> Result<(Range<usize>, Range<usize>), InvalidInput> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != FENCE {
        let problem = "has no front matter; begin the file with a line `+++`, then TOML such as `model = \"...\"`, then \
                       another line `+++`, and write the prompt below";
        return Err(refusal(name, 1, problem));
    }
    let start = first.len();
    let mut end = start;
    for line in lines {
        if line.trim_end() == FENCE {
            return Ok((start..end, end + line.len()..text.len()));
        }
        end += line.len();
    }
    let problem = "begins a front matter that does not end; close it with a line `+++`";
    Err(refusal(name, 1, problem))
}

/// The number of the line at a place, counted from 1.
fn line(text: &str, at: usize) -> usize {
    lines_to(&text.as_bytes()[..at.min(text.len())])
}

/// The number of the line at the end of `before`.
pub(super) fn lines_to(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// A refusal of a line of a file.
pub(super) fn refusal(name: &str, line: usize, problem: impl Into<String>) -> InvalidInput {
    InvalidInput::new(format!("{name}:{line}"), problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, text: &str) -> Result<TaskFile, InvalidInput> {
        TaskFile::parse(name, text.to_owned())
    }

    fn refused(name: &str, text: &str) -> String {
        read(name, text).unwrap_err().to_string()
    }

    #[test]
    fn markdown_has_its_prompt_below_the_front_matter() {
        for text in [
            "+++\nmodel = 'm'\n+++\n\n# Do it\n\n+++ is no fence here\n",
            "\u{feff}+++\r\nmodel = 'm'\r\n+++ \r\n# Do it\n\n+++ is no fence here",
        ] {
            let fields = read("a.task.md", text).unwrap().fields;
            assert_eq!(fields.model.as_deref(), Some("m"));
            assert_eq!(
                fields.prompt.as_deref(),
                Some("# Do it\n\n+++ is no fence here")
            );
        }
        let empty = read("a.md", "+++\nprompt = 'x'\n+++").unwrap().fields;
        assert_eq!(empty.prompt.as_deref(), Some("x"));
    }

    #[test]
    fn toml_is_the_whole_file() {
        let fields = read("a.task.toml", "prompt = '''\n+++\n'''")
            .unwrap()
            .fields;
        assert_eq!(fields.prompt.as_deref(), Some("+++\n"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let cases = [
            ("a.toml", "kind = 'x'\nmodel = \n", "`a.toml:2`"),
            (
                "a.toml",
                "kind = 'x'\n\ncolour = 1",
                "`a.toml:3` unknown field `colour`",
            ),
            ("a.toml", "kind = 'x'\npriority = 11", "`a.toml:2`"),
            ("a.toml", "tags = [1]", "`a.toml:1`"),
            (
                "b.md",
                "+++\nkind = 'x'\ntimeout = 'soon'\n+++\n",
                "`b.md:3` this is no time",
            ),
            ("b.md", "# Just text", "`b.md:1` has no front matter"),
            ("b.md", "", "`b.md:1` has no front matter"),
            (
                "b.md",
                "+++\nkind = 'x'\n",
                "`b.md:1` begins a front matter",
            ),
            (
                "b.md",
                "+++\nprompt = 'x'\n+++\ny",
                "`b.md:4` has a prompt below",
            ),
        ];
        for (name, text, wanted) in cases {
            let found = refused(name, text);
            assert!(found.starts_with(wanted), "{found}");
        }
    }

    #[test]
    fn fields_are_found_again() {
        let text =
            "+++\ntimeout = 1\n[payload]\na = 1\n[payload.parameters]\ntemperature = -1\n+++\nx";
        let file = read("b.md", text).unwrap();
        for (field, line) in [
            ("timeout_ms", Some(2)),
            ("payload.a", Some(4)),
            ("payload.parameters.temperature", Some(6)),
            ("payload.parameters.missing.deep", Some(5)),
            ("payload.missing", Some(3)),
            ("queue", None),
        ] {
            assert_eq!(file.line_of(field), line, "{field}");
        }
        let file = read("a.toml", "model = 'm'\nprompt = ''").unwrap();
        assert_eq!(file.line_of("payload.prompt"), Some(2));
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_it_is_read_or_refused_with_a_line(
            text in prop_oneof!["(\\+\\+\\+|\n|[a-z]{1,5} = |['\"\\[\\]{}]|é|\r|\u{feff}|prompt = 'x'){0,30}", any::<String>()],
            markdown in any::<bool>(),
        ) {
            let name = if markdown { "a.md" } else { "a.toml" };
            match read(name, &text) {
                Ok(file) => { file.line_of("payload.prompt"); }
                Err(error) => {
                    let line: usize = error.field.strip_prefix(name).unwrap()[1..].parse().unwrap();
                    prop_assert!(line <= text.lines().count().max(1) + 1, "{error}");
                }
            }
        }
    }
}
