//! A file in which tasks of many sorts lie, and the filters that find some of them.

use crate::support::{Outcome, Percentiles, check};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{
    Claim, Dispatch, ErrorClass, Json, LaneDemand, NewTask, Outcome as Ended, PageRequest,
    Priority, QueueDemand, Settlement, Status, Task, TaskError, TaskFilter, TaskResult, Timestamp,
    Usage, WorkerId, limits,
};
use mcs_core::store::TaskStore;
use serde_json::json;
use std::time::{Duration, Instant};

const QUEUES: usize = 8;
const KINDS: usize = 5;
/// Each owner has tasks of [`SORTS`] sorts, as owners do, so that there are thousands of combinations.
const OWNERS: usize = 1000;
const SORTS: usize = 3;
const BATCH: usize = 1000;
const PAGE: usize = 50;
/// Longest time to spend on one filter.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the file holds.
#[derive(Debug)]
pub(crate) struct Dataset {
    /// When the first task, each further twentieth, and the last were stored.
    times: Vec<Timestamp>,
}

impl Dataset {
    /// Stores `count` tasks and finishes two thirds of them. A few are running, failures are among the oldest only, one in
    /// fifty is cancelled, nothing waits for an answer.
    pub(crate) async fn fill(store: &dyn TaskStore, count: usize) -> Outcome<Self> {
        let mut times = vec![SystemClock.now()];
        let batches = count / BATCH;
        for batch in 0..batches {
            let tasks = (0..BATCH).map(|index| sort(batch * BATCH + index, count));
            store.insert(tasks.collect(), None).await?;
            if batch * 20 / batches > (times.len() - 1) {
                times.push(SystemClock.now());
            }
        }
        times.push(SystemClock.now());
        let old = times.get(1).copied().unwrap_or_default();
        let mut settle = Vec::new();
        for _ in 0..batches * 2 / 3 {
            let claimed = store
                .claim(demand(std::mem::take(&mut settle), BATCH), None)
                .await?;
            for task in &claimed.tasks {
                settle.push(settlement(task, old)?);
            }
        }
        store.settle(settle, None).await?;
        store.claim(demand(Vec::new(), BATCH / 5), None).await?;
        Ok(Self { times })
    }

    /// Filters by the name of what they filter by: each value alone and with each status.
    pub(crate) fn filters(&self) -> Vec<(&'static str, Vec<TaskFilter>)> {
        let time = |index: usize| self.times.get(index).copied();
        let one = |edit: &dyn Fn(&mut TaskFilter)| {
            let mut filter = TaskFilter::default();
            edit(&mut filter);
            filter
        };
        let last = self.times.len() - 1;
        let range = |from: Option<Timestamp>, before: Option<Timestamp>| {
            one(&|filter| (filter.created_from, filter.created_before) = (from, before))
        };
        let values = |what: &str, set: fn(&mut TaskFilter) -> &mut Option<String>| {
            let names = ["1", "rare", "none"].map(|name| format!("{what}-{name}"));
            names
                .iter()
                .map(|name| one(&|filter| *set(filter) = Some(name.clone())))
                .collect()
        };
        let alone: [(&'static str, Vec<TaskFilter>); 6] = [
            ("status", vec![TaskFilter::default()]),
            ("kind", values("kind", |filter| &mut filter.kind)),
            ("queue", values("queue", |filter| &mut filter.queue)),
            ("tag", values("tag", |filter| &mut filter.tag)),
            ("owner", values("owner", |filter| &mut filter.owner)),
            (
                "created",
                vec![
                    range(time(9), time(10)),
                    range(None, time(1)),
                    range(time(last - 1), None),
                    range(time(last).map(|end| end.plus(PATIENCE)), None),
                ],
            ),
        ];
        alone
            .into_iter()
            .map(|(name, filters)| (name, with_statuses(&filters)))
            .collect()
    }

    /// Reads pages, following the cursor.
    pub(crate) async fn read(
        &self,
        store: &dyn TaskStore,
        filter: &TaskFilter,
        rounds: usize,
    ) -> Outcome<Percentiles> {
        let mut times = Percentiles::new()?;
        let mut page = PageRequest::first(PAGE);
        let begin = Instant::now();
        for _ in 0..rounds {
            let start = Instant::now();
            let found = store.list(filter, &page).await?;
            times.record(start.elapsed());
            check(found.items.iter().all(|task| filter.matches(task)), || {
                format!("a page by {} has tasks that do not match", name(filter))
            })?;
            check(found.next.is_none() || found.items.len() == PAGE, || {
                format!("a page by {} is short and not the last", name(filter))
            })?;
            page.after = found.next;
            if begin.elapsed() > PATIENCE {
                break;
            }
        }
        Ok(times)
    }
}

/// What a filter says, for a reader.
pub(crate) fn name(filter: &TaskFilter) -> String {
    let TaskFilter {
        status,
        kind,
        queue,
        tag,
        owner,
        created_from,
        created_before,
    } = filter;
    let texts = [kind, queue, tag, owner].into_iter().flatten().cloned();
    let from = created_from.iter().map(|time| format!("from {time}"));
    let before = created_before.iter().map(|time| format!("before {time}"));
    let status = status.iter().map(ToString::to_string);
    let parts: Vec<String> = texts.chain(from).chain(before).chain(status).collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join(" and ")
    }
}

