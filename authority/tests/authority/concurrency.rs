//! Many at once, and only one succeeds.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use token::Refusal;

use crate::bench::{Bench, ORIGIN, USER, USER_PIN, applicant, text};

const MANY: usize = 50;

async fn opened() -> (Arc<Bench>, crate::bench::Client) {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    (Arc::new(bench), office)
}

/// Runs `MANY` of them at once.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(task: impl Fn(usize) -> F) -> Vec<T> {
    let tasks: Vec<_> = (0..MANY).map(|n| tokio::spawn(task(n))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_otp_binds_one_request() {
    let (bench, _office) = opened().await;
    let otp = bench.otp();
    let results = at_once(|_| {
        let (bench, otp) = (Arc::clone(&bench), otp.clone());
        async move { bench.accept(&applicant(Some(USER)), Some(USER_PIN), Some(&otp), true).await.map(drop) }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|refusal| *refusal == Refusal::NotIssued));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_transaction_has_one_certificate() {
    let (bench, _office) = opened().await;
    let otp = bench.otp();
    let pair = Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    let results = at_once(|_| {
        let (bench, otp, pair) = (Arc::clone(&bench), otp.clone(), Arc::clone(&pair));
        async move { bench.submit(&applicant(Some(USER)), &pair, [3; 16], Some(USER_PIN), Some(&otp), true).await }
    })
    .await;
    let first = results[0].as_ref().unwrap().certificate.clone();
    assert!(results.iter().all(|result| result.as_ref().unwrap().certificate == first));
    let made: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM acquisitions WHERE user_id IS NOT NULL")
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_challenge_and_one_handle_open_one_session() {
    let (bench, _office) = opened().await;
    let card = bench.acquire().await.unwrap();
    bench.confirm(&card).await.unwrap();
    let client = bench.client().await;
    let challenge = client.challenge("user").await;
    let token = card.answer(&challenge, ORIGIN);
    let results = at_once(|_| {
        let (bench, challenge, token) = (Arc::clone(&bench), challenge.clone(), token.clone());
        async move {
            let client = bench.client().await;
            client.post("/login/verify", &[("challenge", &challenge), ("token", &token)]).await
        }
    })
    .await;
    let good: Vec<_> = results.iter().filter(|answer| answer.status.is_success()).collect();
    assert_eq!(good.len(), 1);
    let login = text(&good[0].ok(), "login").to_owned();

    let results = at_once(|_| {
        let (bench, login) = (Arc::clone(&bench), login.clone());
        async move { bench.client().await.pin(&login, USER_PIN).await }
    })
    .await;
    assert_eq!(results.iter().filter(|answer| answer.status.is_success()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_guesses_gets_seven() {
    let (bench, _office) = opened().await;
    let results = at_once(|n| {
        let bench = Arc::clone(&bench);
        async move {
            // The right one is among the last: it must not be told apart any more.
            let pin = if n == MANY - 1 { USER_PIN.to_owned() } else { format!("guess{n}") };
            bench.admit(USER, &pin, true).await.map(drop)
        }
    })
    .await;
    let looked_at = results.iter().filter(|result| **result == Err(Refusal::Auth)).count();
    let locked = results.iter().filter(|result| **result == Err(Refusal::LockUser)).count();
    let right = results.iter().filter(|result| result.is_ok()).count();
    // Whether the right one came in time is the scheduler's; seven wrong in a row is the limit.
    assert!(looked_at <= 6 + 6 * right && looked_at + locked + right == MANY, "{looked_at} {locked} {right}");
}
