//! What time makes of certificates that nobody asks about.

use std::time::Duration;

use authority::rounds;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, USER};

const DAY: i64 = 86_400;

#[tokio::test]
async fn each_transition_of_time_is_made_once_with_its_event() {
    let bench = Bench::with(|settings| settings.acquisition.resume_minutes = 10).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;

    // Never acquired: 80 days.
    office.choose(USER, "reissue", None).await.ok();
    bench.wait(80 * DAY);
    assert_eq!(rounds::once(&bench.house).await.unwrap().done, 0);
    bench.wait(1);
    let round = rounds::once(&bench.house).await.unwrap();
    assert_eq!(round.done, 1);
    assert_eq!(bench.states().await, ["lapsed"]);
    assert!(round.next.is_some(), "the administrator's certificate ends some day");

    // Issued, and not confirmed in ten minutes.
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    let card = bench.acquire().await.unwrap();
    bench.wait(601);
    assert_eq!(rounds::once(&bench.house).await.unwrap().done, 1);
    assert_eq!(bench.states().await, ["lapsed", "revoked"]);
    assert!(bench.confirm(&card).await.is_err());

    // Used until its end.
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    bench.wait(366 * DAY);
    // The administrator's as well.
    assert_eq!(rounds::once(&bench.house).await.unwrap().done, 2);
    assert_eq!(bench.states().await, ["lapsed", "revoked", "expired"]);
    assert_eq!(rounds::once(&bench.house).await.unwrap(), rounds::Round::default());
    assert_eq!(bench.events_of("certificate.end").await, 4);
    authority::store::event::verify(bench.house.store.readers()).await.unwrap();
}

/// Many processes at once: each transition is made by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_several_does_the_round() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    bench.wait(81 * DAY);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let house = bench.house.clone();
            tokio::spawn(async move { rounds::once(&house).await.unwrap() })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap().done;
    }
    assert_eq!(done, 1);
    assert_eq!(bench.events_of("certificate.end").await, 1);
}

/// A process that died in its round is waited for no longer than its claim is good.
#[tokio::test]
async fn a_dead_process_keeps_nobody_for_long() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    bench.wait(81 * DAY);
    let now = bench.clock.now();
    let mut change = bench.house.store.change(&bench.clock).await.unwrap();
    assert!(authority::store::chores::claim(change.db(), "rounds", "dead", now + 120, now).await.unwrap());
    change.commit_unrecorded().await.unwrap();
    assert!(rounds::once(&bench.house).await.unwrap().elsewhere);
    bench.wait(121);
    assert_eq!(rounds::once(&bench.house).await.unwrap().done, 1);
}

#[tokio::test]
async fn a_server_does_it_by_itself_and_ends_when_told() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    bench.wait(81 * DAY);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(rounds::run(bench.house.clone(), shutdown.clone()));
    while bench.states().await != ["lapsed"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.cancel();
    running.await.unwrap();
}
