-- Times are milliseconds since the Unix epoch. Status codes are positions in `Status::ALL`.

-- What a claim asks for. `ready` counts its tasks that are ready, so that a claim passes empty lanes by.
CREATE TABLE lane (
    id        INTEGER PRIMARY KEY,
    queue     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    dispatch  INTEGER NOT NULL,
    limit_key TEXT    NOT NULL,
    hold_key  TEXT    NOT NULL,
    ready     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX lane_ready ON lane (queue, dispatch) WHERE ready > 0;
CREATE UNIQUE INDEX lane_key ON lane (queue, dispatch, kind, limit_key, hold_key);

-- Tasks that are listed and counted together.
CREATE TABLE cohort (
    id    INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    kind  TEXT NOT NULL,
    owner TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX cohort_key ON cohort (owner, queue, kind);

-- Tasks by status; under 6 those of the pending ones that are ready.
CREATE TABLE cohort_count (
    cohort INTEGER NOT NULL,
    status INTEGER NOT NULL,
    tasks  INTEGER NOT NULL,
    PRIMARY KEY (cohort, status)
) STRICT, WITHOUT ROWID;

-- What changes while a task lives. Narrow, because every transition writes it anew.
CREATE TABLE task (
    id           INTEGER PRIMARY KEY,
    uuid         BLOB    NOT NULL,
    lane         INTEGER NOT NULL,
    cohort       INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    -- 0 while the task is active, then its terminal status: what lists are keyed by, so that a claim moves no list entry.
    done         INTEGER NOT NULL,
    ready        INTEGER NOT NULL,
    wait_reason  INTEGER,
    priority     INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    rescues      INTEGER NOT NULL,
    lease        INTEGER NOT NULL,
    worker       TEXT,
    lease_until  INTEGER,
    cancel_at    INTEGER,
    tagged       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    first_start  INTEGER,
    started_at   INTEGER,
    finished_at  INTEGER,
    timeout_ms   INTEGER,
    clock_left   INTEGER,
    deadline     INTEGER,
    ttl_ms       INTEGER,
    -- When a finished task with a time to live of its own goes.
    expires_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX task_uuid ON task (uuid);
CREATE INDEX task_list ON task (cohort, done);
CREATE INDEX task_ready ON task (lane, priority DESC, run_at) WHERE ready = 1;
-- 5 is `Dependencies`, which no time ends.
CREATE INDEX task_waiting ON task (run_at) WHERE wait_reason < 5;
CREATE INDEX task_lease ON task (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_deadline ON task (deadline) WHERE deadline IS NOT NULL AND status = 0;
CREATE INDEX task_finished ON task (done, finished_at) WHERE done > 0 AND ttl_ms IS NULL;
CREATE INDEX task_expiry ON task (expires_at) WHERE expires_at IS NOT NULL;

-- What was asked for. Written once. The payload comes last, so that reading the rest never touches its pages.
CREATE TABLE task_input (
    id             INTEGER PRIMARY KEY,
    unique_key     TEXT,
    provider       TEXT,
    model          TEXT,
    work_directory TEXT,
    category       TEXT,
    tags           TEXT,
    metadata       TEXT,
    traceparent    TEXT,
    budget_usd     REAL,
    retry          TEXT,
    depends_on     TEXT,
    parent         BLOB,
    retry_of       BLOB,
    -- NULL where the start of the payload serves.
    preview        TEXT,
    payload_bytes  INTEGER NOT NULL,
    payload        TEXT    NOT NULL
) STRICT;

-- What came of it. The result comes last.
CREATE TABLE task_output (
    id            INTEGER PRIMARY KEY,
    progress      TEXT,
    error         TEXT,
    cancel_reason TEXT,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd      REAL    NOT NULL DEFAULT 0,
    duration_ms   INTEGER NOT NULL DEFAULT 0,
    result_bytes  INTEGER NOT NULL DEFAULT 0,
    result        TEXT
) STRICT;

CREATE TABLE task_checkpoint (
    id         INTEGER PRIMARY KEY,
    checkpoint TEXT NOT NULL
) STRICT;

CREATE TABLE task_question (
    task     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    -- The lease that asked it last.
    lease    INTEGER NOT NULL,
    request  TEXT    NOT NULL,
    response TEXT,
    PRIMARY KEY (task, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_tag (
    tag  TEXT    NOT NULL,
    done INTEGER NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (tag, done, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_unique (
    owner TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    task  INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_log (
    task    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    text    TEXT    NOT NULL,
    PRIMARY KEY (task, seq)
) STRICT, WITHOUT ROWID;

-- One row a commit, so that an event costs bytes and not a row. `events` is written by `codec.rs`.
CREATE TABLE event_batch (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    events BLOB    NOT NULL
) STRICT;

-- `claimed` counts the tasks that were ever claimed of the queue: every sixteenth goes by age.
CREATE TABLE queue (
    name        TEXT    PRIMARY KEY,
    paused      INTEGER NOT NULL DEFAULT 0,
    concurrency INTEGER,
    claimed     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (
    key    TEXT    PRIMARY KEY,
    until  INTEGER NOT NULL,
    reason TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
    id           TEXT PRIMARY KEY,
    heartbeat_at INTEGER NOT NULL,
    worker       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Until version 3, which has `task_hour` in its place.
CREATE TABLE hourly (
    hour          INTEGER PRIMARY KEY,
    created       INTEGER NOT NULL,
    completed     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    retried       INTEGER NOT NULL,
    wait_ms       INTEGER NOT NULL,
    run_ms        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_usd      REAL    NOT NULL
) STRICT;

CREATE TABLE record (
    collection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    value      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;
