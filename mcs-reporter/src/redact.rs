//! Takes secrets out of JSON before it is written anywhere.

use std::ops::Range;

/// Stands where the value of a secret stood.
const MASK: &[u8] = b"\"[redacted]\"";
/// Deepest nesting of data. A reader of JSON stops at 128 levels, and the event is inside a batch.
const MAX_DEPTH: usize = 100;

/// Ends of keys whose values are secrets, unless told otherwise. A number behind the end makes no difference.
///
/// Neither do case, `-`, `_`, `.` and spaces, so `connection_string` also stands for
/// `dbConnectionString`. The plural of `token` is left out: it mostly counts what a model read and wrote.
pub const SECRET_KEYS: &[&str] = &[
    "bearer",
    "connection_string",
    "cookie",
    "cookies",
    "jwt",
    "pwd",
    "token",
];

/// Words that make the value of a key a secret wherever in the key they are, unless told otherwise: `password` stands for
/// `password_confirmation` too. They are written as freely as [`SECRET_KEYS`].
pub const SECRET_PARTS: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "auth_token",
    "authorization",
    "credential",
    "encryption_key",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "signing_key",
];

/// Data is nested deeper than a coordinator reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// Knows which keys are secrets.
#[derive(Debug)]
pub(crate) struct Redactor {
    /// By the byte they end with.
    words: Vec<Vec<Word>>,
}

#[derive(Debug, Clone)]
struct Word {
    /// Normalised, back to front.
    text: Box<[u8]>,
    /// Whether it may be anywhere in a key, and not only at its end.
    is_part: bool,
}

impl Redactor {
    /// Keys that end with one of `ends`, or have one of `parts` in them, are secrets. Words without a letter or digit say
    /// nothing.
    pub(crate) fn new<S: AsRef<str>>(
        ends: impl IntoIterator<Item = S>,
        parts: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut redactor = Self {
            words: vec![Vec::new(); usize::from(u8::MAX) + 1],
        };
        for word in ends {
            redactor.add(word.as_ref(), false);
        }
        for word in parts {
            redactor.add(word.as_ref(), true);
        }
        redactor
    }

    fn add(&mut self, word: &str, is_part: bool) {
        let text: Box<[u8]> = backwards(word.as_bytes()).collect();
        if let Some(last) = text.first() {
            self.words[usize::from(*last)].push(Word { text, is_part });
        }
    }

    /// Puts a mask in place of each secret in the JSON text that begins at `from`. `scratch` is overwritten.
    pub(crate) fn redact(
        &self,
        text: &mut Vec<u8>,
        from: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<(), TooDeep> {
        let json = &text[from..];
        let mut walk = Walk {
            json,
            at: 0,
            depth: 0,
        };
        let mut copied = 0;
        scratch.clear();
        while let Some(value) = walk.next_secret(self)? {
            scratch.extend_from_slice(&json[copied..value.start]);
            scratch.extend_from_slice(MASK);
            copied = value.end;
        }
        if copied > 0 {
            scratch.extend_from_slice(&json[copied..]);
            text.truncate(from);
            text.extend_from_slice(scratch);
        }
        Ok(())
    }

    /// Whether the value of `key`, the text between the quotes, is a secret.
    fn is_secret(&self, key: &[u8]) -> bool {
        if !key.contains(&b'\\') {
            return self.has_word(key);
        }
        let mut quoted = Vec::with_capacity(key.len() + 2);
        quoted.push(b'"');
        quoted.extend_from_slice(key);
        quoted.push(b'"');
        // A key that is no JSON cannot be judged, so its value does not stay.
        serde_json::from_slice::<String>(&quoted).map_or(true, |key| self.has_word(key.as_bytes()))
    }

    fn has_word(&self, key: &[u8]) -> bool {
        let mut rest = backwards(key);
        // Still so behind a number: `token2` ends with `token`.
        let mut is_end = true;
        while let Some(last) = rest.next() {
            let is_found = self.words[usize::from(last)].iter().any(|word| {
                let mut rest = rest.clone();
                (is_end || word.is_part)
                    && word.text[1..].iter().all(|byte| rest.next() == Some(*byte))
            });
            if is_found {
                return true;
            }
            is_end = is_end && last.is_ascii_digit();
        }
        false
    }
}

/// The letters and digits of `text`, the last one first, in lower case.
fn backwards(text: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let bytes = text.iter().rev();
    bytes
        .filter(|byte| !matches!(byte, b'-' | b'_' | b'.' | b' '))
        .map(u8::to_ascii_lowercase)
}

/// Goes through a JSON text once. What is no JSON is passed over.
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
    depth: usize,
}

