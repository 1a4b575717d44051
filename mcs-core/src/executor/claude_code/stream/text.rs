use serde_json::value::RawValue;

/// Most that an entry keeps of one text, in bytes of JSON.
pub(crate) const TEXT_BYTES: usize = 8 * 1024;
/// Most that is kept of a name or an id, in bytes of JSON.
pub(crate) const NAME_BYTES: usize = 256;
/// How deep a JSON value may nest to be kept as one: what is deeper can be written, but not read again.
const DEPTH: usize = 64;

/// The longest start of `text` that takes at most `limit` bytes inside a JSON string.
pub(crate) fn start(text: &str, limit: usize) -> &str {
    // JSON makes at most six bytes of one, so that most texts are known to fit by their length.
    if text.len() <= limit / 6 {
        return text;
    }
    let mut taken = 0;
    for (at, byte) in text.bytes().enumerate() {
        taken += match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0..0x20 => 6,
            _ => 1,
        };
        if taken > limit {
            return &text[..text.floor_char_boundary(at)];
        }
    }
    text
}

/// The start of `text`, and the size of all of it where that is more.
pub(crate) fn cut(text: &str, limit: usize) -> (String, Option<usize>) {
    let kept = start(text, limit);
    (
        kept.to_owned(),
        (kept.len() < text.len()).then_some(text.len()),
    )
}

/// The start of `text` with a remark of its whole size where it is cut.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match cut(text, limit) {
        (kept, None) => kept,
        (kept, Some(bytes)) => format!("{kept} [cut, {bytes} bytes in all]"),
    }
}

/// Whether a JSON value is small and flat enough to be kept as it is.
pub(crate) fn is_keepable(raw: &RawValue, limit: usize) -> bool {
    raw.get().len() <= limit && depth(raw.get()) <= DEPTH
}

/// How deep the arrays and objects of a JSON text nest.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_what_it_takes_as_json() {
        for text in [
            "",
            "abc",
            "grüße\n\"\u{1}",
            "\u{0}\u{0}\u{0}\u{0}",
            "日本語日本語",
        ] {
            for limit in 0..40 {
                let kept = start(text, limit);
                let bytes = |text: &str| serde_json::to_string(text).unwrap().len() - 2;
                assert!(bytes(kept) <= limit, "{text:?} at {limit}");
                // One character more would not fit.
                if let Some(next) = text[kept.len()..].chars().next() {
                    assert!(
                        bytes(&format!("{kept}{next}")) > limit,
                        "{text:?} at {limit}"
                    );
                }
            }
        }
        assert_eq!(cut("abcdef", 3), ("abc".to_owned(), Some(6)));
        assert_eq!(cut("abc", 3), ("abc".to_owned(), None));
        assert_eq!(shortened("abcdef", 3), "abc [cut, 6 bytes in all]");
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (json, expected) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}]}"#, 3),
            (r#"["[[[","\"[["]"#, 1),
        ] {
            assert_eq!(depth(json), expected, "{json}");
        }
    }
}
