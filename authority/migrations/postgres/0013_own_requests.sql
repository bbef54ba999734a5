-- What holders asked about their own certificates (CMP rr): the same message again does nothing more.
CREATE TABLE own_requests (
    transaction_id TEXT   NOT NULL PRIMARY KEY,
    record_id      TEXT   NOT NULL REFERENCES certificates (record_id),
    asked_at       BIGINT NOT NULL
);
