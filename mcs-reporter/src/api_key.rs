use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::sync::Arc;

/// The key that a coordinator knows a server by. It shows in no debug output; [`ApiKey::expose`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Arc<str>);

impl ApiKey {
    /// Keeps `text` without the white space around it, which is what a line read from a file brings along.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().into())
    }

    /// The key itself. Call it where it goes out, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// Takes texts. Serde's own errors quote the value they refuse, so every other scalar is refused here without it.
struct KeyVisitor;

impl KeyVisitor {
    fn refuse<E: Error>() -> Result<ApiKey, E> {
        Err(E::custom("an API key is written as a text in quotes"))
    }
}

impl Visitor<'_> for KeyVisitor {
    type Value = ApiKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an API key as text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ApiKey, E> {
        Ok(ApiKey::new(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<ApiKey, E> {
        Self::refuse()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<ApiKey, E> {
        Self::refuse()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<ApiKey, E> {
        Self::refuse()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<ApiKey, E> {
        Self::refuse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_show() {
        let key = ApiKey::new(" hunter2\n");
        assert_eq!(format!("{key:?}"), "[redacted]");
        assert_eq!(key.expose(), "hunter2");
    }
}
