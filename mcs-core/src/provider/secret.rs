//! API keys that do not show.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;
use std::sync::Arc;

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// A key or a token. It shows in no debug output and cannot be serialised; [`Secret::expose`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Shortest secret that is looked for in texts. Shorter ones are placeholders, as local servers take them, and
    /// replacing them would only garble the text.
    const SHORTEST_SCRUBBED: usize = 4;

    /// Keeps `text` without the white space around it, which is what a line read from a file brings along.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().into())
    }

    /// The secret itself. Call it where it goes out, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes texts. Serde's own errors quote the value they refuse, so every other scalar is refused here without it.
struct SecretVisitor;

impl SecretVisitor {
    fn refuse<E: de::Error>() -> Result<Secret, E> {
        Err(E::custom("a secret is written as a text in quotes"))
    }
}

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        Self::refuse()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Self::refuse()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Self::refuse()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Self::refuse()
    }
}

/// `text` without `secret`, and without anything that looks like an API key: some APIs quote parts of the key that they
/// refuse. Scrub before cutting a text, or half a key may remain.
pub fn scrub(text: &str, secret: Option<&Secret>) -> String {
    match secret.filter(|secret| secret.0.len() >= Secret::SHORTEST_SCRUBBED) {
        Some(secret) => scrub_key_like(&text.replace(secret.expose(), REDACTED)),
        None => scrub_key_like(text),
    }
}

fn scrub_key_like(text: &str) -> String {
    const PREFIX: &str = "sk-";
    const SHORTEST_KEY: usize = 8;
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(PREFIX) {
        let (before, key) = rest.split_at(start);
        let end = key.find(|c| !in_key(c)).unwrap_or(key.len());
        // A sentence may end right after the key, and its full stop stays.
        let end = key[..end].trim_end_matches('.').len().max(PREFIX.len());
        clean.push_str(before);
        let inside_word = before.ends_with(|c: char| c.is_alphanumeric());
        if end - PREFIX.len() >= SHORTEST_KEY && !inside_word {
            clean.push_str(REDACTED);
        } else {
            clean.push_str(&key[..end]);
        }
        rest = &key[end..];
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_nowhere() {
        let secret = Secret::new(" hunter2-hunter2\n");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "[redacted] [redacted] Some([redacted])"
        );
        assert_eq!(secret.expose(), "hunter2-hunter2");
    }

    #[test]
    fn it_is_read_from_text_and_a_refusal_does_not_quote_it() {
        let secret: Secret = serde_json::from_str("\"abcdef\"").unwrap();
        assert_eq!(secret.expose(), "abcdef");
        for other in ["123456789", "1234.56789", "-123456789", "true"] {
            let error = serde_json::from_str::<Secret>(other)
                .unwrap_err()
                .to_string();
            assert!(!error.contains(other), "{error}");
            assert!(error.contains("text in quotes"), "{error}");
        }
        assert!(serde_json::from_str::<Secret>("[1]").is_err());
    }

    #[test]
    fn texts_are_scrubbed_of_it_and_of_what_looks_like_a_key() {
        let secret = Secret::new("local-key");
        let text = "refused local-key and sk-proj-abc***wxyz. See task-schedule-overview or sk-1.";
        assert_eq!(
            scrub(text, Some(&secret)),
            "refused [redacted] and [redacted]. See task-schedule-overview or sk-1."
        );
        assert_eq!(
            scrub("x in context", Some(&Secret::new("x"))),
            "x in context"
        );
        assert_eq!(scrub("sk-äöü sk-", None), "sk-äöü sk-");
    }
}
