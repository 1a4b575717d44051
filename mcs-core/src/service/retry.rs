use crate::domain::{NewTask, Task, Timestamp};

/// A new task with the inputs of `task`, to run at once. It has no unique key, which stays with the first, and as much
/// time until its deadline as the first had. `None` if the payload was not read along.
pub(super) fn again(task: Task, now: Timestamp) -> Option<NewTask> {
    let time_to_finish = task
        .deadline
        .map(|deadline| deadline.since(task.created_at));
    Some(NewTask {
        owner: task.owner,
        queue: task.queue,
        priority: task.priority,
        dispatch: task.dispatch,
        timeout_ms: task.timeout_ms,
        deadline: time_to_finish.map(|time| now.plus(time)),
        max_attempts: task.max_attempts,
        retry: task.retry,
        budget_usd: task.budget_usd,
        limit_key: task.limit_key,
        hold_key: task.hold_key,
        provider: task.provider,
        model: task.model,
        work_directory: task.work_directory,
        category: task.category,
        tags: task.tags,
        metadata: task.metadata,
        depends_on: task.depends_on,
        parent: task.parent,
        retry_of: Some(task.id),
        ttl_ms: task.ttl_ms,
        preview: task.preview,
        ..NewTask::new(task.kind, task.payload?)
    })
}
