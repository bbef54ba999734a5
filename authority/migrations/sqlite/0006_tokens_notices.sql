-- Tokens' life (D-304, D-309): when the battery is at its end, and since when a token is revoked.
ALTER TABLE tokens ADD COLUMN token_ends_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN revoked_at BIGINT;
-- Consecutive wrong entries of the contract's own token (D-305); a user's are counted in users.
ALTER TABLE tokens ADD COLUMN wrong_entries BIGINT NOT NULL DEFAULT 0;
-- Five years, as the settings have it where they say nothing else.
UPDATE tokens SET token_ends_at = added_at + 157788000;
-- The contract's own token is registered for no user.
CREATE UNIQUE INDEX tokens_one_per_contract ON tokens (contract_id)
    WHERE user_id IS NULL AND token_status IN ('registered', 'locked');
CREATE INDEX tokens_by_contract ON tokens (contract_id, user_id);
CREATE INDEX tokens_by_end ON tokens (token_ends_at) WHERE token_status IN ('stock', 'assigned', 'registered', 'locked');

-- Where notices go that concern the contract, and their language.
ALTER TABLE contracts ADD COLUMN notice_email TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN notice_language TEXT NOT NULL DEFAULT 'ja';

-- How far notices were derived from the record of events: the record is what they cannot miss. What was recorded before
-- this table is not told any more.
CREATE TABLE notice_cursor (
    cursor_id BIGINT NOT NULL PRIMARY KEY CHECK (cursor_id = 1),
    seq       BIGINT NOT NULL
);
INSERT INTO notice_cursor (cursor_id, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM events;

-- One row per notice and recipient. notice_id is in the Message-ID: what is sent twice is known to be the same.
CREATE TABLE notices (
    notice_id     TEXT   NOT NULL PRIMARY KEY,
    event_seq     BIGINT NOT NULL,
    notice_kind   TEXT   NOT NULL,
    channel       TEXT   NOT NULL CHECK (channel IN ('mail', 'webhook')),
    recipient     TEXT   NOT NULL,
    contract_id   TEXT   NOT NULL,
    user_id       TEXT   NOT NULL,
    subject       TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    -- Sealed; it takes its place in the body when that is sent, and is deleted then.
    stop_code     BLOB,
    notice_status TEXT   NOT NULL CHECK (notice_status IN ('waiting', 'sent', 'dead')),
    created_at    BIGINT NOT NULL,
    next_at       BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    sent_at       BIGINT,
    last_error    TEXT   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX notices_once ON notices (event_seq, notice_kind, channel, recipient);
CREATE INDEX notices_by_time ON notices (notice_status, next_at);
CREATE INDEX notices_by_contract ON notices (contract_id, event_seq);

-- 「心当たりがない場合」: what a notice lets its reader stop, once (D-506).
CREATE TABLE stop_codes (
    code_sha256 TEXT   NOT NULL PRIMARY KEY,
    record_id   TEXT   NOT NULL REFERENCES certificates (record_id),
    expires_at  BIGINT NOT NULL
);

-- What time alone gives reason to tell, told once each.
CREATE TABLE reminders (
    subject  TEXT   NOT NULL,
    reminder TEXT   NOT NULL,
    told_at  BIGINT NOT NULL,
    PRIMARY KEY (subject, reminder)
);
CREATE INDEX certificates_by_end ON certificates (cert_valid_until) WHERE cert_status IN ('valid', 'suspended');
CREATE INDEX certificates_by_opening ON certificates (cert_issue_registered_on) WHERE cert_status IN ('awaiting', 'unconfirmed');

-- A contract reads its own history, and that of one user.
CREATE INDEX events_by_contract ON events (contract_id, seq);
CREATE INDEX events_by_user ON events (contract_id, user_id, seq);
