-- Who asked for what, and what became of it. Each entry's hash is made from the one before (audit-chain.mjs).
CREATE TABLE audit (
  seq   INTEGER PRIMARY KEY,
  entry TEXT NOT NULL, -- JSON
  name  TEXT,          -- JSON: [salt, name]; NULL when there is none, or it was forgotten
  hash  BLOB NOT NULL
);
