//! Both dialects of the migrations make the same tables.

use std::collections::BTreeSet;

use authority::store::{Home, Store};
use sqlx::AnyPool;

use crate::postgres::Database;

const SQLITE: [&str; 3] = [
    "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || CASE c.\"notnull\" WHEN 1 THEN 'required' ELSE '' END \
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'",
    "SELECT tbl_name || ' index ' || name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'",
    "SELECT tbl_name || ' trigger ' || name FROM sqlite_master WHERE type = 'trigger'",
];

const POSTGRES: [&str; 3] = [
    "SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bigint' THEN 'BIGINT' WHEN 'text' THEN \
     'TEXT' WHEN 'bytea' THEN 'BLOB' ELSE data_type END || ' ' || CASE is_nullable WHEN 'NO' THEN 'required' ELSE '' END \
     FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT tablename || ' index ' || indexname FROM pg_indexes i WHERE schemaname = 'public' AND NOT EXISTS \
     (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
    "SELECT DISTINCT event_object_table || ' trigger ' || trigger_name FROM information_schema.triggers",
];

async fn described(db: &AnyPool, statements: [&'static str; 3]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for statement in statements {
        let found: Vec<String> = sqlx::query_scalar(statement).fetch_all(db).await.unwrap();
        lines.extend(found.into_iter().filter(|line| !line.starts_with("_sqlx_migrations")));
    }
    lines
}

#[tokio::test]
async fn the_tables_are_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let file = Store::open(&Home::File { path: scratch.path().join("a.db"), create: true }).await.unwrap();
    let database = Database::empty().await;
    let server = Store::open(&Home::Server(database.url())).await.unwrap();
    let (file, server) = (described(file.readers(), SQLITE).await, described(server.readers(), POSTGRES).await);
    assert!(file.len() > 100 && file.iter().any(|line| line.contains(" trigger ")), "{file:#?}");
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!((only(&file, &server), only(&server, &file)), (vec![], vec![]));
}
