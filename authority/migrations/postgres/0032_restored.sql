-- What may have been given out after a backup from which this database was restored (decision 20): issue numbers of the
-- holder up to this one, and numbers of lists up to that one.
ALTER TABLE certificates ADD COLUMN issue_nos_taken BIGINT NOT NULL DEFAULT 0;
ALTER TABLE revocation_state ADD COLUMN crl_numbers_taken BIGINT NOT NULL DEFAULT 0;