impl Walk<'_> {
    /// Where the next value of a secret is.
    fn next_secret(&mut self, redactor: &Redactor) -> Result<Option<Range<usize>>, TooDeep> {
        while let Some(byte) = self.json.get(self.at) {
            match byte {
                b'"' => {
                    let key = self.at + 1;
                    let end = string_end(self.json, key);
                    self.at = end;
                    // In an object only a key is followed by a colon, and in an array nothing is.
                    let colon = blank_end(self.json, end);
                    if self.json.get(colon) != Some(&b':') {
                        continue;
                    }
                    self.at = colon + 1;
                    if redactor.is_secret(&self.json[key..end - 1]) {
                        let start = blank_end(self.json, colon + 1);
                        self.at = value_end(self.json, start);
                        return Ok(Some(start..self.at));
                    }
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(TooDeep);
                    }
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        Ok(None)
    }
}

/// Where a string ends whose first byte behind the quote is at `at`: behind its other quote.
fn string_end(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Where something other than white space is, from `at` on.
fn blank_end(json: &[u8], mut at: usize) -> usize {
    while matches!(json.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at.min(json.len())
}

/// Where the value ends that begins at `at`.
fn value_end(json: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = string_end(json, at + 1),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn redactor() -> Redactor {
        Redactor::new(SECRET_KEYS, SECRET_PARTS)
    }

    fn redacted(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let mut scratch = b"left over".to_vec();
        redactor().redact(&mut bytes, 0, &mut scratch).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_secret_is_told_by_its_key() {
        for key in [
            "password",
            "Password",
            "db_password",
            "X-Api-Key",
            "apikey",
            "openaiApiKey",
            "token",
            "access_token",
            "refresh-token",
            "Authorization",
            "Set-Cookie",
            "client_secret",
            "private.key",
            "AWS_SECRET_ACCESS_KEY",
            "api key",
            "password_confirmation",
            "passwordConfirm",
            "password2",
            "secret_value",
            "api_key_1",
            "OPENAI_API_KEYS",
            "authorization_header",
            "user_credentials_json",
            "token2",
            "session-token-01",
        ] {
            assert!(redactor().is_secret(key.as_bytes()), "{key}");
        }
        for key in [
            "",
            "_",
            "input_tokens",
            "max_tokens",
            "tokens",
            "user_id",
            "tokenizer",
            "tokens_used",
            "token_count",
            "tokens2",
            "2",
            "key",
            "author",
            "pwd_changed",
            "cookie_count",
        ] {
            assert!(!redactor().is_secret(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn a_key_may_be_written_with_escapes() {
        assert_eq!(
            redacted(r#"{"pass\u0077ord":1}"#),
            r#"{"pass\u0077ord":"[redacted]"}"#
        );
        assert_eq!(
            redacted(r#"{"a\"b":"password","c":2}"#),
            r#"{"a\"b":"password","c":2}"#
        );
    }

    #[test]
    fn white_space_is_kept_and_whole_values_go() {
        let text = "{ \"token\" : {\"a\": [1, \"}\"]} , \"b\" : [ {\"secret\":-1.5e3}, {\"secret\" :null}\n] }";
        let clean = "{ \"token\" : \"[redacted]\" , \"b\" : [ {\"secret\":\"[redacted]\"}, {\"secret\" :\"[redacted]\"}\n] }";
        assert_eq!(redacted(text), clean);
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for text in [
            "",
            "{",
            "\"",
            "\"token",
            "\"token\":",
            "{\"token\":\"a\\",
            "}}]]",
            "{\"token\":}",
            "{\"\\",
        ] {
            let clean = redacted(text);
            assert_eq!(redacted(&clean), clean, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let mut scratch = Vec::new();
        let mut most = nested(MAX_DEPTH).into_bytes();
        assert_eq!(redactor().redact(&mut most, 0, &mut scratch), Ok(()));
        let mut over = nested(MAX_DEPTH + 1).into_bytes();
        assert_eq!(redactor().redact(&mut over, 0, &mut scratch), Err(TooDeep));
    }

    #[test]
    fn what_stands_before_the_text_is_left_alone() {
        let mut bytes = br#"{"token":1}{"token":2}"#.to_vec();
        redactor().redact(&mut bytes, 11, &mut Vec::new()).unwrap();
        assert_eq!(bytes, br#"{"token":1}{"token":"[redacted]"}"#);
    }

    /// The same on a tree.
    fn redact_tree(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if redactor().has_word(key.as_bytes()) {
                        *value = json!("[redacted]");
                    } else {
                        redact_tree(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(redact_tree),
            _ => {}
        }
    }

    fn trees() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            prop::sample::select(SECRET_KEYS).prop_map(str::to_owned),
            prop::sample::select(SECRET_PARTS).prop_map(str::to_owned),
            "[a-c_-]{0,4}(token|Secret|tokens|pass)[a-c1-2_-]{0,3}",
            "[ -~\n\"\\\\é€]{0,8}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~\n\t\"\\\\{}\\[\\]:,é€]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn bytes_are_redacted_as_a_tree_is(tree in trees()) {
            let mut expected = tree.clone();
            redact_tree(&mut expected);
            for text in [tree.to_string(), serde_json::to_string_pretty(&tree).unwrap()] {
                let found: Value = serde_json::from_str(&redacted(&text)).unwrap();
                prop_assert_eq!(&found, &serde_json::from_str::<Value>(&expected.to_string()).unwrap());
            }
        }

        #[test]
        fn any_bytes_can_be_walked(bytes in prop::collection::vec(prop_oneof![
            prop::sample::select(b"{}[]\":,\\ token".as_slice()), any::<u8>(),
        ], 0..200)) {
            let mut text = bytes;
            let _ = redactor().redact(&mut text, 0, &mut Vec::new());
        }
    }
}
