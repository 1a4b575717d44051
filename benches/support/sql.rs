//! What the bare loop does to a file: the same reads and writes as the store's, a statement each.

/// Settings of a writing connection, beside `synchronous`.
pub(super) const SETTINGS: &str = "PRAGMA wal_autocheckpoint = 8000;
     PRAGMA journal_size_limit = 67108864;
     PRAGMA cache_size = -32768;
     PRAGMA temp_store = MEMORY;";

pub(super) const LATEST_CREATED: &str = "SELECT created_at FROM task ORDER BY id DESC LIMIT 1";

pub(super) const INSERT_TASK: &str = "INSERT INTO task (uuid, lane, cohort, status, done, ready, wait_reason, priority, run_at, attempt,
                       max_attempts, rescues, lease, tagged, created_at, timeout_ms, deadline, ttl_ms)
     VALUES (?, ?, ?, 0, 0, 1, NULL, ?, ?, 0, ?, 0, 0, 0, ?, NULL, NULL, NULL)";

pub(super) const INSERT_INPUT: &str = "INSERT INTO task_input (id, unique_key, provider, model, work_directory, category, tags, metadata,
                             traceparent, budget_usd, retry, depends_on, parent, retry_of, preview,
                             payload_bytes, payload)
     VALUES (?, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ?, ?, ?)";

pub(super) const QUEUE: &str = "SELECT paused, claimed FROM queue WHERE name = ?";

pub(super) const LANES: &str = "SELECT l.id, l.kind, l.limit_key FROM lane l LEFT JOIN hold h ON l.hold_key <> '' AND h.key = l.hold_key
     WHERE l.queue = ? AND l.dispatch = 0 AND l.ready > 0 AND (h.until IS NULL OR h.until <= ?)";

pub(super) const CANDIDATES: &str = "SELECT priority, run_at, id FROM task INDEXED BY task_ready
     WHERE ready = 1 AND lane = ? AND (deadline IS NULL OR deadline > ?)
     ORDER BY priority DESC, run_at, id LIMIT ?";

pub(super) const READ_TASK: &str = "SELECT t.uuid, t.priority, t.status, t.wait_reason, t.run_at, t.attempt, t.max_attempts, t.rescues,
            i.retry, t.timeout_ms, t.clock_left, t.deadline, i.budget_usd, t.cancel_at, i.unique_key, i.provider,
            i.model, i.work_directory, i.category, i.tags, i.metadata, i.traceparent, i.depends_on, i.parent,
            i.retry_of, i.preview, i.payload_bytes, t.created_at, t.started_at, t.finished_at, t.ttl_ms, t.lane,
            t.cohort, t.lease, t.worker, t.lease_until, i.payload
     FROM task t JOIN task_input i ON i.id = t.id WHERE t.id = ?";

pub(super) const TAKE: &str = "UPDATE task SET status = 1, ready = 0, attempt = attempt + 1, lease = lease + 1, worker = ?2, lease_until = ?3,
                     started_at = ?4, first_start = coalesce(first_start, ?4)
     WHERE id = ?1";

pub(super) const CLAIMED: &str = "UPDATE queue SET claimed = claimed + ? WHERE name = ?";

pub(super) const READ_LEASE: &str = "SELECT id, uuid, lane, cohort, status, lease, worker, attempt, rescues, run_at, tagged, created_at,
            first_start, cancel_at IS NOT NULL, ttl_ms
     FROM task WHERE uuid = ?";

pub(super) const FINISH: &str = "UPDATE task SET status = 3, done = 3, ready = 0, wait_reason = NULL, worker = NULL, lease_until = NULL,
                     clock_left = NULL, finished_at = ?2, expires_at = NULL
     WHERE id = ?1";

pub(super) const INSERT_OUTPUT: &str = "INSERT INTO task_output (id, error, input_tokens, cached_tokens, output_tokens, cost_usd, duration_ms,
                              result_bytes, result)
     VALUES (?, NULL, 0, 0, 0, 0.0, 0, ?, ?)";

pub(super) const COUNT_LANE: &str = "UPDATE lane SET ready = ready + ? WHERE id = ?";

pub(super) const COUNT_STATUS: &str =
    "INSERT INTO cohort_count (cohort, status, tasks) VALUES (?, ?, ?)
     ON CONFLICT (cohort, status) DO UPDATE SET tasks = tasks + excluded.tasks";

pub(super) const COUNT_HOUR: &str =
    "INSERT INTO task_hour (hour, queue, kind, model, created, completed, failed, cancelled, retried, started, wait_ms,
                            run_ms, input_tokens, cached_tokens, output_tokens, cost_usd, waits, runs)
     VALUES (?1, 'default', 'no-op', '', ?2, ?3, 0, 0, 0, ?3, ?4, 0, 0, 0, 0, 0.0, zeroblob(64), zeroblob(64))
     ON CONFLICT (hour, queue, kind, model) DO UPDATE SET
         created = created + excluded.created, completed = completed + excluded.completed,
         started = started + excluded.started, wait_ms = wait_ms + excluded.wait_ms,
         waits = excluded.waits, runs = excluded.runs";

pub(super) const EVENTS: &str = "INSERT INTO event_batch (at, events) VALUES (?, ?)";
