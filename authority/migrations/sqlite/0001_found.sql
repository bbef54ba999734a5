-- Column names are the keys of the dictionary (requirements §4.2). Times are unix seconds, identifiers
-- text, sealed secrets blobs. Only TEXT, BIGINT and BLOB are used: the same statements run elsewhere.

CREATE TABLE contracts (
    contract_id                   TEXT   NOT NULL PRIMARY KEY,
    contract_status               TEXT   NOT NULL CHECK (contract_status IN ('active', 'locked', 'emergency_stop', 'terminated')),
    contract_pin                  TEXT   NOT NULL,
    contract_pin_failures         BIGINT NOT NULL DEFAULT 0,
    contract_confirm_pin          TEXT   NOT NULL,
    contract_confirm_pin_failures BIGINT NOT NULL DEFAULT 0,
    user_max                      BIGINT NOT NULL,
    opened_at                     BIGINT NOT NULL
);

CREATE TABLE administrators (
    contract_id    TEXT   NOT NULL PRIMARY KEY REFERENCES contracts (contract_id),
    form_reference TEXT   NOT NULL,
    registered_at  BIGINT NOT NULL
);

-- A deregistered user stays: its ID is barred for ever (D-213).
CREATE TABLE users (
    contract_id       TEXT   NOT NULL REFERENCES contracts (contract_id),
    user_id           TEXT   NOT NULL,
    user_status       TEXT   NOT NULL CHECK (user_status IN ('active', 'stopped', 'deregistered')),
    user_pin          TEXT   NOT NULL,
    user_pin_failures BIGINT NOT NULL DEFAULT 0,
    user_pin_locked   BIGINT NOT NULL DEFAULT 0,
    otp_failures      BIGINT NOT NULL DEFAULT 0,
    otp_locked        BIGINT NOT NULL DEFAULT 0,
    -- Wrong entries of both kinds; lifting a lock does not end the row (D-907).
    failures_in_a_row BIGINT NOT NULL DEFAULT 0,
    registered_at     BIGINT NOT NULL,
    last_login_at     BIGINT,
    version           BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (contract_id, user_id)
);

-- One record per issue number. user_id is NULL in an administrator's.
CREATE TABLE certificates (
    record_id               TEXT   NOT NULL PRIMARY KEY,
    contract_id             TEXT   NOT NULL REFERENCES contracts (contract_id),
    user_id                 TEXT,
    cert_issue_no           BIGINT NOT NULL CHECK (cert_issue_no BETWEEN 1 AND 999),
    cert_status             TEXT   NOT NULL CHECK (cert_status IN
                                ('awaiting', 'unconfirmed', 'valid', 'suspended', 'expired', 'revoked', 'lapsed')),
    cert_issue_registered_on BIGINT NOT NULL,
    reissue_reason          TEXT   NOT NULL,
    acquire_deadline        BIGINT NOT NULL,
    cert_serial             TEXT   UNIQUE,
    cert_valid_from         BIGINT,
    cert_valid_until        BIGINT,
    cert_confirmed_at       BIGINT,
    cert_ended_at           BIGINT,
    cert_ended_reason       TEXT,
    device_serial           TEXT,
    public_key              BLOB,
    certificate             BLOB,
    certificate_sha256      TEXT   UNIQUE,
    enrolment_code          BLOB,
    enrolment_code_until    BIGINT,
    form_reference          TEXT,
    FOREIGN KEY (contract_id, user_id) REFERENCES users (contract_id, user_id)
);
CREATE UNIQUE INDEX certificates_issue_no ON certificates (contract_id, COALESCE(user_id, ''), cert_issue_no);
-- The invariants of requirements §5.1, held by the database as well.
CREATE UNIQUE INDEX certificates_one_open ON certificates (contract_id, COALESCE(user_id, ''))
    WHERE cert_status IN ('awaiting', 'unconfirmed');
CREATE UNIQUE INDEX certificates_one_live ON certificates (contract_id, COALESCE(user_id, ''))
    WHERE cert_status IN ('valid', 'suspended');