fn with_statuses(filters: &[TaskFilter]) -> Vec<TaskFilter> {
    let mut all = Vec::new();
    for filter in filters {
        all.push(filter.clone());
        all.extend(Status::ALL.map(|status| TaskFilter {
            status: Some(status),
            ..filter.clone()
        }));
    }
    all
}

fn sort(number: usize, count: usize) -> NewTask {
    // Sixty at the very beginning are of sorts that there are no others of.
    let rare = number < 60;
    let scattered = scatter(number);
    let owner = scattered % OWNERS;
    let sort = scattered / OWNERS % SORTS;
    let named = |what: &str, value: usize| {
        if rare {
            format!("{what}-rare")
        } else {
            format!("{what}-{value}")
        }
    };
    let kind = named("kind", (owner + sort * 2) % KINDS);
    let mut task = NewTask::new(kind, json!({"prompt": "x".repeat(240)}));
    task.queue = named("queue", (owner / KINDS + sort) % QUEUES).into();
    task.owner = named("owner", owner).into();
    task.priority = [Priority::LOW, Priority::NORMAL, Priority::HIGH][scattered / 7 % 3];
    if number.is_multiple_of(2) {
        task.tags.push("tag-1".to_owned());
    }
    if number % (count / 100).max(1) == 7 {
        task.tags.push("tag-rare".to_owned());
    }
    task
}

/// A number that looks like chance and is the same in every run.
fn scatter(number: usize) -> usize {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15_usize) >> 20
}

fn settlement(task: &Task, old: Timestamp) -> Outcome<Settlement> {
    let lease = task.lease.as_ref().ok_or("a claimed task has no lease")?;
    let last = usize::from(task.id.as_bytes()[15]);
    let error = |class| TaskError::new(class, "as an example");
    let outcome = if task.created_at < old && last % 4 == 0 {
        Ended::Fail(error(ErrorClass::Permanent))
    } else if last % 50 == 0 {
        Ended::Cancel(error(ErrorClass::Cancelled))
    } else {
        Ended::Complete(Json::new(&TaskResult::text("done"))?)
    };
    Ok(Settlement {
        task: task.id,
        lease: lease.number,
        outcome,
        usage: Usage::default(),
    })
}

fn demand(settle: Vec<Settlement>, limit: usize) -> Claim {
    let names = |what: &str, count: usize| {
        let numbered = (0..count).map(|number| format!("{what}-{number}"));
        numbered
            .collect::<Vec<_>>()
            .into_iter()
            .chain([format!("{what}-rare")])
    };
    let lanes: Vec<LaneDemand> = names("kind", KINDS)
        .map(|kind| LaneDemand {
            kind,
            limit_key: None,
            slots: limit,
        })
        .collect();
    let queues = names("queue", QUEUES).map(|queue| QueueDemand {
        queue,
        slots: limit.div_ceil(QUEUES),
        lanes: lanes.clone(),
    });
    Claim {
        worker: WorkerId("bench".into()),
        settle,
        queues: queues.collect(),
        limit,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: None,
        lease: limits::LEASE,
    }
}
