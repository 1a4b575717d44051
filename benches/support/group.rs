use super::{Outcome, sql};
use mcs_core::domain::{EventKind, Status, TaskId, Timestamp};
use rusqlite::{Connection, params};

/// What one transaction of the bare loop counts, and tells in one batch of events.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) lane: i64,
    pub(super) cohort: i64,
    pub(super) now: Timestamp,
    /// Change of the tasks in each status, by the status's code.
    statuses: [i64; 6],
    ready: i64,
    created: i64,
    completed: i64,
    wait_ms: i64,
    events: Vec<u8>,
}

/// What the store counts ready tasks under, beside the statuses.
const READY_CODE: i64 = 6;
const HOUR_MS: i64 = 3_600_000;

impl Group {
    pub(super) fn new(lane: i64, cohort: i64) -> Self {
        Self {
            lane,
            cohort,
            now: Timestamp::from_millis(0),
            statuses: [0; 6],
            ready: 0,
            created: 0,
            completed: 0,
            wait_ms: 0,
            events: Vec::new(),
        }
    }

    /// Adds an event, in as many bytes as the store's.
    pub(super) fn event(&mut self, kind: EventKind, task: TaskId, attempt: u32) {
        self.events.push(kind.code());
        self.events.extend_from_slice(task.as_bytes());
        self.events.extend_from_slice(&self.cohort.to_le_bytes());
        self.events.extend_from_slice(&attempt.to_le_bytes());
        self.events.extend_from_slice(&0_u32.to_le_bytes());
    }

    pub(super) fn created(&mut self, tasks: usize) -> Outcome {
        let tasks = i64::try_from(tasks)?;
        self.created += tasks;
        self.ready += tasks;
        self.statuses[code(Status::Pending)] += tasks;
        Ok(())
    }

    pub(super) fn claimed(&mut self, tasks: usize) -> Outcome {
        let tasks = i64::try_from(tasks)?;
        self.ready -= tasks;
        self.statuses[code(Status::Pending)] -= tasks;
        self.statuses[code(Status::Processing)] += tasks;
        Ok(())
    }

    pub(super) fn completed(&mut self, tasks: usize) -> Outcome {
        let tasks = i64::try_from(tasks)?;
        self.completed += tasks;
        self.statuses[code(Status::Processing)] -= tasks;
        self.statuses[code(Status::Completed)] += tasks;
        Ok(())
    }

    pub(super) const fn waited(&mut self, created: i64, started: i64) {
        self.wait_ms += started - created;
    }

    /// Writes all of it.
    pub(super) fn write(&mut self, conn: &Connection) -> Outcome {
        if self.ready != 0 {
            conn.prepare_cached(sql::COUNT_LANE)?
                .execute([self.ready, self.lane])?;
            conn.prepare_cached(sql::COUNT_STATUS)?.execute([
                self.cohort,
                READY_CODE,
                self.ready,
            ])?;
        }
        for (code, change) in (0_i64..)
            .zip(self.statuses)
            .filter(|(_, change)| *change != 0)
        {
            conn.prepare_cached(sql::COUNT_STATUS)?
                .execute([self.cohort, code, change])?;
        }
        let now = self.now.as_millis();
        if self.created != 0 || self.completed != 0 {
            let hour = now - now.rem_euclid(HOUR_MS);
            conn.prepare_cached(sql::COUNT_HOUR)?.execute([
                hour,
                self.created,
                self.completed,
                self.wait_ms,
            ])?;
        }
        if !self.events.is_empty() {
            conn.prepare_cached(sql::EVENTS)?
                .execute(params![now, self.events])?;
        }
        let events = std::mem::take(&mut self.events);
        *self = Self::new(self.lane, self.cohort);
        self.events = events;
        self.events.clear();
        Ok(())
    }
}

fn code(status: Status) -> usize {
    Status::ALL
        .iter()
        .position(|each| *each == status)
        .unwrap_or_default()
}