CREATE TRIGGER certificates_end_is_final BEFORE UPDATE OF cert_status ON certificates
    WHEN OLD.cert_status IN ('expired', 'revoked', 'lapsed') AND NEW.cert_status <> OLD.cert_status
    BEGIN SELECT RAISE(ABORT, 'an ended certificate stays ended'); END;
CREATE TRIGGER certificates_are_kept BEFORE DELETE ON certificates
    BEGIN SELECT RAISE(ABORT, 'certificate records are kept'); END;

CREATE TABLE acquisitions (
    transaction_id    TEXT   NOT NULL PRIMARY KEY,
    record_id         TEXT   NOT NULL UNIQUE REFERENCES certificates (record_id),
    contract_id       TEXT   NOT NULL,
    user_id           TEXT,
    acquired_at       BIGINT NOT NULL
);

CREATE TABLE tokens (
    token_serial   TEXT   NOT NULL PRIMARY KEY,
    token_status   TEXT   NOT NULL CHECK (token_status IN ('stock', 'assigned', 'registered', 'locked', 'revoked', 'expired')),
    otp_kind       TEXT   NOT NULL CHECK (otp_kind IN ('totp', 'hotp')),
    otp_hash       TEXT   NOT NULL CHECK (otp_hash IN ('sha1', 'sha256', 'sha512')),
    otp_digits     BIGINT NOT NULL CHECK (otp_digits BETWEEN 6 AND 8),
    otp_period     BIGINT NOT NULL,
    otp_secret     BLOB   NOT NULL,
    -- The next counter (HOTP) or time step (TOTP) that may still be accepted.
    otp_next       BIGINT NOT NULL DEFAULT 0,
    -- How many steps the token's clock is ahead (TOTP).
    otp_drift      BIGINT NOT NULL DEFAULT 0,
    contract_id    TEXT   REFERENCES contracts (contract_id),
    user_id        TEXT,
    added_at       BIGINT NOT NULL,
    registered_at  BIGINT,
    FOREIGN KEY (contract_id, user_id) REFERENCES users (contract_id, user_id)
);
-- One token per user (D-302, the default arrangement).
CREATE UNIQUE INDEX tokens_one_per_user ON tokens (contract_id, user_id)
    WHERE token_status IN ('registered', 'locked');

CREATE TABLE challenges (
    challenge  TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('user', 'administrator')),
    expires_at BIGINT NOT NULL
);
CREATE INDEX challenges_by_end ON challenges (expires_at);

-- Handles and sessions are kept as SHA-256: what is in the database opens nothing.
CREATE TABLE logins (
    login_sha256 TEXT   NOT NULL PRIMARY KEY,
    record_id    TEXT   NOT NULL REFERENCES certificates (record_id),
    expires_at   BIGINT NOT NULL
);

CREATE TABLE sessions (
    session_sha256 TEXT   NOT NULL PRIMARY KEY,
    role           TEXT   NOT NULL CHECK (role IN ('user', 'administrator')),
    record_id      TEXT   NOT NULL REFERENCES certificates (record_id),
    opened_at      BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL
);

CREATE TABLE uses (
    contract_id TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    used_at     BIGINT NOT NULL,
    origin      TEXT   NOT NULL,
    FOREIGN KEY (contract_id, user_id) REFERENCES users (contract_id, user_id)
);
CREATE INDEX uses_by_user ON uses (contract_id, user_id, used_at);

CREATE TABLE code_tickets (
    ticket_sha256  TEXT   NOT NULL PRIMARY KEY,
    session_sha256 TEXT   NOT NULL,
    record_id      TEXT   NOT NULL REFERENCES certificates (record_id),
    expires_at     BIGINT NOT NULL
);

CREATE TABLE events (
    seq         BIGINT NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    origin      TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    contract_id TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    before      TEXT   NOT NULL,
    after       TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    previous    TEXT   NOT NULL,
    hash        TEXT   NOT NULL UNIQUE
);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
