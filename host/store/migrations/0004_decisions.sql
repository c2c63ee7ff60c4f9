-- What was decided for each request, and what came of it. In the order in which requests
-- ended, which is how the oldest are found.
CREATE TABLE decisions (
    sequence INTEGER PRIMARY KEY,
    -- As clients see it.
    id       TEXT    NOT NULL UNIQUE,
    -- When the request came, milliseconds since the Unix epoch.
    came_ms  INTEGER NOT NULL,
    -- A byte that says which form it has, then the record in it.
    record   BLOB    NOT NULL
) STRICT;
