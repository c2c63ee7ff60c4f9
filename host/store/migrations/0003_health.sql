-- How endpoints have lately fared, one row each.
CREATE TABLE health (
    endpoint TEXT    NOT NULL PRIMARY KEY,
    -- Milliseconds since the Unix epoch.
    saved_ms INTEGER NOT NULL,
    -- Which form the record is written in.
    format   INTEGER NOT NULL,
    -- Of the record's bytes.
    checksum INTEGER NOT NULL,
    record   BLOB    NOT NULL
) STRICT;
