//! Server-sent events, parsed as they come in.
//!
//! The parser does no I/O: bytes go in at any boundary, events come out. It takes what servers send rather than only
//! what the standard says: an error object on a line of its own, and a last event without its blank line.

use std::collections::VecDeque;

/// Largest line and largest event, in bytes.
pub(crate) const EVENT_BYTES: usize = 4 * 1024 * 1024;

/// An event: its name where it has one, and its data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SseEvent {
    /// What `event:` said.
    pub(crate) name: Option<String>,
    /// What the `data:` lines said, joined by line feeds.
    pub(crate) data: String,
}

/// A line or an event outgrew [`EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream has more than {EVENT_BYTES} bytes")]
pub(crate) struct EventTooLarge;

/// Turns bytes into events.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    name: Option<String>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    begun: bool,
    ready: VecDeque<SseEvent>,
}

impl SseParser {
    /// Takes more bytes of the stream.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend(&bytes[..end])?;
            self.end_line()?;
            let rest = &bytes[end + 1..];
            bytes = match (bytes[end], rest.first()) {
                (b'\r', Some(b'\n')) => &rest[1..],
                (b'\r', None) => {
                    self.after_return = true;
                    rest
                }
                _ => rest,
            };
        }
        self.extend(bytes)
    }

    /// Ends the stream: what stands there without its blank line is an event too.
    pub(crate) fn finish(&mut self) -> Result<(), EventTooLarge> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.dispatch();
        Ok(())
    }

    /// The next event that is complete.
    pub(crate) fn next_event(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.line.len() + bytes.len() > EVENT_BYTES {
            return Err(EventTooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), EventTooLarge> {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.begun, true)
            && let Some(after_mark) = text.strip_prefix('\u{feff}')
        {
            text = after_mark.to_owned().into();
        }
        if text.is_empty() {
            self.dispatch();
            return Ok(());
        }
        // Some servers report an error as bare JSON in the middle of a stream.
        if text.starts_with('{') {
            return self.add_data(&text);
        }
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add_data(value),
            "event" => {
                self.name = Some(value.to_owned());
                Ok(())
            }
            // A comment, an id, a retry time, or a field that does not exist.
            _ => Ok(()),
        }
    }

    fn add_data(&mut self, value: &str) -> Result<(), EventTooLarge> {
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + 1 + value.len() > EVENT_BYTES => return Err(EventTooLarge),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }

    fn dispatch(&mut self) {
        let name = self.name.take();
        if let Some(data) = self.data.take() {
            self.ready.push_back(SseEvent { name, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<SseEvent> {
        let mut parser = SseParser::default();
        for chunk in chunks {
            parser.push(chunk).unwrap();
        }
        parser.finish().unwrap();
        std::iter::from_fn(|| parser.next_event()).collect()
    }

    fn data(text: &str) -> Vec<String> {
        let events = parse([text.as_bytes()]);
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn events_are_separated_by_blank_lines() {
        assert_eq!(
            data("data: a\n\ndata:b\n\n\n\ndata:  c\n\n"),
            ["a", "b", " c"]
        );
        assert_eq!(
            data("data: a\r\n\r\ndata: b\r\rdata: c\n\r\n"),
            ["a", "b", "c"]
        );
        assert_eq!(data("data: a\ndata: b\n\n"), ["a\nb"]);
        assert_eq!(data("data\n\n"), [""]);
    }

    #[test]
    fn comments_and_fields_without_meaning_are_skipped() {
        assert_eq!(
            data(": keep-alive\n\n: keep-alive\n\ndata: a\nid: 7\nretry: 1\nfoo\n\n"),
            ["a"]
        );
        assert_eq!(data("\u{feff}data: a\n\n"), ["a"]);
        assert!(data("event: ping\n\n").is_empty());
    }

    #[test]
    fn names_belong_to_one_event() {
        let events = parse([&b"event: error\ndata: {}\n\ndata: x\n\n"[..]]);
        assert_eq!(events[0].name.as_deref(), Some("error"));
        assert_eq!(events[1].name, None);
    }

    #[test]
    fn bare_json_and_a_missing_last_line_feed_are_understood() {
        assert_eq!(
            data("\n\n{\"error\":{\"message\":\"a: b\"}}\n"),
            ["{\"error\":{\"message\":\"a: b\"}}"]
        );
        assert_eq!(data("data: a\n\ndata: [DONE]"), ["a", "[DONE]"]);
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; EVENT_BYTES / 2];
        parser.push(&piece).unwrap();
        parser.push(&piece).unwrap();
        assert_eq!(parser.push(b"x"), Err(EventTooLarge));

        let mut parser = SseParser::default();
        let line = [b"data: ", &piece[..], b"\n"].concat();
        parser.push(&line).unwrap();
        assert_eq!(parser.push(&line), Err(EventTooLarge));
    }

    /// Streams made of the pieces that matter, so that random ones hit the corners.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop_oneof![
            Just("data: "),
            Just("data:"),
            Just("event: error"),
            Just(": keep-alive"),
            Just("\n"),
            Just("\r\n"),
            Just("\r"),
            Just("\n\n"),
            Just("{\"a\":1}"),
            Just("[DONE]"),
            Just("é漢🦀"),
            Just("\u{feff}"),
            Just("x"),
        ];
        let text =
            prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
        prop_oneof![4 => text, 1 => prop::collection::vec(any::<u8>(), 0..200)]
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(bytes in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let whole = parse([&bytes[..]]);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let chunks = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(&parse(chunks), &whole);
            prop_assert_eq!(&parse(bytes.chunks(1)), &whole);
        }
    }
}
