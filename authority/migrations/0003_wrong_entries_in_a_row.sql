-- Consecutive wrong entries of any kind (D-907). Lifting a lock does not end the row.
ALTER TABLE users ADD COLUMN failures_in_a_row BIGINT NOT NULL DEFAULT 0;
