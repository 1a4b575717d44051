use super::raw::{Raw, name};
use super::text::{TEXT_BYTES, shortened};
use super::{Denial, Event, Init, Report, Retry, lines, partial, spoken};
use crate::executor::claude_code::control::Incoming;
use serde::Deserialize;

/// What one line of the program's output says. Never fails: a line that nobody understands is an event as well.
pub(crate) fn read(line: &[u8]) -> Event {
    // The program writes UTF-8; a line that was cut inside a character is not worth losing.
    let text = String::from_utf8_lossy(line);
    let text = text.trim_ascii();
    if text.is_empty() {
        return Event::Blank;
    }
    // A list would be read as the fields in their order.
    let head = text
        .starts_with('{')
        .then(|| serde_json::from_str::<Head<'_>>(text));
    let Some(Ok(head)) = head else {
        return Event::NotJson(shortened(text, TEXT_BYTES));
    };
    let (kind, subtype) = (name(head.kind), name(head.subtype));
    let event = match (kind.as_str(), subtype.as_str()) {
        ("stream_event", _) => partial::read(text),
        ("assistant", _) => spoken::assistant(text),
        ("user", _) => spoken::user(text),
        ("result", _) => Report::read(text).map(|report| Event::Result(Box::new(report))),
        ("control_request" | "control_response" | "control_cancel_request", _) => {
            Incoming::read(&kind, text).map(Event::Control)
        }
        ("system", "init") => Init::read(text).map(Event::Init),
        ("system", "api_retry") => Retry::read(text).map(Event::Retry),
        ("system", "permission_denied") => Denial::read(text).map(Event::Denied),
        ("system", "background_tasks_changed") => lines::background(text),
        ("rate_limit_event", _) => lines::rate_limit(text),
        _ => None,
    };
    event.unwrap_or(Event::Other { kind, subtype })
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow, default)]
    subtype: Raw<'a>,
}
