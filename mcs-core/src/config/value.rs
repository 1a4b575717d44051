use crate::domain::{InvalidInput, limits};
use crate::provider::secret::Secret;
use crate::service::{Scope, TokenHash};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A value as it was found, before it is known what it is for.
#[derive(Debug)]
pub(super) enum Raw {
    /// A text of the file.
    Text(String),
    /// An integer of the file.
    Integer(i64),
    /// A float of the file.
    Float(f64),
    /// A boolean of the file.
    Bool(bool),
    /// A list of texts of the file.
    List(Vec<String>),
    /// Anything else of the file, as a reader would call it.
    Other(&'static str),
    /// A variable of the environment: a text that may stand for a number.
    Word(String),
}

impl Raw {
    /// The value as an error message shows it.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("the text \"{}\"", shorten(text)),
            Self::Integer(number) => format!("the number {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Bool(value) => value.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(name) => (*name).to_owned(),
            Self::Word(text) => format!("`{}`", shorten(text)),
        }
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::List(_) | Self::Other(_) => {
                None
            }
        }
    }
}

fn shorten(text: &str) -> String {
    const CHARS: usize = 80;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a key of the configuration can hold. The error is the rest of a sentence that begins with the key.
pub(super) trait Setting: Sized {
    fn read(raw: &Raw) -> Result<Self, String>;
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {$(
        impl Setting for $number {
            fn read(raw: &Raw) -> Result<Self, String> {
                let read = match raw {
                    Raw::Integer(number) => Self::try_from(*number).ok(),
                    Raw::Word(text) => text.trim().parse().ok(),
                    Raw::Text(_) | Raw::Float(_) | Raw::Bool(_) | Raw::List(_) | Raw::Other(_) => None,
                };
                read.ok_or_else(|| format!("is {}; write a whole number such as 10, without quotes", raw.shown()))
            }
        }
    )+};
}
whole_numbers!(usize, u32, u64);

impl Setting for f64 {
    fn read(raw: &Raw) -> Result<Self, String> {
        let read = match raw {
            #[expect(clippy::cast_precision_loss)]
            Raw::Integer(number) => Some(*number as Self),
            Raw::Float(number) => Some(*number),
            Raw::Word(text) => text.trim().parse().ok(),
            Raw::Text(_) | Raw::Bool(_) | Raw::List(_) | Raw::Other(_) => None,
        };
        read.filter(|number| number.is_finite())
            .ok_or_else(|| format!("is {}; write a number such as 0.15", raw.shown()))
    }
}

impl Setting for bool {
    fn read(raw: &Raw) -> Result<Self, String> {
        let word = match raw {
            Raw::Bool(value) => return Ok(*value),
            Raw::Word(text) => text.trim().parse().ok(),
            Raw::Text(_) | Raw::Integer(_) | Raw::Float(_) | Raw::List(_) | Raw::Other(_) => None,
        };
        word.ok_or_else(|| format!("is {}; write true or false, without quotes", raw.shown()))
    }
}

impl Setting for String {
    fn read(raw: &Raw) -> Result<Self, String> {
        raw.as_text()
            .map(str::to_owned)
            .ok_or_else(|| format!("is {}; write a text in quotes", raw.shown()))
    }
}

/// A list of texts. A variable has them between commas.
impl Setting for Vec<String> {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::List(texts) => Ok(texts.clone()),
            Raw::Word(text) => {
                let texts = text.split(',').map(str::trim);
                Ok(texts
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .collect())
            }
            _ => Err(format!(
                "is {}; write a list of texts such as [\"a\", \"b\"]",
                raw.shown()
            )),
        }
    }
}

impl Setting for Secret {
    fn read(raw: &Raw) -> Result<Self, String> {
        // A key that was written without quotes is still a key: it is not shown.
        raw.as_text()
            .map(Self::new)
            .ok_or_else(|| "is not a text; write the key in quotes".to_owned())
    }
}

impl Setting for Duration {
    fn read(raw: &Raw) -> Result<Self, String> {
        const REMEDY: &str =
            "write a number with its unit, such as \"500ms\", \"30s\", \"5m\", \"12h\" or \"30d\"";
        let text = raw
            .as_text()
            .ok_or_else(|| format!("is {}; {REMEDY}", raw.shown()))?;
        let read = humantime::parse_duration(text.trim())
            .map_err(|error| format!("is {} ({error}); {REMEDY}", raw.shown()))?;
        if read > limits::LONGEST {
            return Err(format!("is {}; use at most a hundred years", raw.shown()));
        }
        Ok(read)
    }
}

impl Setting for SocketAddr {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw.as_text().unwrap_or_default().trim();
        text.parse().map_err(|_| {
            format!(
                "is {}; write an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"",
                raw.shown()
            )
        })
    }
}

/// A list of paths, written like a list of texts.
impl Setting for Vec<PathBuf> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let paths = Vec::<String>::read(raw)?;
        let read = |path: String| PathBuf::read(&Raw::Text(path));
        paths.into_iter().map(read).collect()
    }
}

/// A list of scopes, written like a list of texts.
impl Setting for Vec<Scope> {
    fn read(raw: &Raw) -> Result<Self, String> {
        let names = Vec::<String>::read(raw)?;
        let scopes = names.iter().map(|name| name.trim().parse());
        let scopes: Result<_, InvalidInput> = scopes.collect();
        scopes.map_err(|refused| format!("has one that {}", refused.problem))
    }
}

impl Setting for TokenHash {
    fn read(raw: &Raw) -> Result<Self, String> {
        // What stands there may be the token itself: it is not shown.
        let text = raw.as_text().unwrap_or_default().trim();
        text.parse()
            .map_err(|refused: InvalidInput| refused.problem)
    }
}

/// A duration, or `forever`.
impl Setting for Option<Duration> {
    fn read(raw: &Raw) -> Result<Self, String> {
        if raw.as_text().is_some_and(|text| text.trim() == "forever") {
            return Ok(None);
        }
        Duration::read(raw)
            .map(Some)
            .map_err(|problem| format!("{problem}, or \"forever\""))
    }
}

/// One of a few words.
pub(super) trait Choice: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}

impl<T: Choice> Setting for T {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = raw.as_text().map(str::trim).unwrap_or_default();
        let found = T::ALL
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = T::ALL
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            format!("is {}; use one of {}", raw.shown(), names.join(", "))
        })
    }
}
