use super::cache_key::CacheKey;
use crate::clock::Clock;
use crate::domain::{Json, Status, Task, TaskId, TaskResult, Timestamp};
use crate::provider::CompletionRequest;
use crate::store::{Expected, Parts, RecordStore, StoreError, TaskStore};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Where the records are.
const COLLECTION: &str = "prompt_cache";
/// How many old records one write looks for.
const SWEPT: usize = 16;

/// Finds the earlier task that has answered a request already.
///
/// It keeps no answers: a record says which task was asked what, as a hash, and the answer is that task's result, for as
/// long as the store keeps it. So it lasts over restarts and holds for every process on the same store. Which record a
/// request has follows from its hash, and of two requests with one record the later one has it, which bounds them all.
/// Two tasks that ask the same at the same time are both asked: each answer is good, and the later one is found.
#[derive(Debug, Clone)]
pub struct AnswerCache {
    tasks: Arc<dyn TaskStore>,
    records: Arc<dyn RecordStore>,
    clock: Arc<dyn Clock>,
}

/// A record. It holds nothing of the request itself, which may be a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    request: String,
    task: TaskId,
}

/// An answer from earlier.
#[derive(Debug)]
pub(super) struct Cached {
    task: TaskId,
    age: Duration,
    result: TaskResult,
}

impl AnswerCache {
    /// Longest time that an answer can be used for: how long completed tasks are kept unless it is set. Records of older
    /// ones are removed as others are written.
    pub const LONGEST: Duration = Duration::from_hours(30 * 24);

    /// Over the stores of the tasks that it looks for.
    pub fn new(
        tasks: Arc<dyn TaskStore>,
        records: Arc<dyn RecordStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tasks,
            records,
            clock,
        }
    }

    /// The answer to the request of `key` from a task of `owner` that completed no longer than `ttl` ago. A store that
    /// fails has none: the model can be asked instead.
    pub(super) async fn find(&self, key: &CacheKey, owner: &str, ttl: Duration) -> Option<Cached> {
        let found = self.look_up(key, owner, ttl).await;
        found.unwrap_or_else(|error| {
            warn(&error, "an earlier answer could not be looked up");
            None
        })
    }

    async fn look_up(
        &self,
        key: &CacheKey,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Cached>, StoreError> {
        let Some(record) = self.records.get_record(COLLECTION, &key.slot()).await? else {
            return Ok(None);
        };
        let entry: Option<Entry> = record.value.parse().ok();
        let Some(entry) = entry.filter(|entry| entry.request == key.request()) else {
            return Ok(None);
        };
        let parts = Parts {
            result: true,
            ..Parts::NONE
        };
        let task = self.tasks.get(&[entry.task], parts).await?.pop().flatten();
        // The hash has the owner in it; looking again costs nothing and leaves no doubt.
        let task = task.filter(|task| *task.owner == *owner);
        let Some(task) = task.filter(|task| !task.status.is_terminal() || is_answered(task)) else {
            // It is gone, or came to nothing. A newer record stays.
            let expected = Expected::Version(record.version);
            let key = &record.key;
            match self.records.delete_record(COLLECTION, key, expected).await {
                Ok(_) | Err(StoreError::VersionConflict { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        let now = self.clock.now();
        let age = task.finished_at.map(|at| now.since(at));
        let result = task.result.as_ref().and_then(|json| json.parse().ok());
        Ok(match (age, result) {
            (Some(age), Some(result)) if age <= ttl => Some(Cached {
                task: task.id,
                age,
                result,
            }),
            _ => None,
        })
    }

    /// Remembers that `task` was given an answer to the request of `key`, and removes a few records that are too old.
    pub(super) async fn remember(&self, key: &CacheKey, task: TaskId) {
        let (slot, now) = (key.slot(), self.clock.now());
        let entry = Entry {
            request: key.request().to_owned(),
            task,
        };
        if let Err(error) = self.write(&slot, &entry, now).await {
            warn(&error, "an answer could not be remembered");
        } else if let Err(error) = self.sweep(&slot, now).await {
            warn(&error, "old answers could not be forgotten");
        }
    }

    async fn write(&self, slot: &str, entry: &Entry, now: Timestamp) -> Result<(), StoreError> {
        let value = Json::from(json!(entry));
        let written = self
            .records
            .put_record(COLLECTION, slot, value, Expected::Any, Some(now));
        written.await.map(drop)
    }

    /// Looks at the records behind `slot`, the first ones being behind the last. Slots are as good as random, so every
    /// record has its turn.
    async fn sweep(&self, slot: &str, now: Timestamp) -> Result<(), StoreError> {
        let list = |after, limit| self.records.list_records(COLLECTION, "", after, limit);
        let mut page = list(Some(slot), SWEPT).await?;
        if page.len() < SWEPT {
            page.extend(list(None, SWEPT - page.len()).await?);
        }
        for record in page {
            if now.since(record.updated_at) <= Self::LONGEST {
                continue;
            }
            let expected = Expected::Version(record.version);
            let deleted = self
                .records
                .delete_record(COLLECTION, &record.key, expected);
            match deleted.await {
                Ok(_) | Err(StoreError::VersionConflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Cached {
    /// What to say of it in the log.
    pub(super) fn notice(&self) -> String {
        let age = humantime::format_duration(Duration::from_secs(self.age.as_secs()));
        format!(
            "answered from the task {}, which completed {age} ago: no model was asked and nothing is paid",
            self.task
        )
    }

    /// The text that is there at once.
    pub(super) fn text(&self) -> String {
        self.result.joined_text()
    }

    /// The earlier result, with where it is from and without what it cost then.
    pub(super) fn into_result(self) -> TaskResult {
        let mut result = self.result;
        let structured = result.structured.get_or_insert_with(|| json!({}));
        if let Value::Object(fields) = structured {
            let from = json!({"task_id": self.task, "age_seconds": self.age.as_secs()});
            fields.insert("cached_from".into(), from);
            let nothing =
                json!({"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0});
            fields.insert("usage".into(), nothing);
            // They were about what it cost, or about its budget.
            fields.remove("warnings");
        }
        result
    }
}

fn is_answered(task: &Task) -> bool {
    task.status == Status::Completed && task.result.is_some()
}

fn warn(error: &dyn Display, what: &str) {
    tracing::warn!(%error, "{what}");
}

/// The request of a task, as the cache knows it.
pub(super) fn key(task: &Task, request: &CompletionRequest) -> CacheKey {
    CacheKey::new(
        &task.owner,
        task.provider.as_deref().unwrap_or_default(),
        request,
    )
}
