-- Whom notices go to (D-506, D-701), and a first PIN that its user has not yet replaced (S-123).
ALTER TABLE users ADD COLUMN user_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN user_pin_initial BIGINT NOT NULL DEFAULT 0;

-- Dual administration (D-405); NULL is what the settings say.
ALTER TABLE contracts ADD COLUMN dual_control BIGINT;

-- A contract may have several administrators (D-401), told apart by a number that is never given again.
ALTER TABLE administrators ADD COLUMN administrator_no BIGINT NOT NULL DEFAULT 1 CHECK (administrator_no BETWEEN 1 AND 999);
ALTER TABLE administrators ADD COLUMN administrator_status TEXT NOT NULL DEFAULT 'active'
    CHECK (administrator_status IN ('active', 'removed'));
ALTER TABLE administrators ADD COLUMN administrator_name TEXT NOT NULL DEFAULT '';
ALTER TABLE administrators ADD COLUMN email TEXT NOT NULL DEFAULT '';
-- The user that is the same person, where there is one: in that user's matters another administrator acts.
ALTER TABLE administrators ADD COLUMN user_id TEXT;
ALTER TABLE administrators ADD FOREIGN KEY (contract_id, user_id) REFERENCES users (contract_id, user_id);
ALTER TABLE administrators DROP CONSTRAINT administrators_pkey;
ALTER TABLE administrators ADD PRIMARY KEY (contract_id, administrator_no);
ALTER TABLE administrators ALTER COLUMN administrator_no DROP DEFAULT;
ALTER TABLE administrators ALTER COLUMN administrator_status DROP DEFAULT;

-- Whose an administrator's certificate is; NULL in a user's.
ALTER TABLE certificates ADD COLUMN administrator_no BIGINT;
UPDATE certificates SET administrator_no = 1 WHERE user_id IS NULL;
DROP INDEX certificates_issue_no;
DROP INDEX certificates_one_open;
DROP INDEX certificates_one_live;
CREATE UNIQUE INDEX certificates_issue_no
    ON certificates (contract_id, COALESCE(user_id, ''), COALESCE(administrator_no, 0), cert_issue_no);
CREATE UNIQUE INDEX certificates_one_open
    ON certificates (contract_id, COALESCE(user_id, ''), COALESCE(administrator_no, 0))
    WHERE cert_status IN ('awaiting', 'unconfirmed');
CREATE UNIQUE INDEX certificates_one_live
    ON certificates (contract_id, COALESCE(user_id, ''), COALESCE(administrator_no, 0))
    WHERE cert_status IN ('valid', 'suspended');

-- What one administrator asked for and another has to approve. user_id names a user that may not be there yet.
CREATE TABLE approvals (
    approval_id     TEXT   NOT NULL PRIMARY KEY,
    contract_id     TEXT   NOT NULL REFERENCES contracts (contract_id),
    user_id         TEXT   NOT NULL,
    action          TEXT   NOT NULL,
    -- The operation, sealed: it can hold the hash of a PIN.
    operation       BYTEA  NOT NULL,
    shown_version   TEXT   NOT NULL,
    approval_status TEXT   NOT NULL CHECK (approval_status IN
                        ('pending', 'approved', 'rejected', 'expired', 'stale', 'failed')),
    requested_by    BIGINT NOT NULL,
    requested_at    BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    decided_by      BIGINT,
    decided_at      BIGINT
);
CREATE INDEX approvals_by_contract ON approvals (contract_id, approval_status, expires_at);
CREATE TRIGGER approvals_end_is_final BEFORE UPDATE ON approvals FOR EACH ROW
    WHEN (OLD.approval_status <> 'pending') EXECUTE FUNCTION refuse_change('a decided approval stays decided');
CREATE TRIGGER approvals_are_kept BEFORE DELETE ON approvals FOR EACH ROW
    EXECUTE FUNCTION refuse_change('approvals are kept');
