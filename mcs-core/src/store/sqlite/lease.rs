use super::failure::Failure;
use super::settle::{Ender, LeaseRow, lease_columns};
use super::tx::Tx;
use crate::domain::WorkerId;
use crate::store::{Extension, LeaseState, Reaped};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// Moves the expiry of leases.
pub(super) fn extend(
    conn: &Connection,
    tx: &Tx,
    leases: &[Extension],
    lease: Duration,
) -> Result<Vec<LeaseState>, Failure> {
    let until = tx.now.plus(lease).as_millis();
    let mut extend = conn.prepare_cached(
        "UPDATE task SET lease_until = ?1 WHERE uuid = ?2 AND lease = ?3 AND lease_until IS NOT NULL
         RETURNING cancel_at IS NOT NULL",
    )?;
    let mut states = Vec::with_capacity(leases.len());
    for extension in leases {
        let asked = extend
            .query_row(
                params![
                    until,
                    extension.task.as_bytes().as_slice(),
                    i64::try_from(extension.lease.0).unwrap_or(-1)
                ],
                |row| row.get(0),
            )
            .optional()?;
        states.push(match asked {
            None => LeaseState::Lost,
            Some(true) => LeaseState::CancelRequested,
            Some(false) => LeaseState::Held,
        });
    }
    Ok(states)
}

/// Takes back tasks whose lease ran out or whose worker is dead, those that expire first.
pub(super) fn reap(
    conn: &Connection,
    tx: &mut Tx,
    dead: &[WorkerId],
    limit: usize,
) -> Result<Vec<Reaped>, Failure> {
    let mut abandoned = conn.prepare_cached(concat!(
        "SELECT ",
        lease_columns!(),
        " FROM task
         WHERE lease_until IS NOT NULL AND (lease_until <= ?1 OR worker IN (SELECT value FROM json_each(?2)))
         ORDER BY lease_until, id LIMIT ?3"
    ))?;
    let dead = serde_json::to_string(dead).map_err(super::insert::to_sql)?;
    let rows: Vec<LeaseRow> = abandoned
        .query_map(params![tx.now.as_millis(), dead, limit], LeaseRow::from_row)?
        .collect::<rusqlite::Result<_>>()?;
    let mut ender = Ender::prepare(conn)?;
    let mut reaped = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(status) = ender.rescue(tx, &row)? {
            reaped.push(Reaped { id: row.id, status });
        }
    }
    Ok(reaped)
}
