-- Presets by slug, each version as it was saved. The newest is the one in use.
CREATE TABLE presets (
    slug          TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch: of the preset's first version, and of this one.
    first_ms      INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    -- Which format the settings are in.
    dialect       TEXT    NOT NULL,
    -- JSON object.
    config        TEXT    NOT NULL,
    system_prompt TEXT,
    PRIMARY KEY (slug, version)
) STRICT;
