//! Changes that share a transaction: each is told when all of it is durable, and takes back its own only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authority::clock::Clock;
use authority::store::users::NewUser;
use authority::store::{Change, Event, Store, event, users};
use token::UserId;

use crate::bench::{Bench, START, contract};

fn noted(subject: &str) -> Event {
    Event::new("authority", "test", "test", "test.shared").on(subject)
}

async fn add(change: &mut Change, name: &str) {
    let now = change.now();
    users::add(change.db(), &contract(), &new(name), now).await.unwrap();
}

fn new(name: &str) -> NewUser {
    let (name, id) = (String::new(), UserId::new(name).unwrap());
    NewUser { id, pin: "hash".to_owned(), pin_initial: false, name, email: String::new() }
}

/// Waits until so many changes queue; a gauge tells nobody that it moves, so it is looked at.
async fn queued(store: &Store, changes: i64) {
    while store.metrics().waiting() < changes {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // Who is counted is about to queue: a last moment for whoever was put aside just there.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

async fn names(bench: &Bench) -> Vec<String> {
    let rows = users::list(bench.house.store.readers(), &contract()).await.unwrap();
    rows.iter().map(|user| user.id.to_string()).filter(|name| name.starts_with("shared")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_dropped_or_fails_takes_back_its_own_only() {
    let bench = Bench::new().await;
    let store = bench.house.store.clone();
    // The first holds the turn until the others have queued: they are one group.
    let mut first = store.change(&Clock::standing(1)).await.unwrap();
    add(&mut first, "shared0").await;
    let mut tasks = Vec::new();
    for n in 1..30 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut change = store.change(&Clock::standing(1)).await.unwrap();
            add(&mut change, &format!("shared{n}")).await;
            match n % 3 {
                0 => change.commit(noted(&format!("shared{n}"))).await.map(|()| Some(n)),
                // Dropped after its statements.
                1 => Ok(None),
                // A statement that fails: the name is taken. On PostgreSQL that spoils the transaction.
                _ => {
                    assert!(users::add(change.db(), &contract(), &new("shared0"), 1).await.is_err());
                    Ok(None)
                }
            }
        }));
    }
    queued(&store, 29).await;
    assert_eq!(names(&bench).await, [""; 0], "nothing is to be seen before it is durable");
    first.commit(noted("shared0")).await.unwrap();
    let mut kept = vec!["shared0".to_owned()];
    for task in tasks {
        kept.extend(task.await.unwrap().unwrap().map(|n| format!("shared{n}")));
    }
    kept.sort();
    assert_eq!(names(&bench).await, kept);
    assert_eq!(bench.events_of("test.shared").await, i64::try_from(kept.len()).unwrap());
    event::verify(store.readers()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_told_before_the_common_commit() {
    let bench = Bench::new().await;
    let store = bench.house.store.clone();
    let mut first = store.change(&Clock::standing(1)).await.unwrap();
    add(&mut first, "shared0").await;
    let (reached, reach) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let other = tokio::spawn({
        let store = store.clone();
        async move {
            let mut change = store.change(&Clock::standing(1)).await.unwrap();
            add(&mut change, "shared1").await;
            reached.send(()).unwrap();
            released.await.unwrap();
            change.commit(noted("shared1")).await
        }
    });
    queued(&store, 1).await;
    let first = tokio::spawn(first.commit(noted("shared0")));
    reach.await.unwrap();
    assert!(!first.is_finished() && names(&bench).await.is_empty(), "the first waits for the second");
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(names(&bench).await, ["shared0", "shared1"]);
}

/// Requests end when their clients go away: whatever they were doing, the others' changes are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_that_are_given_up_anywhere_hold_nobody_up() {
    let bench = Bench::new().await;
    let store = bench.house.store.clone();
    let mut tasks = Vec::new();
    for n in 0..300_u32 {
        let store = store.clone();
        let work = async move {
            let mut change = store.change(&Clock::standing(1)).await.unwrap();
            add(&mut change, &format!("shared{n}")).await;
            change.commit(noted("x")).await.unwrap();
        };
        tasks.push(tokio::spawn(async move {
            if n % 3 == 0 {
                work.await;
                return Some(format!("shared{n}"));
            }
            let patience = std::time::Duration::from_micros(u64::from(n) * 137);
            tokio::time::timeout(patience, work).await.ok().map(|()| format!("shared{n}"))
        }));
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.extend(task.await.unwrap());
    }
    let found = names(&bench).await;
    assert!(kept.len() >= 100 && kept.iter().all(|name| found.contains(name)), "{} {}", kept.len(), found.len());
    assert_eq!(bench.events_of("test.shared").await, i64::try_from(found.len()).unwrap());
    event::verify(store.readers()).await.unwrap();
}

/// Whoever waits for the turn is not early by as long as it waited.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_clock_is_read_when_the_turn_is_had() {
    let bench = Bench::new().await;
    let (store, clock) = (bench.house.store.clone(), Clock::standing(START));
    let first = store.change(&clock).await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|n| {
            let (store, clock) = (store.clone(), clock.clone());
            tokio::spawn(async move {
                let change = store.change(&clock).await.unwrap();
                let now = change.now();
                change.commit(noted(&format!("waited {n}"))).await.unwrap();
                now
            })
        })
        .collect();
    queued(&store, 3).await;
    clock.set(START + 20);
    first.commit(noted("first")).await.unwrap();
    for task in waiting {
        assert_eq!(task.await.unwrap(), START + 20);
    }
    let at: Vec<i64> = sqlx::query_scalar("SELECT at FROM events WHERE action = 'test.shared' ORDER BY seq")
        .fetch_all(store.readers())
        .await
        .unwrap();
    assert_eq!(at, [START, START + 20, START + 20, START + 20]);
}

/// An operator's command beside a server that never rests.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_program_gets_its_turn_under_load() {
    let bench = Bench::new().await;
    let store = bench.house.store.clone();
    let home = bench.house.settings.database.home(&bench.house.directory, false);
    let other = Store::open(&home).await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..64)
        .map(|_| {
            let (store, clock, ended) = (store.clone(), bench.clock.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                while !ended.load(Ordering::SeqCst) {
                    store.change(&clock).await.unwrap().commit(noted("load")).await.unwrap();
                }
            })
        })
        .collect();
    for _ in 0..8 {
        // SQLite gives up after ten seconds of looking for a moment in which nobody writes.
        let change = other.change(&bench.clock).await.unwrap();
        change.commit(noted("other")).await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    for task in load {
        task.await.unwrap();
    }
    event::verify(store.readers()).await.unwrap();
    other.close().await;
}
