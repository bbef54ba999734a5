//! The record of events: append-only, chained, and without secrets.

use authority::store::event::{self, ChainError};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, ON_POSTGRES, USER, USER_PIN};

#[tokio::test]
async fn events_cannot_be_changed_or_deleted() {
    let bench = Bench::new().await;
    let db = bench.intruder().await;
    for statement in ["UPDATE events SET actor = 'x' WHERE seq = 1", "DELETE FROM events WHERE seq = 1"] {
        let error = sqlx::query(statement).execute(&db).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    for statement in ["UPDATE certificates SET cert_status = 'valid'", "DELETE FROM certificates"] {
        // Administrator's record: make it a final one first.
        bench.bank().add_administrator(&crate::bench::contract(), "F-1", authority::bank::Person::default()).await.ok();
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

    let db = bench.intruder().await;
    for statement in ["DROP TRIGGER events_are_not_changed", "DROP TRIGGER events_are_not_deleted"] {
        let statement = if ON_POSTGRES { format!("{statement} ON events") } else { statement.to_owned() };
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
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
    let mut contents = Vec::new();
    for entry in std::fs::read_dir(bench.house.directory.as_path()).unwrap() {
        let path = entry.unwrap().path();
        contents.extend(std::fs::read(&path).map(|content| (path.display().to_string(), content)));
    }
    if ON_POSTGRES {
        contents.extend(rows(&bench).await);
    }
    assert!(contents.len() >= 4, "database, its log, configuration and key file were read");
    for (place, content) in contents {
        for canary in &canaries {
            assert!(!content.windows(canary.len()).any(|w| w == *canary), "{} in {place}", canary.len());
        }
    }
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

/// Every row of every table of a PostgreSQL database: as text, and with its bytes decoded.
async fn rows(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    let db = bench.house.store.readers();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_all(db)
            .await
            .unwrap();
    let mut found = Vec::new();
    for table in tables {
        let statement = sqlx::AssertSqlSafe(format!("SELECT CAST(row_to_json(t) AS TEXT) FROM {table} t"));
        for row in sqlx::query_scalar::<_, String>(statement).fetch_all(db).await.unwrap() {
            let hex = row.split("\\\\x").skip(1).filter_map(|rest| hex::decode(rest.split('"').next()?).ok());
            found.extend(hex.map(|bytes| (table.clone(), bytes)));
            found.push((table.clone(), row.into_bytes()));
        }
    }
    assert!(found.len() > 20, "rows with bytes in them were read");
    found
}
