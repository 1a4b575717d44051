use super::texts::Texts;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io;

/// Largest argument object or result that an event carries, in bytes of JSON. More is left out; its size is told anyway.
pub(super) const LARGEST_RECORDED: usize = 128 * 1024;

/// Bytes of JSON at which counting ends. The call that is measured waits for it, and nobody needs to know more exactly how
/// large something is that is larger.
pub(super) const MOST_COUNTED: usize = 256 * 1024;

/// How large a value is as JSON and, on request, the value, found out by writing it at most once.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) bytes: usize,
    /// Whether it has more bytes than these, and they were not counted.
    pub(super) is_lower_bound: bool,
    /// The value, if it was to be kept and is not too large.
    pub(super) kept: Option<Value>,
}

/// Measures `value`, and keeps it if `keep`.
pub(super) fn measure(value: &(impl Serialize + Texts), keep: bool) -> Measured {
    let text_bytes = value.text_bytes();
    if text_bytes > MOST_COUNTED {
        return Measured {
            bytes: text_bytes,
            is_lower_bound: true,
            kept: None,
        };
    }
    let mut counter = Counter {
        bytes: 0,
        kept: keep.then(Vec::new),
    };
    // It ends early where there is too much of it, or where a value has no form in JSON; then what was counted is as much
    // as there is to say.
    let whole = serde_json::to_writer(&mut counter, value).is_ok();
    let kept = counter.kept.filter(|_| whole);
    Measured {
        bytes: counter.bytes,
        is_lower_bound: counter.bytes > MOST_COUNTED,
        kept: kept.and_then(|json| serde_json::from_slice(&json).ok()),
    }
}

impl Measured {
    /// Adds the size as `field` and, where there is more than was counted, `mark`.
    pub(super) fn tell_size(&self, field: &str, mark: &str, data: &mut Map<String, Value>) {
        data.insert(field.to_owned(), self.bytes.into());
        if self.is_lower_bound {
            data.insert(mark.to_owned(), true.into());
        }
    }
}

/// Counts what is written to it until it is too much, and keeps it until that is too much.
struct Counter {
    bytes: usize,
    kept: Option<Vec<u8>>,
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        if self.bytes > LARGEST_RECORDED {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        if self.bytes > MOST_COUNTED {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{ContentBlock, PromptMessage, ReadResourceResult, ResourceContents, Role};
    use rmcp::model::{GetPromptResult, JsonObject};
    use serde_json::json;
    use std::cell::Cell;

    fn object(value: Value) -> JsonObject {
        serde_json::from_value(value).unwrap()
    }

    /// An object whose JSON is `bytes` long.
    fn long(bytes: usize) -> JsonObject {
        object(json!({"x": "x".repeat(bytes - r#"{"x":""}"#.len())}))
    }

    /// Counts how often it is begun to be written, and how many of its endless elements are.
    #[derive(Default)]
    struct Endless {
        text_bytes: usize,
        begun: Cell<u32>,
        written: Cell<usize>,
    }

    impl Texts for Endless {
        fn text_bytes(&self) -> usize {
            self.text_bytes
        }
    }

    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.begun.set(self.begun.get() + 1);
            let elements = (0_usize..).inspect(|written| self.written.set(*written));
            serializer.collect_seq(elements)
        }
    }

    #[test]
    fn the_size_is_that_of_the_json() {
        let value = json!({"text": "ünïcode \"quoted\"\n", "list": [1, 2.5, null, true]});
        let measured = measure(&object(value.clone()), true);
        assert_eq!(measured.bytes, value.to_string().len());
        assert!(!measured.is_lower_bound);
        assert_eq!(measured.kept, Some(value.clone()));
        assert_eq!(measure(&object(value), false).kept, None);
    }

    #[test]
    fn what_is_too_large_is_measured_and_not_kept() {
        let fits = long(LARGEST_RECORDED);
        assert_eq!(measure(&fits, true).kept, Some(fits.into()));
        let measured = measure(&long(LARGEST_RECORDED + 1), true);
        assert_eq!(measured.bytes, LARGEST_RECORDED + 1);
        assert!(!measured.is_lower_bound);
        assert_eq!(measured.kept, None);
    }

    #[test]
    fn the_size_is_exact_up_to_the_most_that_is_counted() {
        let measured = measure(&long(MOST_COUNTED), false);
        assert_eq!(
            (measured.bytes, measured.is_lower_bound),
            (MOST_COUNTED, false)
        );
        let measured = measure(&long(MOST_COUNTED + 1), false);
        assert!(measured.bytes > MOST_COUNTED && measured.is_lower_bound);
        let mut data = Map::new();
        measured.tell_size("size", "is_more", &mut data);
        assert_eq!(data["is_more"], true);
    }

    #[test]
    fn counting_ends_where_it_is_too_much() {
        let value = Endless::default();
        let measured = measure(&value, true);
        assert!(measured.is_lower_bound);
        assert_eq!(measured.kept, None);
        assert!((MOST_COUNTED..MOST_COUNTED + 100).contains(&measured.bytes));
        assert!(value.written.get() < MOST_COUNTED);
        assert_eq!(value.begun.get(), 1);
    }

    #[test]
    fn what_has_too_much_text_is_not_written_at_all() {
        let value = Endless {
            text_bytes: 50_000_000,
            ..Endless::default()
        };
        let measured = measure(&value, true);
        assert_eq!(
            (measured.bytes, measured.is_lower_bound),
            (50_000_000, true)
        );
        assert_eq!(value.begun.get(), 0);
    }

    #[test]
    fn no_answer_is_told_to_be_larger_than_it_is() {
        let text = "x\n".repeat(MOST_COUNTED);
        let content = ContentBlock::text(text.as_str());
        let prompt = GetPromptResult::new(vec![PromptMessage::new(Role::User, content)]);
        let read = ReadResourceResult::new(vec![ResourceContents::blob(text, "a:b")]);
        let whole = serde_json::to_string(&prompt).unwrap().len();
        assert!((MOST_COUNTED..whole).contains(&measure(&prompt, false).bytes));
        let whole = serde_json::to_string(&read).unwrap().len();
        assert!((MOST_COUNTED..whole).contains(&measure(&read, false).bytes));
    }
}
