use std::fmt;
use std::sync::Arc;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The id of an event: any name, kept as sixteen bytes by which a second delivery is told from a second event.
///
/// A UUID in its usual lower-case form is its own sixteen bytes. Any other name is hashed to them and kept beside them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventId {
    key: [u8; 16],
    /// `None` where the key writes the same text.
    name: Option<Arc<str>>,
}

impl EventId {
    /// The id that the sixteen bytes of a UUID write.
    pub const fn from_uuid(key: [u8; 16]) -> Self {
        Self { key, name: None }
    }

    /// An id as a store kept it: [`EventId::key`] and [`EventId::name`].
    pub const fn from_stored(key: [u8; 16], name: Option<Arc<str>>) -> Self {
        Self { key, name }
    }

    /// The id that a reporter calls `text`.
    #[cfg(feature = "engine")]
    pub fn from_text(text: &str) -> Self {
        if let Ok(uuid) = Uuid::try_parse(text)
            && uuid.hyphenated().encode_lower(&mut buffer()) == text
        {
            return Self::from_uuid(uuid.into_bytes());
        }
        Self {
            key: digest([text.as_bytes()]),
            name: Some(text.into()),
        }
    }

    /// The id of an event that came with none: the same event, sent again, has the same.
    #[cfg(feature = "engine")]
    pub(super) fn derived(parts: [&[u8]; 5]) -> Self {
        Self::from_uuid(digest(parts))
    }

    /// What tells it from every other event of the same reporter.
    pub const fn key(&self) -> &[u8; 16] {
        &self.key
    }

    /// The name, where it is another than the one that the key writes.
    pub const fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }
}

const fn buffer() -> [u8; Hyphenated::LENGTH] {
    [0; Hyphenated::LENGTH]
}

/// The first bytes of the SHA-256 of `parts`, each behind its length, as a UUID of version 8.
#[cfg(feature = "engine")]
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(first)
        .into_uuid()
        .into_bytes()
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => f.write_str(
                Uuid::from_bytes(self.key)
                    .hyphenated()
                    .encode_lower(&mut buffer()),
            ),
        }
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(all(test, feature = "engine"))]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_and_only_uuids_are_their_own_key() {
        let uuid = "018f2d5e-7b1a-7c3d-8e4f-0123456789ab";
        for text in [
            uuid,
            "evt-1",
            "",
            &uuid.to_uppercase(),
            &uuid.replace('-', ""),
            "é",
        ] {
            let id = EventId::from_text(text);
            assert_eq!(id.to_string(), text);
            assert_eq!(id.name().is_none(), text == uuid);
            let stored = EventId::from_stored(*id.key(), id.name().cloned());
            assert_eq!(stored, id);
        }
        assert_ne!(EventId::from_text("a").key(), EventId::from_text("b").key());
    }

    #[test]
    fn lengths_keep_parts_apart() {
        let one = EventId::derived([b"ab", b"c", b"", b"", b""]);
        let other = EventId::derived([b"a", b"bc", b"", b"", b""]);
        assert_ne!(one, other);
        // What is written once must be derived again by every later version, or events that are sent again count twice.
        assert_eq!(one.to_string(), "cf9247bc-2851-82d2-9585-c814cc415c4f");
    }
}
