-- What the authority of the first schema (migration 0001 alone) has written: a contract with its administrator, a user who
-- was reissued once and logged in, a token, and the record of it. The same on both stores but for the bytes.
INSERT INTO contracts (contract_id, contract_status, contract_pin, contract_confirm_pin, user_max, opened_at)
    VALUES ('00009876543', 'active', '$argon2id$login', '$argon2id$confirm', 99, 1664593200);
INSERT INTO administrators (contract_id, form_reference, registered_at) VALUES ('00009876543', 'F-1', 1664593200);
INSERT INTO users (contract_id, user_id, user_status, user_pin, user_pin_failures, failures_in_a_row, registered_at,
        last_login_at, version)
    VALUES ('00009876543', 'riyousya', 'active', '$argon2id$user', 2, 2, 1664593200, 1664600000, 4);
INSERT INTO certificates (record_id, contract_id, user_id, cert_issue_no, cert_status, cert_issue_registered_on,
        reissue_reason, acquire_deadline, cert_serial, cert_valid_from, cert_valid_until, cert_confirmed_at,
        cert_ended_at, cert_ended_reason, certificate_sha256)
    VALUES ('record1', '00009876543', 'riyousya', 1, 'revoked', 1664593200, 'other', 1671505200, '40', 1664593300,
            1696204799, 1664593400, 1664594000, 'superseded', 'aa'),
           ('record2', '00009876543', 'riyousya', 2, 'valid', 1664593900, 'lost', 1671505900, '41', 1664593950,
            1696204799, 1664594000, NULL, NULL, 'bb');
INSERT INTO acquisitions (transaction_id, record_id, contract_id, user_id, acquired_at)
    VALUES ('00000000000000000000000000000001', 'record2', '00009876543', 'riyousya', 1664593950);
INSERT INTO tokens (token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, otp_next,
        contract_id, user_id, added_at, registered_at)
    VALUES ('T-1', 'registered', 'totp', 'sha1', 6, 30, BYTES, 55486441, '00009876543', 'riyousya', 1664593200, 1664593200);
INSERT INTO uses (contract_id, user_id, used_at, origin)
    VALUES ('00009876543', 'riyousya', 1664600000, '192.0.2.1');
INSERT INTO events (seq, at, actor, role, origin, action, contract_id, user_id, subject, before, after, reason, outcome,
        previous, hash)
    VALUES (1, 1664593200, 'root', 'bank_operator', 'terminal', 'authority.init', '', '', 'f00d', '', 'active', '', 'done', '0000000000000000000000000000000000000000000000000000000000000000', '598303347ceb9be9039b18806f82567f879b401ca188fa3e9e15a1b48a648f76'),
           (2, 1664600000, '00009876543/riyousya', 'user', '192.0.2.1', 'login.pin', '00009876543', 'riyousya', 'record2', '', '', '', 'done', '598303347ceb9be9039b18806f82567f879b401ca188fa3e9e15a1b48a648f76', 'cba06a80008f29e2de950f3abef6260769fcbc9c7aeef6603ca1432e3deb87ef');
