-- What became of certificates, for relying parties: which CA signed them, and the revocation lists (RFC 5280 §5).

-- The issuing CAs, present and former, by key identifier.
CREATE TABLE issuers (
    issuer      TEXT   NOT NULL PRIMARY KEY,
    certificate BYTEA  NOT NULL,
    added_at    BIGINT NOT NULL
);

ALTER TABLE certificates ADD COLUMN cert_issuer TEXT;
-- The part of the issuer's list in which the certificate would stand; 0: it names none but the whole list.
ALTER TABLE certificates ADD COLUMN crl_partition BIGINT NOT NULL DEFAULT 0;
CREATE INDEX certificates_not_good ON certificates (cert_issuer, crl_partition, cert_serial)
    WHERE cert_status IN ('revoked', 'suspended', 'unconfirmed');

-- The parts of a list. revision moves with every change of what stands in it; 0 is the whole list.
CREATE TABLE crl_partitions (
    issuer        TEXT   NOT NULL REFERENCES issuers (issuer),
    crl_partition BIGINT NOT NULL,
    -- The distribution point that its certificates name; empty for the whole list.
    url           TEXT   NOT NULL,
    certificates  BIGINT NOT NULL DEFAULT 0,
    revision      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (issuer, crl_partition)
);

-- The newest list of each part: every process serves these bytes.
CREATE TABLE crls (
    issuer        TEXT   NOT NULL,
    crl_partition BIGINT NOT NULL,
    crl_number    BIGINT NOT NULL,
    revision      BIGINT NOT NULL,
    this_update   BIGINT NOT NULL,
    next_update   BIGINT NOT NULL,
    -- thisUpdate of the newest that was made because it was due, not because something changed.
    regular_at    BIGINT NOT NULL,
    crl           BYTEA  NOT NULL,
    PRIMARY KEY (issuer, crl_partition),
    FOREIGN KEY (issuer, crl_partition) REFERENCES crl_partitions (issuer, crl_partition)
);

-- One row: moves with every revocation, hold and release, whoever writes it.
CREATE TABLE revocation_state (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);
INSERT INTO revocation_state (id, revision) VALUES (1, 0);
CREATE FUNCTION tell_of_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE crl_partitions SET revision = revision + 1
            WHERE issuer = NEW.cert_issuer AND crl_partition IN (0, NEW.crl_partition);
        UPDATE revocation_state SET revision = revision + 1;
        RETURN NULL;
    END;
$$;
CREATE TRIGGER certificates_tell_of_revocation AFTER UPDATE OF cert_status ON certificates FOR EACH ROW
    WHEN (NEW.cert_issuer IS NOT NULL AND NEW.cert_status <> OLD.cert_status
        AND (NEW.cert_status IN ('revoked', 'suspended') OR OLD.cert_status = 'suspended'))
    EXECUTE FUNCTION tell_of_revocation();

-- Servers of others that accept logins. A removed one stays: what it was told stands in the record of events.
CREATE TABLE relying_parties (
    origin         TEXT   NOT NULL PRIMARY KEY,
    party_status   TEXT   NOT NULL CHECK (party_status IN ('active', 'removed')),
    -- SHA-256 of the bearer token: what is in the database opens nothing.
    bearer_sha256  TEXT   NOT NULL UNIQUE,
    form_reference TEXT   NOT NULL,
    added_at       BIGINT NOT NULL,
    removed_at     BIGINT
);

CREATE TABLE party_challenges (
    challenge  TEXT   NOT NULL PRIMARY KEY,
    origin     TEXT   NOT NULL REFERENCES relying_parties (origin),
    expires_at BIGINT NOT NULL
);
CREATE INDEX party_challenges_by_end ON party_challenges (expires_at);
