//! The record of events: append-only, chained, and without secrets.

use authority::store::event::{self, ChainError};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, USER, USER_PIN};

async fn open(bench: &Bench) -> SqlitePool {
    let path = bench.house.directory.join("authority.db");
    SqlitePool::connect_with(SqliteConnectOptions::new().filename(path)).await.unwrap()
}

#[tokio::test]
async fn events_cannot_be_changed_or_deleted() {
    let bench = Bench::new().await;
    let db = open(&bench).await;
    for statement in ["UPDATE events SET actor = 'x' WHERE seq = 1", "DELETE FROM events WHERE seq = 1"] {
        let error = sqlx::query(statement).execute(&db).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    for statement in ["UPDATE certificates SET cert_status = 'valid'", "DELETE FROM certificates"] {
        // Administrator's record: make it a final one first.
        bench.bank().add_administrator(&crate::bench::contract(), "F-1").await.ok();
        sqlx::query("UPDATE certificates SET cert_status = 'revoked' WHERE cert_status <> 'revoked'")
            .execute(&db)
            .await
            .unwrap();
        assert!(sqlx::query(statement).execute(&db).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn whoever_goes_around_the_database_is_found_out() {
    let bench = Bench::new().await;
    let readers = bench.house.store.readers();
    let head = event::verify(readers).await.unwrap();
    assert!(head.events >= 5);
    let text = format!("{}:{}", head.events, head.hash);
    event::contains(readers, &text).await.unwrap();

    let db = open(&bench).await;
    for statement in ["DROP TRIGGER events_are_not_changed", "DROP TRIGGER events_are_not_deleted"] {
        sqlx::query(statement).execute(&db).await.unwrap();
    }
    for column in
        ["actor", "role", "origin", "action", "contract_id", "user_id", "subject", "before", "after", "reason"]
    {
        let change = sqlx::AssertSqlSafe(format!("UPDATE events SET {column} = {column} || 'x' WHERE seq = 3"));
        let undo = sqlx::AssertSqlSafe(format!("UPDATE events SET {column} = rtrim({column}, 'x') WHERE seq = 3"));
        sqlx::query(change).execute(&db).await.unwrap();
        assert!(matches!(event::verify(readers).await, Err(ChainError::Hash(3))), "{column}");
        sqlx::query(undo).execute(&db).await.unwrap();
        event::verify(readers).await.unwrap();
    }
    for statement in ["UPDATE events SET at = at + 1 WHERE seq = 2", "UPDATE events SET at = at - 1 WHERE seq = 2"] {
        sqlx::query(statement).execute(&db).await.unwrap();
    }
    event::verify(readers).await.unwrap();
    sqlx::query("UPDATE events SET outcome = 'E-AUTH' WHERE seq = 4").execute(&db).await.unwrap();
    assert!(matches!(event::verify(readers).await, Err(ChainError::Hash(4))));
    sqlx::query("UPDATE events SET outcome = 'done' WHERE seq = 4").execute(&db).await.unwrap();

    // Cut off at its end it is whole in itself; the head that was kept elsewhere says otherwise.
    sqlx::query("DELETE FROM events WHERE seq = (SELECT MAX(seq) FROM events)").execute(&db).await.unwrap();
    event::verify(readers).await.unwrap();
    assert!(event::contains(readers, &text).await.is_err());
    sqlx::query("DELETE FROM events WHERE seq = 1").execute(&db).await.unwrap();
    assert!(matches!(event::verify(readers).await, Err(ChainError::Sequence(1))));
}

#[tokio::test]
async fn no_secret_is_found_in_the_files() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    let code = bench.code().await.unwrap();
    let otp = bench.otp();
    let card = bench.acquire().await.unwrap();
    bench.confirm(&card).await.unwrap();
    let session = office.session.clone().unwrap();
    let canaries: Vec<&[u8]> = vec![
        CONTRACT_PIN.as_bytes(),
        CONFIRM_PIN.as_bytes(),
        USER_PIN.as_bytes(),
        crate::bench::SEED,
        code.expose(),
        session.as_bytes(),
    ];
    let mut read = 0;
    for entry in std::fs::read_dir(bench.house.directory.as_path()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(content) = std::fs::read(&path) else { continue };
        read += 1;
        for canary in &canaries {
            assert!(!content.windows(canary.len()).any(|w| w == *canary), "{} in {path:?}", canary.len());
        }
    }
    assert!(read >= 4, "database, its log, configuration and key file were read");
    // Six digits may stand in any number: the OTP is looked for as a value of its own.
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM events WHERE $1 IN (actor, origin, subject, before, after, reason, outcome)",
    )
    .bind(&otp)
    .fetch_one(bench.house.store.readers())
    .await
    .unwrap();
    assert_eq!(found, 0);
}
