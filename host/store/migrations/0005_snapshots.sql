-- The health of all endpoints at one moment, once for all decisions that rest on it.
CREATE TABLE snapshots (
    -- Made from what it says; its first bit is the sign.
    id            INTEGER PRIMARY KEY,
    -- Which form it is written in.
    format        INTEGER NOT NULL,
    -- The last decision that refers to it. It goes when that one and all before it are gone.
    last_sequence INTEGER NOT NULL,
    snapshot      BLOB    NOT NULL
) STRICT;
CREATE INDEX snapshots_by_last_sequence ON snapshots (last_sequence);
