-- Whom events are sent to. Events up to after_seq have been delivered, were not wanted, or stand in webhook_deliveries.
CREATE TABLE webhooks (
  number        INTEGER PRIMARY KEY, -- order of creation
  webhook_id    BLOB    NOT NULL UNIQUE,
  url           TEXT    NOT NULL,
  event_types   TEXT    NOT NULL,    -- JSON
  sealed_secret BLOB    NOT NULL,
  created_at    INTEGER NOT NULL,
  after_seq     INTEGER NOT NULL
);

-- Events that wait for another try, or for one before them.
CREATE TABLE webhook_deliveries (
  webhook_id BLOB    NOT NULL,
  event_seq  INTEGER NOT NULL,
  object_key TEXT    NOT NULL,       -- events of one object are delivered in order
  tries      INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  PRIMARY KEY (webhook_id, event_seq)
) WITHOUT ROWID;
