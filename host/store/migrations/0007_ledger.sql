-- What went to a provider, one row each: opened as the request leaves, settled as its answer
-- ends. Money is in picodollars.
CREATE TABLE generations (
    id               TEXT    NOT NULL PRIMARY KEY,
    -- The run of the process that wrote it.
    run              INTEGER NOT NULL,
    -- 0: open, 1: settled, 2: interrupted.
    state            INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch.
    came_ms          INTEGER NOT NULL,
    ended_ms         INTEGER,
    key_hash         TEXT,
    workspace        TEXT    NOT NULL,
    route            TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    served_model     TEXT    NOT NULL,
    endpoint         TEXT    NOT NULL,
    provider         TEXT    NOT NULL,
    credential       TEXT    NOT NULL,
    is_byok          INTEGER NOT NULL,
    streamed         INTEGER NOT NULL,
    is_estimated     INTEGER NOT NULL,
    outcome          TEXT    NOT NULL,
    status           INTEGER NOT NULL,
    prompt           INTEGER NOT NULL,
    completion       INTEGER NOT NULL,
    cache_read       INTEGER NOT NULL,
    cache_write      INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    -- None: no price is known.
    cost             INTEGER,
    upstream_cost    INTEGER,
    byok_cost        INTEGER,
    cache_discount   INTEGER,
    markup           INTEGER,
    -- Milliseconds since it came.
    first_content_ms INTEGER,
    duration_ms      INTEGER,
    -- JSON object.
    detail           TEXT    NOT NULL
) STRICT;
CREATE INDEX generations_by_came_ms ON generations (came_ms, id);
CREATE INDEX generations_open ON generations (run) WHERE state = 0;

-- Sums of what has settled or was interrupted, by the UTC day on which it came. They stay
-- when rows go. A sum of money is two numbers: billions of picodollars, and picodollars.
CREATE TABLE daily (
    -- Since 1970-01-01.
    day              INTEGER NOT NULL,
    workspace        TEXT    NOT NULL,
    -- Empty: no key was asked for.
    key_hash         TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    endpoint         TEXT    NOT NULL,
    provider         TEXT    NOT NULL,
    is_byok          INTEGER NOT NULL,
    requests         INTEGER NOT NULL,
    errors           INTEGER NOT NULL,
    estimated        INTEGER NOT NULL,
    unpriced         INTEGER NOT NULL,
    prompt           INTEGER NOT NULL,
    completion       INTEGER NOT NULL,
    cache_read       INTEGER NOT NULL,
    cache_write      INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    cost_hi          INTEGER NOT NULL,
    cost_lo          INTEGER NOT NULL,
    upstream_hi      INTEGER NOT NULL,
    upstream_lo      INTEGER NOT NULL,
    byok_upstream_hi INTEGER NOT NULL,
    byok_upstream_lo INTEGER NOT NULL,
    PRIMARY KEY (day, workspace, key_hash, model, endpoint, provider, is_byok)
) STRICT;

-- Runs of processes that serve, and when each was last heard of.
CREATE TABLE runs (
    run     INTEGER PRIMARY KEY,
    -- Milliseconds since the Unix epoch.
    beat_ms INTEGER NOT NULL
) STRICT;

-- Numbers that count up.
CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
-- With every change of keys, workspaces and providers' keys.
INSERT INTO counters (name, value) VALUES ('revision', 0);
-- Whoever counts one of these up has the turn until the end of the transaction.
INSERT INTO counters (name, value) VALUES ('presets', 0);
INSERT INTO counters (name, value) VALUES ('orphans', 0);
