-- What tasks did by the hour, told apart by what they are. An empty text is a name that is not known or not given.
-- `waits` and `runs` are the buckets of a `DurationHistogram`, as `codec.rs` writes them.
CREATE TABLE task_hour (
    hour          INTEGER NOT NULL,
    queue         TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    created       INTEGER NOT NULL,
    completed     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    retried       INTEGER NOT NULL,
    -- Of those that finished, the ones whose times are added up.
    started       INTEGER NOT NULL,
    wait_ms       INTEGER NOT NULL,
    run_ms        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_usd      REAL    NOT NULL,
    waits         BLOB    NOT NULL,
    runs          BLOB    NOT NULL,
    PRIMARY KEY (hour, queue, kind, model)
) STRICT, WITHOUT ROWID;

-- The hours before were counted without names and durations, and stay as they are. No more of them were ever shown.
INSERT INTO task_hour
SELECT hour, '', '', '', created, completed, failed, cancelled, retried, completed + failed + cancelled, wait_ms, run_ms,
       input_tokens, 0, output_tokens, cost_usd, x'', x''
FROM hourly ORDER BY hour DESC LIMIT 48;
DROP TABLE hourly;

-- From here on `tagged` also says whether a task names no model (see `marks.rs`). A column for it would be checked against
-- every task there is while the file is locked, since the table is strict.
