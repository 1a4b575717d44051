-- What MCP servers report of the calls they serve. Times of events are microseconds since the Unix epoch; hours and
-- `received_at` are milliseconds, as everywhere else.

CREATE TABLE interaction_mcp (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What the events of one interaction say together. `flags` are those of `InteractionFlags`, `status` is the position in
-- `InteractionStatus::ALL`.
CREATE TABLE interaction (
    id             INTEGER PRIMARY KEY,
    mcp            INTEGER NOT NULL,
    interaction_id TEXT    NOT NULL,
    status         INTEGER NOT NULL,
    flags          INTEGER NOT NULL,
    events         INTEGER NOT NULL,
    started_at     INTEGER NOT NULL,
    last_event_at  INTEGER NOT NULL,
    finished_at    INTEGER,
    duration_us    INTEGER,
    user_id        TEXT,
    request_type   TEXT,
    tool           TEXT,
    error_type     TEXT
) STRICT;
CREATE UNIQUE INDEX interaction_key ON interaction (interaction_id, mcp);
CREATE INDEX interaction_time ON interaction (mcp, started_at);
CREATE INDEX interaction_user ON interaction (user_id, started_at) WHERE user_id IS NOT NULL;
CREATE INDEX interaction_tool ON interaction (tool, started_at) WHERE tool IS NOT NULL;
-- Most are completed (2) and few of the others, which are looked for most.
CREATE INDEX interaction_status ON interaction (status, started_at) WHERE status <> 2;

-- One row an event, in the order in which they were stored. The data comes last, so that reading the rest never touches
-- its pages.
CREATE TABLE interaction_event (
    place        INTEGER PRIMARY KEY,
    mcp          INTEGER NOT NULL,
    key          BLOB    NOT NULL,
    interaction  INTEGER NOT NULL,
    action       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    reporter_seq INTEGER,
    -- NULL where the key writes the id.
    event_id     TEXT,
    traceparent  TEXT,
    data         TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX interaction_event_key ON interaction_event (mcp, key);
CREATE INDEX interaction_event_of ON interaction_event (interaction);

-- The last place that was removed: places go on from it, even if nothing is left.
CREATE TABLE interaction_removed (
    place INTEGER NOT NULL
) STRICT;
INSERT INTO interaction_removed VALUES (0);

-- By MCP server first, since most look at one of them only.
CREATE TABLE interaction_hour (
    mcp       INTEGER NOT NULL,
    hour      INTEGER NOT NULL,
    calls     INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    PRIMARY KEY (mcp, hour)
) STRICT, WITHOUT ROWID;

-- Buckets are those of `DurationHistogram`.
CREATE TABLE interaction_duration (
    mcp    INTEGER NOT NULL,
    hour   INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    calls  INTEGER NOT NULL,
    PRIMARY KEY (mcp, hour, bucket)
) STRICT, WITHOUT ROWID;
