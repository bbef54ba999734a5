//! Databases of the first schema, with data in them, are brought to today's on both stores.

use std::borrow::Cow;

use authority::acquisition::Applicant;
use authority::clock::Clock;
use authority::rules::certificate::Status;
use authority::store::{Home, Store, certificates, event, tokens, users};
use sqlx::AnyPool;
use sqlx::migrate::Migrator;
use token::{ContractId, UserId};

use crate::postgres::Database;

/// Rows as the first version wrote them.
const ROWS: &str = include_str!("first_schema.sql");

async fn at_first(url: &str, migrations: Migrator, bytes: &str) {
    sqlx::any::install_default_drivers();
    let db = AnyPool::connect(url).await.unwrap();
    let first = migrations.iter().filter(|migration| migration.version == 1).cloned().collect();
    let Migrator { ignore_missing, locking, no_tx, table_name, create_schemas, .. } = migrations;
    let first = Migrator { migrations: Cow::Owned(first), ignore_missing, locking, no_tx, table_name, create_schemas };
    first.run(&db).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(ROWS.replace("BYTES", bytes))).execute(&db).await.unwrap();
    db.close().await;
}

async fn is_whole(home: &Home) {
    let store = Store::open(home).await.unwrap();
    let (contract, user) = (ContractId::new("00009876543").unwrap(), UserId::new("riyousya").unwrap());
    let row = users::find(store.readers(), &contract, &user).await.unwrap().unwrap();
    assert_eq!((row.version, row.locks.pin_failures, row.last_login_at), (4, 2, Some(1_664_600_000)));
    let holder = Applicant { contract: contract.clone(), user: Some(user.clone()) };
    let rows = certificates::of_holder(store.readers(), &holder).await.unwrap();
    let stands: Vec<_> = rows.iter().map(|row| (row.record.issue_no, row.record.status)).collect();
    assert_eq!(stands, [(1, Status::Revoked), (2, Status::Valid)]);
    assert_eq!(rows[1].serial.as_deref(), Some("41"));
    let token = tokens::of_user(store.readers(), &contract, &user).await.unwrap().unwrap();
    assert_eq!((token.serial.as_str(), token.state.next), ("T-1", 55_486_441));
    let head = event::verify(store.readers()).await.unwrap();
    assert_eq!(head.events, 2);
    // And it is worked on.
    let change = store.change(&Clock::standing(1_664_700_000)).await.unwrap();
    change.commit(authority::store::Event::new("authority", "test", "test", "test.upgraded")).await.unwrap();
    assert_eq!(event::verify(store.readers()).await.unwrap().events, 3);
    store.close().await;
    // Opening it again changes nothing.
    let again = Store::open(home).await.unwrap();
    assert_eq!(event::verify(again.readers()).await.unwrap().events, 3);
    again.close().await;
}

#[tokio::test]
async fn sqlite_is_brought_up_to_date() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("authority.db");
    at_first(&format!("sqlite://{}?mode=rwc", path.display()), sqlx::migrate!("./migrations/sqlite"), "X'2a'").await;
    is_whole(&Home::File { path, create: false }).await;
}

#[tokio::test]
async fn postgres_is_brought_up_to_date() {
    let database = Database::empty().await;
    at_first(&database.url(), sqlx::migrate!("./migrations/postgres"), "'\\x2a'").await;
    is_whole(&Home::Server(database.url())).await;
}
