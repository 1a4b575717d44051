use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use std::fmt::{Display, Write};
use std::time::Duration;

/// Server-sent events as they are written.
#[derive(Debug, Default)]
pub(crate) struct Blocks(BytesMut);

/// An event that cannot be written as JSON.
pub(crate) type Unwritable = serde_json::Error;

impl Blocks {
    /// Tells nothing but where the stream begins, for a client that loses it before the first event, and after how long it
    /// shall come back.
    pub(crate) fn begin(id: Option<&dyn Display>, come_back: Duration) -> Self {
        let mut blocks = Self::default();
        if let Some(id) = id {
            blocks.line("id", id);
        }
        blocks.line("retry", &come_back.as_millis());
        blocks.end();
        blocks
    }

    /// An event with its data, and with the id by which a client goes on behind it.
    pub(crate) fn event(
        &mut self,
        name: &str,
        id: Option<&dyn Display>,
        data: &impl Serialize,
    ) -> Result<(), Unwritable> {
        if let Some(id) = id {
            self.line("id", id);
        }
        self.line("event", &name);
        self.0.extend_from_slice(b"data: ");
        // JSON that is not made pretty has no end of a line in it.
        serde_json::to_writer((&mut self.0).writer(), data)?;
        self.0.extend_from_slice(b"\n");
        self.end();
        Ok(())
    }

    /// Tells a client that hears nothing that the stream lives, and from where it goes on if it loses it now.
    pub(crate) fn sign_of_life(id: Option<&dyn Display>) -> Self {
        let mut blocks = Self(BytesMut::from(&b":\n"[..]));
        if let Some(id) = id {
            blocks.line("id", id);
        }
        blocks.end();
        blocks
    }

    /// The bytes.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.0.freeze()
    }

    /// A field. What is written has no end of a line in it.
    fn line(&mut self, field: &str, value: &dyn Display) {
        // There is always more memory, or there is no program.
        let _ = writeln!(self.0, "{field}: {value}");
    }

    fn end(&mut self) {
        self.0.extend_from_slice(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(blocks: Blocks) -> String {
        String::from_utf8(blocks.into_bytes().into()).unwrap()
    }

    #[test]
    fn events_are_written_as_browsers_read_them() {
        let second = Duration::from_secs(1);
        let mut blocks = Blocks::begin(Some(&"c5"), second);
        let data = json!({"text": "a\nb"});
        blocks.event("task", Some(&"c5.0"), &data).unwrap();
        blocks.event("delta", None, &json!(1)).unwrap();
        let wanted = "id: c5\nretry: 1000\n\n\
            id: c5.0\nevent: task\ndata: {\"text\":\"a\\nb\"}\n\n\
            event: delta\ndata: 1\n\n";
        assert_eq!(text(blocks), wanted);
        assert_eq!(text(Blocks::begin(None, second)), "retry: 1000\n\n");
        assert_eq!(text(Blocks::sign_of_life(None)), ":\n\n");
        let with_place = Blocks::sign_of_life(Some(&"c9"));
        assert_eq!(text(with_place), ":\nid: c9\n\n");
    }
}
