use std::path::Path;

/// One prompt for many files, with places that each file fills.
#[derive(Debug)]
pub(super) struct Template<'a> {
    text: &'a str,
}

/// What a file puts into the places.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    /// The absolute path of the file.
    pub(super) file: &'a str,
    /// Its path from the directory.
    pub(super) relative: &'a str,
    /// The directory.
    pub(super) directory: &'a str,
    /// What it holds, where the template has a place for it.
    pub(super) content: Option<&'a str>,
}

/// The names of places.
pub(super) const PLACES: [&str; 6] = ["file", "relative", "name", "stem", "directory", "content"];

impl<'a> Template<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Whether it has a place of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut found = false;
        self.walk(|part| found |= matches!(part, Part::Place(place) if place == name));
        found
    }

    /// Whether it has any place, without which all files would make the same task.
    pub(super) fn has_any(&self) -> bool {
        PLACES.iter().any(|name| self.has(name))
    }

    /// The prompt for one file. What a file puts in is not looked at for places again.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> String {
        let path = Path::new(filling.relative);
        let text = |part: Option<&std::ffi::OsStr>| {
            part.and_then(|part| part.to_str())
                .unwrap_or_default()
                .to_owned()
        };
        let (name, stem) = (text(path.file_name()), text(path.file_stem()));
        let mut filled = String::with_capacity(self.text.len());
        self.walk(|part| {
            filled.push_str(match part {
                Part::Text(text) => text,
                Part::Place("file") => filling.file,
                Part::Place("relative") => filling.relative,
                Part::Place("name") => &name,
                Part::Place("stem") => &stem,
                Part::Place("directory") => filling.directory,
                Part::Place(_) => filling.content.unwrap_or_default(),
            });
        });
        filled
    }

    /// Goes over the parts in order. `{{file}}` is the text `{file}`, and any other brace is itself.
    fn walk(&self, mut each: impl FnMut(Part<'_>)) {
        let mut rest = self.text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            each(Part::Text(before));
            let (part, length) = read_place(from);
            each(part);
            rest = &from[length..];
        }
        each(Part::Text(rest));
    }
}

/// A part of a template.
#[derive(Debug, PartialEq)]
enum Part<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// The part at a brace, and its length in the template.
fn read_place(from: &str) -> (Part<'_>, usize) {
    for name in PLACES {
        let ends = |open: &str, close: &str| {
            from.strip_prefix(open)
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with(close))
        };
        if ends("{{", "}}") {
            return (Part::Text(&from[1..name.len() + 3]), name.len() + 4);
        }
        if ends("{", "}") {
            return (Part::Place(&from[1..=name.len()]), name.len() + 2);
        }
    }
    (Part::Text(&from[..1]), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(text: &str) -> String {
        Template::new(text).fill(&Filling {
            file: "/srv/a/b.rs",
            relative: "a/b.rs",
            directory: "/srv",
            content: Some("{file}"),
        })
    }

    #[test]
    fn places_are_filled_once_and_other_braces_stay() {
        assert_eq!(
            fill("{file} {relative} {name} {stem} {directory}"),
            "/srv/a/b.rs a/b.rs b.rs b /srv"
        );
        assert_eq!(fill("<{content}>"), "<{file}>");
        assert_eq!(
            fill(r#"{"a": {}} {files} {{file}} {{other}}"#),
            r#"{"a": {}} {files} {file} {{other}}"#
        );
        assert_eq!(fill("{{{file}}}"), "{{file}}");
        assert_eq!(fill("{"), "{");
    }

    #[test]
    fn it_is_known_which_places_there_are() {
        assert!(Template::new("look at {name}").has_any());
        assert!(!Template::new("look at {{name}} and {it}").has_any());
        assert!(Template::new("{content}").has("content"));
    }

    proptest! {
        #[test]
        fn a_text_without_places_stays_as_it_is(text in "[a-z{}\" é]{0,40}") {
            prop_assume!(!Template::new(&text).has_any() && !PLACES.iter().any(|name| text.contains(name)));
            prop_assert_eq!(fill(&text), text);
        }
    }
}
