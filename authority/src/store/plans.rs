//! What is asked often finds its rows by an index. SQLite says how it would; PostgreSQL decides by how much there is.

use sqlx::Row;

use super::{Home, Store, approvals, history, life, notices, tokens};

#[tokio::test]
async fn what_the_clock_asks_is_found_by_an_index() {
    let scratch = tempfile::tempdir().unwrap();
    let home = Home::File { path: scratch.path().join("authority.db"), create: true };
    let store = Store::open(&home).await.unwrap();
    let listed = |status, contract| notices::listing(status, contract);
    for (statement, index) in [
        (life::NEXT_DUE.to_owned(), "certificates_by_due"),
        (life::OVERDUE.to_owned(), "certificates_by_due"),
        (approvals::NEXT_DUE.to_owned(), "approvals_by_end"),
        (approvals::OUTLIVED.to_owned(), "approvals_by_end"),
        (tokens::OUTLIVED.to_owned(), "tokens_by_end"),
        (notices::CERTIFICATES_ENDING.to_owned(), "certificates_by_end"),
        (notices::NOT_ACQUIRED.to_owned(), "certificates_by_opening"),
        (notices::TOKENS_ENDING.to_owned(), "tokens_held_by_end"),
        (notices::FORGET.to_owned(), "notices_by_sending"),
        (notices::FORGET_CODES.to_owned(), "stop_codes_by_end"),
        (listed(true, false), "notices_by_status"),
        (listed(false, true), "notices_by_contract"),
        (history::NEWEST.to_owned(), "events_by_contract"),
        (history::NEWEST_OF_USER.to_owned(), "events_by_user"),
        (history::OLDEST.to_owned(), "events_by_contract"),
        (history::OLDEST_OF_USER.to_owned(), "events_by_user"),
    ] {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan = sqlx::query(explain).fetch_all(store.readers()).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{statement}: {plan:?}");
        // A walk through an index from its end, up to the limit, is no reading of everything.
        let reads_all = plan.iter().any(|step| step.starts_with("SCAN") && !step.contains(" USING "));
        assert!(!reads_all && !plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY")), "{plan:?}");
    }
}
