-- CRC-32 of a row's other columns (row-sum.mjs). Rows from before are given theirs there. What is changed apart has a sum of its own.
ALTER TABLE attempts ADD COLUMN sum INTEGER;
ALTER TABLE attempts ADD COLUMN state_sum INTEGER;
ALTER TABLE events ADD COLUMN sum INTEGER;
ALTER TABLE access_codes ADD COLUMN sum INTEGER;
ALTER TABLE unmanaged_codes ADD COLUMN sum INTEGER;
ALTER TABLE noise_thresholds ADD COLUMN sum INTEGER;
ALTER TABLE user_identities ADD COLUMN sum INTEGER;
ALTER TABLE spaces ADD COLUMN sum INTEGER;
ALTER TABLE access_grants ADD COLUMN sum INTEGER;
ALTER TABLE access_methods ADD COLUMN sum INTEGER;
ALTER TABLE idempotency ADD COLUMN sum INTEGER;
ALTER TABLE webhooks ADD COLUMN sum INTEGER;
ALTER TABLE webhooks ADD COLUMN progress_sum INTEGER;
ALTER TABLE webhook_deliveries ADD COLUMN sum INTEGER;
ALTER TABLE facts ADD COLUMN sum INTEGER;
ALTER TABLE audit ADD COLUMN sum INTEGER;
