//! As many users as wanted, each with a certificate, a token and three logins, by SQL.

use authority::acquisition::IssueOrder;
use authority::ca::Pointers;
use sqlx::{AnyPool, AssertSqlSafe, Row};
use token::PublicKey;

use crate::bench::{Bench, Card, new_pair, point, sha256};

/// Fills the tables. The users' contracts have 50 each.
pub(crate) async fn up_to(db: &AnyPool, store: &str, users: i64) {
    let there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE user_pin = 'filled'").fetch_one(db).await.unwrap();
    if there >= users {
        return;
    }
    let (hash, bytes) = match store {
        "sqlite" => ("lower(hex(randomblob(32)))", "zeroblob(48)"),
        _ => ("md5(CAST(i AS TEXT)) || md5(CAST(random() AS TEXT))", "decode(repeat('00', 48), 'hex')"),
    };
    let contract = "'9' || substr(CAST(10000000000 + i / 50 AS TEXT), 2)";
    let numbers =
        format!("WITH RECURSIVE n (i) AS (SELECT {there} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {users})");
    for insert in [
        "INSERT INTO contracts (contract_id, contract_status, contract_pin, contract_confirm_pin, user_max, opened_at) \
         SELECT DISTINCT CONTRACT, 'active', 'filled', 'filled', 99, 1 FROM n WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO users (contract_id, user_id, user_status, user_pin, registered_at) \
         SELECT CONTRACT, 'user' || i, 'active', 'filled', 1 FROM n",
        "INSERT INTO certificates (record_id, contract_id, user_id, cert_issue_no, cert_status, \
         cert_issue_registered_on, reissue_reason, acquire_deadline, cert_serial, cert_valid_from, cert_valid_until, \
         cert_confirmed_at, certificate_sha256) \
         SELECT 'record' || i, CONTRACT, 'user' || i, 1, 'valid', 1, 'other', 2, 'serial' || i, 1, 4000000000, 1, HASH FROM n",
        "INSERT INTO tokens (token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, \
         contract_id, user_id, added_at) \
         SELECT 'token' || i, 'registered', 'totp', 'sha1', 6, 30, BYTES, CONTRACT, 'user' || i, 1 FROM n",
        "INSERT INTO uses (contract_id, user_id, used_at, origin) \
         SELECT CONTRACT, 'user' || i, t, 'bench' FROM n, (SELECT 1 AS t UNION ALL SELECT 2 UNION ALL SELECT 3) times",
    ] {
        let insert = insert.replace("CONTRACT", contract).replace("HASH", hash).replace("BYTES", bytes);
        sqlx::query(AssertSqlSafe(format!("{numbers} {insert}"))).execute(db).await.unwrap();
    }
    let filled: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE user_pin = 'filled'").fetch_one(db).await.unwrap();
    assert_eq!(filled, users);
    sqlx::query("ANALYZE").execute(db).await.unwrap();
    settle(db, store).await;
}

/// Has what was filled in written to the disk, so that no login waits for it.
async fn settle(db: &AnyPool, store: &str) {
    let checkpoint = if store == "sqlite" { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "CHECKPOINT" };
    sqlx::query(checkpoint).execute(db).await.unwrap();
    rustix::fs::sync();
}

/// Keys of the first `count` users, and certificates that are in their records: those who log in at once are not one.
pub(crate) async fn cards(bench: &Bench, count: i64) -> Vec<Card> {
    let (db, now) = (bench.intruder().await, bench.clock.now());
    let mut cards = Vec::new();
    for i in 0..count {
        let pair = new_pair();
        let order = IssueOrder {
            subject: format!("9{:010} user{i} 1635", i / 50).parse().unwrap(),
            public_key: PublicKey::from_point(point(&pair)).unwrap(),
            serial: [0x41; 16],
            not_before: now - 10,
            not_after: now + 86_400,
            pointers: Pointers::default(),
        };
        let certificate = bench.house.ca.issue(&order).unwrap().certificate;
        sqlx::query("UPDATE certificates SET certificate = $2, certificate_sha256 = $3 WHERE record_id = $1")
            .bind(format!("record{i}"))
            .bind(certificate.as_slice())
            .bind(hex::encode(sha256(&certificate)))
            .execute(&db)
            .await
            .unwrap();
        cards.push(Card { pair, certificate, transaction: [0; 16] });
    }
    cards
}

/// Says which statements of a login, or of time's passing, read a whole table.
pub(crate) async fn explain(db: &AnyPool, store: &str) {
    let explain = if store == "sqlite" { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    for statement in [
        "SELECT record_id FROM certificates JOIN contracts ON contracts.contract_id = certificates.contract_id \
         LEFT JOIN users ON users.contract_id = certificates.contract_id AND users.user_id = certificates.user_id \
         WHERE certificate_sha256 = 'x'",
        "SELECT record_id FROM certificates WHERE contract_id = 'x' AND COALESCE(user_id, '') = 'y' ORDER BY cert_issue_no",
        "SELECT user_id FROM users WHERE contract_id = 'x' AND user_id = 'y'",
        "SELECT token_serial FROM tokens WHERE contract_id = 'x' AND user_id = 'y' AND token_status = 'registered'",
        "SELECT used_at FROM uses WHERE contract_id = 'x' AND user_id = 'y' ORDER BY used_at DESC LIMIT 3",
        "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1",
        "DELETE FROM challenges WHERE expires_at < 1",
        "DELETE FROM logins WHERE expires_at < 1",
        "DELETE FROM sessions WHERE expires_at < 1",
        "DELETE FROM code_tickets WHERE expires_at < 1",
        "SELECT record_id FROM certificates WHERE due_at < 1 ORDER BY due_at LIMIT 100",
    ] {
        let rows = sqlx::query(AssertSqlSafe(format!("{explain} {statement}"))).fetch_all(db).await.unwrap();
        let plan: Vec<String> =
            rows.iter().map(|row| row.get::<String, _>(if store == "sqlite" { 3 } else { 0 })).collect();
        if plan.iter().any(|line| line.starts_with("SCAN") && !line.contains("INDEX") || line.contains("Seq Scan")) {
            println!("  reads a whole table: {statement}");
        }
    }
}
