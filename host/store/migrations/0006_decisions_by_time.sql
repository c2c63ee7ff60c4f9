-- What is too old is found by when it came: a clock that was ahead for a while puts later
-- moments in front of earlier ones.
CREATE INDEX decisions_by_came_ms ON decisions (came_ms);
