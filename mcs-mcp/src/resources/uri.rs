use crate::view::Part;
use mcs_core::domain::{InvalidInput, TaskId};
use mcs_core::schema::{nearest, shortened};

/// What the URIs of tasks begin with.
const SCHEME: &str = "task://";

/// What of a task a URI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskUri {
    pub(crate) task: TaskId,
    pub(crate) of: Of,
}

/// How it stands, or the text of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Status,
    Result { part: Part, offset: usize },
}

impl TaskUri {
    /// Reads a URI. `None` if it is of another scheme.
    pub(crate) fn read(uri: &str) -> Option<Result<Self, InvalidInput>> {
        uri.strip_prefix(SCHEME)
            .map(|rest| Self::read_rest(uri, rest))
    }

    /// The URI of the result of `task` from `offset` on.
    pub(crate) fn of_result(task: TaskId, part: Part, offset: usize) -> String {
        let part = match part {
            Part::Text => "",
            Part::Structured => "part=structured&",
        };
        format!("{SCHEME}{task}/result?{part}offset={offset}")
    }

    fn read_rest(uri: &str, rest: &str) -> Result<Self, InvalidInput> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let refused = || {
            let problem = format!(
                "is `{}`; use task://<task_id> or task://<task_id>/result",
                shortened(uri)
            );
            InvalidInput::new("uri", problem)
        };
        let (id, is_result) = match path.strip_suffix("/result") {
            Some(id) => (id, true),
            None => (path, false),
        };
        let task: TaskId = id.parse().map_err(|_| refused())?;
        // Ids are also read in shorter and longer forms. A resource has one name.
        if !task.to_string().eq_ignore_ascii_case(id) || (query.is_some() && !is_result) {
            return Err(refused());
        }
        let of = if is_result {
            read_query(query.unwrap_or_default())?
        } else {
            Of::Status
        };
        Ok(Self { task, of })
    }
}

fn read_query(query: &str) -> Result<Of, InvalidInput> {
    let (mut part, mut offset) = (Part::Text, 0);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "offset" => {
                offset = value.parse().map_err(|_| {
                    let problem = format!("is `{}`; use a number of bytes", shortened(value));
                    InvalidInput::new("offset", problem)
                })?;
            }
            "part" if Part::NAMES.contains(&value) => part = Part::named(value),
            "part" => {
                let problem = format!("is `{}`; use text or structured", shortened(value));
                return Err(InvalidInput::new("part", problem));
            }
            _ => return Err(unknown(name)),
        }
    }
    Ok(Of::Result { part, offset })
}

fn unknown(name: &str) -> InvalidInput {
    let problem = match nearest(name, ["part", "offset"]) {
        Some(near) => format!("is no part of such a URI; did you mean `{near}`?"),
        None => "is no part of such a URI; there are part and offset".to_owned(),
    };
    InvalidInput::new(shortened(name), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0199aabb-ccdd-7eef-8011-223344556677";

    fn read(uri: &str) -> Result<TaskUri, String> {
        let read = TaskUri::read(uri).expect("a URI of a task");
        read.map_err(|refused| refused.to_string())
    }

    #[test]
    fn uris_name_the_task_and_what_of_it() {
        let task: TaskId = ID.parse().unwrap();
        let result = |part, offset| Of::Result { part, offset };
        for (rest, of) in [
            ("", Of::Status),
            ("/result", result(Part::Text, 0)),
            ("/result?", result(Part::Text, 0)),
            ("/result?offset=7", result(Part::Text, 7)),
            ("/result?part=structured", result(Part::Structured, 0)),
            ("/result?part=text&offset=9", result(Part::Text, 9)),
        ] {
            let uri = format!("task://{ID}{rest}");
            assert_eq!(read(&uri), Ok(TaskUri { task, of }), "{uri}");
        }
        assert!(read(&format!("task://{}", ID.to_uppercase())).is_ok());
        for part in [Part::Text, Part::Structured] {
            let of = result(part, 5);
            assert_eq!(
                read(&TaskUri::of_result(task, part, 5)),
                Ok(TaskUri { task, of })
            );
        }
        assert_eq!(TaskUri::read("data://tasks/schema"), None);
    }

    #[test]
    fn others_are_refused_with_what_would_be_right() {
        let compact = ID.replace('-', "");
        for (rest, wanted) in [
            ("", "use task://<task_id>"),
            ("x", "use task://<task_id>"),
            (&*compact, "use task://<task_id>"),
            (&format!("{ID}/results"), "use task://<task_id>"),
            (&format!("{ID}?offset=1"), "use task://<task_id>"),
            (&format!("{ID}/result?offset=-1"), "use a number of bytes"),
            (&format!("{ID}/result?part=all"), "use text or structured"),
            (&format!("{ID}/result?ofset=1"), "did you mean `offset`"),
        ] {
            let refused = read(&format!("task://{rest}")).unwrap_err();
            assert!(refused.contains(wanted), "{rest}: {refused}");
        }
    }
}
