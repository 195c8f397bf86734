-- Times, what is on the lock, and what is wrong: one JSON column (code-details.ts), since no query asks for them.
ALTER TABLE access_codes ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

UPDATE access_codes SET details = json_object(
  'removal', CASE WHEN status = 'removing' THEN json_object('cause', 'requested', 'at', created_at) END,
  'placements', CASE WHEN slot IS NULL THEN json_array() ELSE json_array(json_object(
    'slot', slot,
    'label', 'sp-' || lower(substr(hex(access_code_id), 17, 16)),
    'sealedCode', lower(hex(sealed_code)),
    'state', CASE WHEN status = 'set' THEN 'held' ELSE 'writing' END)) END,
  'errors', json_array());
UPDATE access_codes SET details = json_remove(details, '$.removal') WHERE status <> 'removing';

ALTER TABLE access_codes DROP COLUMN slot;
ALTER TABLE access_codes DROP COLUMN problem;

CREATE TABLE unmanaged_codes (
  number         INTEGER PRIMARY KEY, -- order in which they were first seen
  access_code_id BLOB    NOT NULL UNIQUE,
  device_id      BLOB    NOT NULL,
  slot           INTEGER NOT NULL,
  name           TEXT,
  sealed_code    BLOB,                -- NULL when the lock does not show the digits
  created_at     INTEGER NOT NULL
);
INSERT INTO unmanaged_codes (access_code_id, device_id, slot, created_at)
  SELECT randomblob(16), device_id, slot, seen_at FROM foreign_slots;
DROP TABLE foreign_slots;
