-- Identifiers that are UUIDs are kept as 16 bytes, all others as text. Times are milliseconds since the Unix epoch.

CREATE TABLE attempts (
  seq               INTEGER PRIMARY KEY,
  action_attempt_id BLOB    NOT NULL UNIQUE,
  device_id         BLOB    NOT NULL,
  action_type       TEXT    NOT NULL,
  subject           TEXT,             -- JSON
  actor             TEXT    NOT NULL, -- JSON: [kind, ...]
  accepted_at       INTEGER NOT NULL,
  intent            INTEGER NOT NULL, -- 1 once a command may have left
  settled_at        INTEGER,          -- NULL while pending
  result            TEXT,             -- JSON, of a success
  error             TEXT,             -- JSON, of an error
  history           TEXT    NOT NULL  -- JSON: [[state, time, reason], ...]; times after the first count from it
);

-- An index on a rowid table ends with the rowid, which is seq: newest first needs no second column.
CREATE INDEX attempts_by_device ON attempts (device_id);

-- pending_from: every attempt below it has ended. An index of the pending ones would cost a page in both commits of an
-- attempt; this one is moved up now and then, and a start reads the rows from it on.
CREATE TABLE marks (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO marks (name, value) VALUES ('pending_from', 0);

CREATE TABLE access_codes (
  number         INTEGER PRIMARY KEY, -- order of creation
  access_code_id BLOB    NOT NULL UNIQUE,
  device_id      BLOB    NOT NULL,
  name           TEXT,
  sealed_code    BLOB    NOT NULL,
  slot           INTEGER,
  status         TEXT    NOT NULL,
  starts_at      INTEGER,
  ends_at        INTEGER,
  created_at     INTEGER NOT NULL,
  problem        TEXT                 -- JSON
);
CREATE INDEX access_codes_by_device ON access_codes (device_id);

CREATE TABLE foreign_slots (
  device_id BLOB    NOT NULL,
  slot      INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  PRIMARY KEY (device_id, slot)
) WITHOUT ROWID;

CREATE TABLE noise_thresholds (
  number             INTEGER PRIMARY KEY, -- order of creation
  noise_threshold_id BLOB    NOT NULL UNIQUE,
  device_id          BLOB    NOT NULL,
  name               TEXT    NOT NULL,
  starts_daily_at    TEXT    NOT NULL,
  ends_daily_at      TEXT    NOT NULL,
  time_zone          TEXT    NOT NULL,
  decibels           REAL    NOT NULL,
  sustained_ms       INTEGER NOT NULL,
  created_at         INTEGER NOT NULL
);

CREATE TABLE idempotency (
  number            INTEGER PRIMARY KEY, -- order of arrival: the oldest go first
  scope             TEXT    NOT NULL UNIQUE,
  fingerprint       TEXT    NOT NULL,
  action_attempt_id BLOB    NOT NULL,
  created_at        INTEGER NOT NULL
);

CREATE TABLE facts (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
