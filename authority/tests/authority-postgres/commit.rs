//! PostgreSQL answers COMMIT with success where the transaction is over already; the store does not.

use authority::clock::Clock;
use authority::rules::login::Door;
use authority::store::{Change, Home, Store, StoreError, handles};

use crate::postgres::Database;

/// Adds a challenge; where `fails`, another statement of the change is refused by the server, and that is overlooked.
async fn write(change: &mut Change, challenge: &str, fails: bool) {
    handles::add_challenge(change, challenge, Door::User, 300).await.unwrap();
    if fails {
        sqlx::query("SELECT 1 / 0").execute(change.db()).await.unwrap_err();
    }
}

async fn is_there(store: &Store, challenge: &str) -> bool {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM challenges WHERE challenge = $1")
        .bind(challenge)
        .fetch_one(store.readers())
        .await
        .unwrap();
    count == 1
}

#[tokio::test]
async fn what_was_rolled_back_is_not_called_committed() {
    let database = Database::new().await;
    let store = Store::open(&Home::Server(database.url())).await.unwrap();
    let clock = Clock::standing(0);
    let mut change = store.change(&clock).await.unwrap();
    write(&mut change, "lost", true).await;
    let lost = change.commit_unrecorded().await.unwrap_err();
    assert!(matches!(lost, StoreError::Lost(Some(_))), "{lost:?}");
    assert!(!is_there(&store, "lost").await);

    let mut next = store.change(&clock).await.unwrap();
    write(&mut next, "kept", false).await;
    next.commit_unrecorded().await.unwrap();
    assert!(is_there(&store, "kept").await, "the store goes on");
}

/// Changes that wait share a transaction: whichever of them share one here, each is told what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shares_the_transaction_is_told_the_truth() {
    let database = Database::new().await;
    let store = Store::open(&Home::Server(database.url())).await.unwrap();
    let clock = Clock::standing(0);
    let mut waiting = Vec::new();
    // Whoever has the turn lets the others queue behind it.
    let mut first = store.change(&clock).await.unwrap();
    for n in 0..8 {
        let (store, clock) = (store.clone(), clock.clone());
        waiting.push(tokio::spawn(async move {
            let mut change = store.change(&clock).await?;
            write(&mut change, &n.to_string(), n == 4).await;
            change.commit_unrecorded().await
        }));
    }
    write(&mut first, "first", false).await;
    let told = first.commit_unrecorded().await;
    assert_eq!(told.is_ok(), is_there(&store, "first").await, "{told:?}");
    for (n, task) in waiting.into_iter().enumerate() {
        let told = task.await.unwrap();
        assert_eq!(told.is_ok(), is_there(&store, &n.to_string()).await, "{n}: {told:?}");
        assert!(n != 4 || told.is_err());
    }
}
