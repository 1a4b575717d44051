//! How what attempts say is put to the store.

use super::shared::Shared;
use crate::domain::{Progress, limits};
use crate::store::{Append, AppendReply, StoreError};

/// Appends all entries, or, where the store refuses them together, one by one: a bad one must not cost the others.
pub(super) async fn append(
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
