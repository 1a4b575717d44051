//! How interactions and their events are read from rows.

use super::super::failure::damaged;
use crate::domain::interaction::{
    EventId, InteractionAction, InteractionFlags, InteractionStatus, InteractionSummary, KeptEvent,
    Micros,
};
use crate::domain::{Cursor, Json, Timestamp};
use rusqlite::Row;
use std::sync::Arc;

/// The columns that [`summary_from`] reads, from the one with `$first` before it on.
macro_rules! summary_columns {
    () => {
        "i.id, i.status, i.flags, i.events, i.started_at, i.last_event_at, i.finished_at, i.duration_us, i.user_id,
         i.request_type, i.tool, i.error_type"
    };
}
/// The columns that [`event_from`] reads.
macro_rules! event_columns {
    () => {
        "e.place, e.received_at, e.key, e.event_id, e.action, e.at, e.reporter_seq, e.traceparent, e.data"
    };
}
pub(super) use {event_columns, summary_columns};

/// The interaction of a row of `summary_columns`.
pub(super) fn summary_from(
    row: &Row<'_>,
    mcp_id: Arc<str>,
    interaction_id: Arc<str>,
) -> rusqlite::Result<InteractionSummary> {
    Ok(InteractionSummary {
        interaction_id,
        mcp_id,
        status: pick(&InteractionStatus::ALL, row.get(1)?, "status")?,
        flags: InteractionFlags::from_bits(row.get(2)?),
        events: row.get(3)?,
        started_at: Micros::from_micros(row.get(4)?),
        last_event_at: Micros::from_micros(row.get(5)?),
        finished_at: row.get::<_, Option<i64>>(6)?.map(Micros::from_micros),
        duration_us: row.get(7)?,
        user_id: row.get(8)?,
        request_type: row.get(9)?,
        tool: row.get(10)?,
        error_type: row.get(11)?,
    })
}

/// The event of a row of `event_columns`.
pub(super) fn event_from(
    row: &Row<'_>,
    mcp_id: Arc<str>,
    interaction_id: Arc<str>,
) -> rusqlite::Result<KeptEvent> {
    Ok(KeptEvent {
        place: Cursor(row.get(0)?),
        received_at: Timestamp::from_millis(row.get(1)?),
        mcp_id,
        interaction_id,
        event_id: EventId::from_stored(row.get(2)?, row.get(3)?),
        action: pick(&InteractionAction::ALL, row.get(4)?, "action")?,
        at: Micros::from_micros(row.get(5)?),
        seq: row.get(6)?,
        traceparent: row.get(7)?,
        data: Json::from_stored(row.get::<_, Arc<str>>(8)?),
    })
}

/// The code of a status: its position in [`InteractionStatus::ALL`].
pub(super) const fn status_code(status: InteractionStatus) -> i64 {
    match status {
        InteractionStatus::Started => 0,
        InteractionStatus::InProgress => 1,
        InteractionStatus::Completed => 2,
        InteractionStatus::Failed => 3,
    }
}

/// The code of an action: its position in [`InteractionAction::ALL`].
pub(super) const fn action_code(action: InteractionAction) -> i64 {
    match action {
        InteractionAction::Start => 0,
        InteractionAction::Progress => 1,
        InteractionAction::Complete => 2,
        InteractionAction::Error => 3,
    }
}

fn pick<T: Copy>(all: &[T], code: i64, what: &str) -> rusqlite::Result<T> {
    let found = usize::try_from(code).ok().and_then(|code| all.get(code));
    found
        .copied()
        .ok_or_else(|| damaged(0, format!("unknown {what} {code} of an interaction")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_positions() {
        for (code, status) in (0..).zip(InteractionStatus::ALL) {
            assert_eq!(status_code(status), code);
        }
        for (code, action) in (0..).zip(InteractionAction::ALL) {
            assert_eq!(action_code(action), code);
            assert_eq!(
                pick(&InteractionAction::ALL, code, "action").unwrap(),
                action
            );
        }
        for bad in [-1, 4, i64::MAX] {
            assert!(pick(&InteractionStatus::ALL, bad, "status").is_err());
        }
    }
}
