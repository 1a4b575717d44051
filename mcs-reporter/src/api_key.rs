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
