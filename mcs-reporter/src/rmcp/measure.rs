use serde::Serialize;
use serde_json::Value;
use std::io;

/// Largest argument object or result that an event carries, in bytes of JSON. More is left out; its size is told anyway.
pub(super) const LARGEST_RECORDED: usize = 128 * 1024;

/// How large a value is as JSON and, on request, the value, found out by writing it once.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) bytes: usize,
    /// The value, if it was to be kept and is not too large.
    pub(super) kept: Option<Value>,
}

/// Measures `value`, and keeps it if `keep`.
pub(super) fn measure(value: &impl Serialize, keep: bool) -> Measured {
    let mut counter = Counter {
        bytes: 0,
        kept: keep.then(Vec::new),
    };
    // It can only end early where a value has no form in JSON; then what was counted is as much as there is to say.
    let whole = serde_json::to_writer(&mut counter, value).is_ok();
    let kept = counter.kept.filter(|_| whole);
    Measured {
        bytes: counter.bytes,
        kept: kept.and_then(|json| serde_json::from_slice(&json).ok()),
    }
}

/// Counts what is written to it, and keeps it until it is too much.
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
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::Cell;

    #[test]
    fn the_size_is_that_of_the_json() {
        let value = json!({"text": "ünïcode \"quoted\"\n", "list": [1, 2.5, null, true]});
        let measured = measure(&value, true);
        assert_eq!(measured.bytes, value.to_string().len());
        assert_eq!(measured.kept, Some(value.clone()));
        assert_eq!(measure(&value, false).kept, None);
    }

    #[test]
    fn what_is_too_large_is_measured_and_not_kept() {
        let fits = json!("x".repeat(LARGEST_RECORDED - 2));
        assert_eq!(measure(&fits, true).kept, Some(fits));
        let measured = measure(&"x".repeat(LARGEST_RECORDED - 1), true);
        assert_eq!(
            (measured.bytes, measured.kept),
            (LARGEST_RECORDED + 1, None)
        );
    }

    #[test]
    fn a_value_is_written_once() {
        struct Once(Cell<u32>);
        impl Serialize for Once {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.set(self.0.get() + 1);
                serializer.serialize_str("written")
            }
        }
        let value = Once(Cell::new(0));
        assert!(measure(&value, true).kept.is_some());
        assert_eq!(value.0.get(), 1);
    }
}
