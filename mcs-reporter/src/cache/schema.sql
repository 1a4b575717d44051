-- The index of the journal. Its names begin with `reporter_`, because the file may hold tables of others.
-- Times are microseconds since the Unix epoch unless a name says otherwise.

CREATE TABLE IF NOT EXISTS reporter_format (
    version INTEGER NOT NULL
);

-- Who reports through this file, and which of its processes sends.
CREATE TABLE IF NOT EXISTS reporter_mcp (
    id         INTEGER PRIMARY KEY,
    mcp_id     TEXT    NOT NULL UNIQUE,
    -- Place in the line of the next event. No place is used twice.
    next_place INTEGER NOT NULL DEFAULT 1,
    -- The process that sends, NULL for none.
    holder     TEXT,
    -- Grows each time somebody else becomes the holder: who names an older one has nothing to say.
    lease      INTEGER NOT NULL DEFAULT 0,
    expires_ms INTEGER NOT NULL DEFAULT 0
);

-- The files of the journal. Everything before `indexed` is in `reporter_waiting`, or was.
CREATE TABLE IF NOT EXISTS reporter_segment (
    id      INTEGER PRIMARY KEY,
    mcp     INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    indexed INTEGER NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0,
    UNIQUE (mcp, name)
);

-- Events that are not delivered, in the order in which they are sent. Their bodies are in the segments.
CREATE TABLE IF NOT EXISTS reporter_waiting (
    mcp     INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    -- NULL for an event whose body is in `reporter_body`.
    segment INTEGER,
    offset  INTEGER NOT NULL,
    length  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (mcp, place)
) WITHOUT ROWID;

-- Bodies of waiting events that are in no segment: those of an older reporter, and dead letters that are sent again.
CREATE TABLE IF NOT EXISTS reporter_body (
    id       INTEGER PRIMARY KEY,
    mcp      INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    -- NULL where the event has none; the coordinator then makes one from what is in it.
    event_id TEXT,
    body     BLOB    NOT NULL,
    UNIQUE (mcp, place)
);

-- Events that the coordinator will never take.
CREATE TABLE IF NOT EXISTS reporter_dead_letter (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    mcp      INTEGER NOT NULL,
    event_id TEXT,
    at       INTEGER NOT NULL,
    died_at  INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    body     BLOB    NOT NULL
);
CREATE INDEX IF NOT EXISTS reporter_dead_letter_mcp ON reporter_dead_letter (mcp, id);
