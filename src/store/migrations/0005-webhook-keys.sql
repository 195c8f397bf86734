-- The key that a webhook belongs to, where that key is restricted to some devices.
ALTER TABLE webhooks ADD COLUMN key_id TEXT;
