-- Suspension (D-807): who, when, why, until when, and how often the certificate was suspended before.
ALTER TABLE certificates ADD COLUMN suspended_at BIGINT;
ALTER TABLE certificates ADD COLUMN suspended_role TEXT;
ALTER TABLE certificates ADD COLUMN suspended_by TEXT;
ALTER TABLE certificates ADD COLUMN suspend_reason TEXT;
ALTER TABLE certificates ADD COLUMN suspend_until BIGINT;
ALTER TABLE certificates ADD COLUMN suspensions BIGINT NOT NULL DEFAULT 0;
-- Until when an issued certificate must be confirmed as installed (D-801).
ALTER TABLE certificates ADD COLUMN confirm_deadline BIGINT;
-- The record that this one renews (C9).
ALTER TABLE certificates ADD COLUMN renews TEXT REFERENCES certificates (record_id);
-- The last second before time alone changes the status; NULL where it changes nothing any more.
ALTER TABLE certificates ADD COLUMN due_at BIGINT;
UPDATE certificates SET confirm_deadline = acquire_deadline WHERE cert_status = 'unconfirmed';
UPDATE certificates SET due_at = acquire_deadline WHERE cert_status IN ('awaiting', 'unconfirmed');
UPDATE certificates SET due_at = cert_valid_until WHERE cert_status IN ('valid', 'suspended');
CREATE INDEX certificates_by_due ON certificates (due_at) WHERE due_at IS NOT NULL;

-- Since when a reissue has taken the user's rights until they are given again (D-508).
ALTER TABLE users ADD COLUMN rights_suspended_at BIGINT;

-- Work that one authority process does at a time, whichever comes first.
CREATE TABLE chores (
    chore      TEXT   NOT NULL PRIMARY KEY,
    claimed_by TEXT   NOT NULL,
    claimed_until BIGINT NOT NULL
);
