-- What a request of a holder's own was, beside its number: another one under the same number is refused. Of those before,
-- nobody knows; none is taken for a repetition any more.
ALTER TABLE own_requests ADD COLUMN wish TEXT NOT NULL DEFAULT '';

-- In which role the token was locked: what the bank has locked, the contract's administrator does not unlock.
ALTER TABLE tokens ADD COLUMN locked_by TEXT;
UPDATE tokens SET locked_by = (
    SELECT role FROM events WHERE events.subject = tokens.token_serial AND action = 'token.lock' AND after = 'locked'
        AND outcome = 'done' ORDER BY seq DESC LIMIT 1
) WHERE token_status = 'locked';

-- The browser that a login's link was opened in first, and the wrong PINs that were entered by it.
ALTER TABLE logins ADD COLUMN browser_sha256 TEXT;
ALTER TABLE logins ADD COLUMN wrong_entries BIGINT NOT NULL DEFAULT 0;
