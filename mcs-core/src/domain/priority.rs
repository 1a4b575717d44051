use super::InvalidInput;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// How urgent a task is: 1 to 10, 10 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// 1, the least urgent.
    pub const MIN: Self = Self(1);
    /// 3.
    pub const LOW: Self = Self(3);
    /// 5, the default.
    pub const NORMAL: Self = Self(5);
    /// 8.
    pub const HIGH: Self = Self(8);
    /// 10, the most urgent.
    pub const CRITICAL: Self = Self(10);

    /// The priority with this number.
    pub fn new(value: i64) -> Result<Self, InvalidInput> {
        match u8::try_from(value) {
            Ok(number @ 1..=10) => Ok(Self(number)),
            _ => Err(Self::refuse(&value.to_string())),
        }
    }

    /// The number, 1 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }

    fn refuse(value: &str) -> InvalidInput {
        let problem =
            format!("is {value}; use a number from 1 to 10, or low, normal, high or critical");
        InvalidInput::new("priority", problem)
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Priority {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "low" => Ok(Self::LOW),
            "normal" | "medium" => Ok(Self::NORMAL),
            "high" => Ok(Self::HIGH),
            "critical" | "urgent" => Ok(Self::CRITICAL),
            number => number
                .parse()
                .map_err(|_| Self::refuse(&format!("`{text}`")))
                .and_then(Self::new),
        }
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse(),
            Value::Number(number) => match number.as_i64() {
                Some(value) => Self::new(value),
                None => Err(Self::refuse(&number.to_string())),
            },
            other => Err(Self::refuse(&other.to_string())),
        };
        read.map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_read() {
        let read = |text: &str| serde_json::from_str::<Priority>(text);
        assert_eq!(read("10").unwrap(), Priority::CRITICAL);
        assert_eq!(read("\"High\"").unwrap(), Priority::HIGH);
        assert_eq!(read("\"7\"").unwrap().get(), 7);
        for bad in ["0", "11", "-1", "5.5", "\"asap\"", "[5]", "null"] {
            let message = read(bad).unwrap_err().to_string();
            assert!(message.contains("1 to 10"), "{bad}: {message}");
        }
    }
}
