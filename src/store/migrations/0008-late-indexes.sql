-- Attempts and events are found by id, device and time through tables that are filled in groups, hundreds of rows at a
-- time: an index that SQLite keeps would cost a page of each of them in every commit. Rows above a mark are in none yet;
-- the program knows those by heart. number is the row's seq.

CREATE TABLE attempts_anew (
  seq               INTEGER PRIMARY KEY,
  action_attempt_id BLOB    NOT NULL,
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
INSERT INTO attempts_anew SELECT seq, action_attempt_id, device_id, action_type, subject, actor, accepted_at, intent,
  settled_at, result, error, history FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_anew RENAME TO attempts;

CREATE TABLE attempt_ids (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt_ids SELECT action_attempt_id, seq FROM attempts ORDER BY action_attempt_id;
CREATE TABLE attempts_of_device (of_device BLOB, number INTEGER, PRIMARY KEY (of_device, number)) WITHOUT ROWID;
INSERT INTO attempts_of_device SELECT device_id, seq FROM attempts ORDER BY device_id, seq;
INSERT INTO marks SELECT 'attempts_indexed_to', coalesce(max(seq), 0) FROM attempts;
CREATE TRIGGER attempt_gone AFTER DELETE ON attempts BEGIN
  DELETE FROM attempt_ids WHERE id = old.action_attempt_id AND number = old.seq;
  DELETE FROM attempts_of_device WHERE of_device = old.device_id AND number = old.seq;
END;

CREATE TABLE events_anew (
  seq                INTEGER PRIMARY KEY,
  event_id           BLOB    NOT NULL,
  event_type         TEXT    NOT NULL,
  device_id          BLOB,
  access_code_id     BLOB,
  action_attempt_id  BLOB,
  noise_threshold_id BLOB,
  occurred_at        INTEGER NOT NULL,
  created_at         INTEGER NOT NULL,
  details            TEXT,            -- JSON; NULL when there are none
  access_grant_id    BLOB,
  access_method_id   BLOB,
  space_id           BLOB
);
INSERT INTO events_anew SELECT seq, event_id, event_type, device_id, access_code_id, action_attempt_id,
  noise_threshold_id, occurred_at, created_at, details, access_grant_id, access_method_id, space_id FROM events;
DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;

CREATE TABLE event_ids (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO event_ids SELECT event_id, seq FROM events ORDER BY event_id;
CREATE TABLE events_by_time (moment INTEGER, number INTEGER, PRIMARY KEY (moment, number)) WITHOUT ROWID;
INSERT INTO events_by_time SELECT created_at, seq FROM events ORDER BY created_at, seq;
INSERT INTO marks SELECT 'events_indexed_to', coalesce(max(seq), 0) FROM events;
CREATE TRIGGER event_gone AFTER DELETE ON events BEGIN
  DELETE FROM event_ids WHERE id = old.event_id AND number = old.seq;
  DELETE FROM events_by_time WHERE moment = old.created_at AND number = old.seq;
END;
