//! How what attempts say is put to the store.

use super::shared::Shared;
use crate::domain::{Progress, limits};
use crate::store::{Append, AppendReply, Entry, StoreError};

/// Output in one commit, in bytes. A commit is one batch of events, of which slow subscribers keep many.
const OUTPUT_AT_ONCE: usize = 64 * 1024;

/// Appends all entries, in as few commits as their size allows.
pub(super) async fn append(
    shared: &Shared,
    entries: Vec<Append>,
) -> Vec<Result<AppendReply, StoreError>> {
    let mut replies = Vec::with_capacity(entries.len());
    for part in parts(entries) {
        replies.extend(append_part(shared, part).await);
    }
    replies
}

/// The entries in their order, parted where their output grows too large.
fn parts(entries: Vec<Append>) -> Vec<Vec<Append>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        if let Entry::Output(output) = &entry.entry {
            let size = output.as_str().len();
            if bytes > 0 && bytes + size > OUTPUT_AT_ONCE {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += size;
        }
        part.push(entry);
    }
    parts.push(part);
    parts
}

/// Appends entries together, or, where the store refuses that, one by one: a bad one must not cost the others.
async fn append_part(
    shared: &Shared,
    entries: Vec<Append>,
) -> Vec<Result<AppendReply, StoreError>> {
    if entries.len() > 1 {
        match shared.store.append(entries.clone(), shared.now()).await {
            Ok(replies) => return replies.into_iter().map(Ok).collect(),
            Err(error @ StoreError::Invalid(_)) => tracing::debug!(%error, "appending one by one"),
            // What fails for all of them now fails for each of them too, and each would wait as long.
            Err(error) => {
                tracing::warn!(%error, entries = entries.len(), "what attempts said could not be stored");
                return entries.iter().map(|_| Err(error.for_another())).collect();
            }
        }
    }
    let mut replies = Vec::with_capacity(entries.len());
    for entry in entries {
        let reply = shared.store.append(vec![entry], shared.now()).await;
        replies.push(reply.map(|replies| replies.first().copied().unwrap_or(AppendReply::Missing)));
    }
    replies
}

/// The progress as every store takes it.
pub(super) fn storable(mut progress: Progress) -> Progress {
    progress.percent = progress
        .percent
        .filter(|percent| percent.is_finite())
        .map(|percent| percent.clamp(0.0, 100.0));
    if let Some(message) = &mut progress.message {
        if message.contains('\0') {
            *message = message.replace('\0', "\u{fffd}");
        }
        message.truncate(message.floor_char_boundary(limits::TEXT_BYTES));
    }
    progress
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdSource, Json, LeaseNumber, LogLevel, Timestamp};

    #[test]
    fn much_output_is_parted_and_stays_in_order() {
        let task = IdSource::default().next(Timestamp::default());
        let append = |entry| Append {
            task,
            lease: Some(LeaseNumber(1)),
            entry,
        };
        let output = |bytes: usize| Entry::Output(Json::from_stored("1".repeat(bytes)));
        let line = || Entry::Log {
            level: LogLevel::Info,
            text: "a line".into(),
        };
        let sizes = [OUTPUT_AT_ONCE, 1, 2, OUTPUT_AT_ONCE - 3, 1];
        let mut entries: Vec<Append> = sizes.map(|bytes| append(output(bytes))).into();
        entries.insert(1, append(line()));
        let parted = parts(entries.clone());
        let counts: Vec<usize> = parted.iter().map(Vec::len).collect();
        assert_eq!(counts, [2, 3, 1]);
        assert_eq!(parted.concat(), entries);
        assert_eq!(parts(vec![append(line()); 500]).len(), 1);
    }

    #[test]
    fn progress_is_made_storable() {
        let said = Progress {
            percent: Some(250.0),
            message: Some("a\0".repeat(limits::TEXT_BYTES)),
        };
        let stored = storable(said);
        assert_eq!(stored.percent, Some(100.0));
        let message = stored.message.unwrap();
        assert!(message.len() <= limits::TEXT_BYTES && !message.contains('\0'));
        let unknown = Progress {
            percent: Some(f32::NAN),
            message: None,
        };
        assert_eq!(storable(unknown).percent, None);
    }
}
