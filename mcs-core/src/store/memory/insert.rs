use super::events::Commit;
use super::row::Row;
use super::state::State;
use crate::domain::{EventKind, Happening, NewTask, TaskId, Timestamp};
use crate::store::{Inserted, StoreError};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What the first pass over the tasks of one call has seen, so that nothing is stored if a later one fails.
#[derive(Default)]
struct Plan<'a> {
    ids: HashSet<TaskId>,
    unique: HashMap<(Arc<str>, &'a str), (TaskId, &'a NewTask)>,
    replies: Vec<Inserted>,
}

impl State {
    /// Stores all of `tasks` or none.
    pub(super) fn insert(
        &mut self,
        tasks: Vec<NewTask>,
        now: Timestamp,
    ) -> Result<Vec<Inserted>, StoreError> {
        let created_at = now.max(self.latest_created);
        let replies = self.plan(&tasks, created_at)?;
        let mut commit = Commit::at(now);
        for (new, reply) in tasks.into_iter().zip(&replies) {
            if reply.created {
                self.store(reply.id, new, created_at, &mut commit);
            }
        }
        self.events.publish(commit);
        Ok(replies)
    }

    fn plan(&self, tasks: &[NewTask], now: Timestamp) -> Result<Vec<Inserted>, StoreError> {
        let mut plan = Plan::default();
        for new in tasks {
            let reply = self.place(new, now, &mut plan)?;
            plan.replies.push(reply);
        }
        Ok(plan.replies)
    }

    fn place<'a>(
        &self,
        new: &'a NewTask,
        now: Timestamp,
        plan: &mut Plan<'a>,
    ) -> Result<Inserted, StoreError> {
        let known = |id: &TaskId| self.find(*id).is_some() || plan.ids.contains(id);
        if let Some(id) = new.id.filter(known) {
            return Ok(Inserted { id, created: false });
        }
        if let Some(first) = self.first_with_key(new, plan)? {
            return Ok(Inserted {
                id: first,
                created: false,
            });
        }
        let id = new.id.unwrap_or_else(|| self.id_source.next(now));
        plan.ids.insert(id);
        if let Some(key) = &new.unique_key {
            plan.unique.insert((Arc::clone(&new.owner), key), (id, new));
        }
        Ok(Inserted { id, created: true })
    }

    /// The task that has the unique key of `new`, or a refusal if it is another piece of work.
    fn first_with_key(&self, new: &NewTask, plan: &Plan<'_>) -> Result<Option<TaskId>, StoreError> {
        let Some(key) = &new.unique_key else {
            return Ok(None);
        };
        let stored = self.unique.get(&(Arc::clone(&new.owner), key.clone()));
        let (existing, same) = if let Some(row) = stored.and_then(|seq| self.row(*seq)) {
            let payload = row.task.payload.as_ref();
            let same = row.task.kind == new.kind
                && payload.is_some_and(|payload| payload.same_value(&new.payload));
            (row.task.id, same)
        } else if let Some((id, first)) = plan.unique.get(&(Arc::clone(&new.owner), key.as_str())) {
            let same = first.kind == new.kind && first.payload.same_value(&new.payload);
            (*id, same)
        } else {
            return Ok(None);
        };
        if same {
            return Ok(Some(existing));
        }
        let key = key.clone();
        Err(StoreError::UniqueKey { key, existing })
    }

    fn store(&mut self, id: TaskId, new: NewTask, created_at: Timestamp, commit: &mut Commit) {
        let scheduled = new.run_at.is_some_and(|run_at| run_at > commit.now);
        let row = Row::new(self.next_seq(), id, new, (commit.now, created_at));
        self.latest_created = created_at;
        self.queue_mut(&row.task.queue);
        self.stats
            .count(created_at, &row.task, &[Happening::Created(1)]);
        let detail = scheduled.then(|| json!({"run_at": row.task.run_at}));
        commit.tell(&row.task, EventKind::Created, detail);
        self.add(row);
    }
}
