-- One row: the keys of the authority's directories that go with this database, by their identifiers.
CREATE TABLE vault_state (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The key that secrets are sealed under; empty until a program that asks for it opens the database.
    vault_key  TEXT   NOT NULL,
    -- The key under which they are being sealed again; empty while they are not.
    vault_next TEXT   NOT NULL
);
INSERT INTO vault_state (id, vault_key, vault_next) VALUES (1, '', '');
