-- What happened. seq is the order of commits; ids that are UUIDs are kept as 16 bytes.
CREATE TABLE events (
  seq                INTEGER PRIMARY KEY,
  event_id           BLOB    NOT NULL UNIQUE,
  event_type         TEXT    NOT NULL,
  device_id          BLOB,
  access_code_id     BLOB,
  action_attempt_id  BLOB,
  noise_threshold_id BLOB,
  occurred_at        INTEGER NOT NULL,
  created_at         INTEGER NOT NULL,
  details            TEXT             -- JSON; NULL when there are none
);
CREATE INDEX events_by_creation ON events (created_at);
