-- Who may ask. A limit is a decimal number of picodollars: it may have more than 64 bits.
CREATE TABLE keys (
    -- Of the key itself, which is kept nowhere.
    hash          TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    workspace     TEXT    NOT NULL,
    is_management INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch.
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    expires_ms    INTEGER,
    disabled      INTEGER NOT NULL,
    -- A key that is deleted stays for reports, and its hash is not given again.
    deleted_ms    INTEGER,
    spend_limit   TEXT,
    -- daily, weekly, monthly; none: never.
    resets        TEXT,
    include_byok  INTEGER NOT NULL,
    -- JSON object.
    settings      TEXT    NOT NULL,
    creator       TEXT,
    -- The counter of that name as its last change left it.
    revision      INTEGER NOT NULL
) STRICT;
CREATE INDEX keys_by_created_ms ON keys (created_ms, hash);
CREATE INDEX keys_by_revision ON keys (revision);

CREATE TABLE workspaces (
    id         TEXT    NOT NULL PRIMARY KEY,
    slug       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    -- JSON object.
    settings   TEXT    NOT NULL
) STRICT;
INSERT INTO workspaces (id, slug, name, created_ms, updated_ms, settings)
    VALUES ('default', 'default', 'Default', 0, 0, '{}');

CREATE TABLE budgets (
    workspace TEXT NOT NULL,
    -- daily, weekly, monthly, lifetime.
    period    TEXT NOT NULL,
    -- Decimal number of picodollars.
    amount    TEXT NOT NULL,
    PRIMARY KEY (workspace, period)
) STRICT;

-- Providers' keys that clients brought.
CREATE TABLE byok (
    id          TEXT    NOT NULL PRIMARY KEY,
    -- None: for all.
    workspace   TEXT,
    provider    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    -- In which order they are tried.
    position    INTEGER NOT NULL,
    is_fallback INTEGER NOT NULL,
    disabled    INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    -- Encrypted, and with which master key.
    sealed      BLOB    NOT NULL,
    key_id      TEXT    NOT NULL,
    -- What people see of it.
    label       TEXT    NOT NULL,
    -- JSON object.
    settings    TEXT    NOT NULL
) STRICT;
