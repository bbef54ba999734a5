-- What the clock asks for, every few minutes in every process, in the words of the questions: SQLite uses a partial index
-- only where its condition stands in the question.
DROP INDEX certificates_by_end;
CREATE INDEX certificates_by_end ON certificates (cert_valid_until) WHERE cert_status = 'valid';
CREATE INDEX tokens_held_by_end ON tokens (token_ends_at) WHERE token_status IN ('registered', 'locked');
CREATE INDEX approvals_by_end ON approvals (expires_at) WHERE approval_status = 'pending';

-- What was told long ago is forgotten, the oldest first, and the operator looks at those of one status.
CREATE INDEX notices_by_sending ON notices (notice_status, sent_at);
CREATE INDEX notices_by_status ON notices (notice_status, event_seq);
CREATE INDEX stop_codes_by_end ON stop_codes (expires_at);
