use super::shortened;
use crate::domain::{InvalidInput, Timestamp};

/// Reads the time that a caller wrote into `field`.
pub fn read_time(field: &str, text: &str) -> Result<Timestamp, InvalidInput> {
    text.parse().map_err(|_| {
        let shown = shortened(text);
        let problem = format!(
            "is `{shown}`; use an RFC 3339 time with its zone, such as 2026-11-20T10:00:00Z"
        );
        InvalidInput::new(field, problem)
    })
}
