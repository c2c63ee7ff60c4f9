-- Presets by slug, each version as it was saved. The newest is the one in use.
CREATE TABLE presets (
    slug       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch.
    created_ms INTEGER NOT NULL,
    -- JSON.
    config     TEXT    NOT NULL,
    PRIMARY KEY (slug, version)
) STRICT;
