-- People, spaces, grants and methods. All are kept in memory while the gateway runs: no query asks for a part of one, so
-- each is one JSON document (documents.ts). number is the order of creation.
CREATE TABLE user_identities (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, document TEXT NOT NULL);
CREATE TABLE spaces (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, document TEXT NOT NULL);
CREATE TABLE access_grants (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, document TEXT NOT NULL);
CREATE TABLE access_methods (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, document TEXT NOT NULL);

ALTER TABLE events ADD COLUMN access_grant_id BLOB;
ALTER TABLE events ADD COLUMN access_method_id BLOB;
ALTER TABLE events ADD COLUMN space_id BLOB;
