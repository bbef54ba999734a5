//! What a login costs the authority, beside the bare work: one ECDSA verification, one chain check, one durable commit
//! (design §10). On SQLite and on PostgreSQL, with a thousand users, a hundred thousand and a million, in one run.
//!
//! `cargo bench -p authority --bench logins`; `JITSUIN_BENCH_USERS=10000` for fewer users.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that fails says so by ending"
)]

mod bare;
#[path = "../../tests/authority/bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod bench;
mod fill;
mod measure;
#[path = "../../tests/postgres/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod postgres;

use std::sync::Arc;

use authority::login::Login;
use authority::rules::login::Door;
use bench::{Bench, Card, ORIGIN, USER_PIN, secret};
use measure::{Rate, at_once};
use postgres::Database;

/// Requests in a measurement.
const REQUESTS: usize = 3000;
/// Clients at once.
const CLIENTS: [usize; 2] = [1, 32];
/// Who log in, in turn.
const USERS: i64 = 100;
/// Logins whose PIN is entered: each costs an Argon2id of 19 MiB.
const PINS: usize = 100;

#[tokio::main]
async fn main() {
    let most: i64 = std::env::var("JITSUIN_BENCH_USERS").ok().map_or(1_000_000, |n| n.parse().expect("a number"));
    println!(
        "logins a second; budget: certificate step at least 0.8 of the bare work; CPU is this process's, in µs each"
    );
    for store in ["sqlite", "postgres"] {
        let database = Database::new().await;
        let url = database.url();
        let bench = if store == "sqlite" {
            Bench::at(authority::clock::Clock::system(), |_| {}).await
        } else {
            Bench::made(Some(&url), authority::clock::Clock::system(), |_| {}).await
        };
        let administrator = bench.administrator().await;
        let office = bench.office(&administrator).await;
        let card = bench.user_card(&office).await;
        fill::up_to(&bench.intruder().await, store, 1000).await;
        let cards = Arc::new(fill::cards(&bench, USERS).await);
        let mut before: Option<Vec<f64>> = None;
        for users in [1000, 100_000].into_iter().filter(|users| *users < most).chain([most]) {
            fill::up_to(&bench.intruder().await, store, users).await;
            println!("{store}, {users} users");
            let mut rates = Vec::new();
            for clients in CLIENTS {
                rates.push(compare(&bench, &cards, clients).await);
            }
            if let Some(before) = &before {
                let flat: Vec<String> = before.iter().zip(&rates).map(|(a, b)| format!("{:.2}", b / a)).collect();
                println!("  certificate step with {users} users beside 1000: {}", flat.join(", "));
            }
            before.get_or_insert(rates);
            pins(&bench, &card).await;
            fill::explain(&bench.intruder().await, store).await;
        }
    }
    println!("largest resident size {} MiB, with Argon2id's memory and the clients", measure::largest_size() / 1024);
}

/// Measures the steps with so many clients. Yields the certificate step's rate.
async fn compare(bench: &Bench, cards: &Arc<Vec<Card>>, clients: usize) -> f64 {
    let login = Login::new(bench.house.clone(), "bench");
    let (challenging, challenges) = at_once(clients, REQUESTS, {
        let login = login.clone();
        move |_| {
            let login = login.clone();
            async move { login.challenge(Door::User).await.unwrap().challenge.as_str().to_owned() }
        }
    })
    .await;
    let answers: Arc<Vec<(String, String)>> = Arc::new(
        challenges
            .into_iter()
            .zip(cards.iter().cycle())
            .map(|(challenge, card)| (challenge.clone(), card.answer(&challenge, ORIGIN)))
            .collect(),
    );
    let bare = bare::Bare::new(bench, &cards[0]).await;
    let (bare, _) = at_once(clients, REQUESTS, move |_| {
        let bare = bare.clone();
        async move { bare.work().await }
    })
    .await;
    let (proving, _) = at_once(clients, REQUESTS, move |n| {
        let (login, answers) = (login.clone(), Arc::clone(&answers));
        async move { login.verify_user(&answers[n].0, &answers[n].1).await.unwrap().login }
    })
    .await;
    let both = Rate::in_a_row(challenging, proving);
    println!(
        "  {clients:2} clients: bare {bare}  certificate step {proving} = {:.2} of bare  challenge {challenging}  both {both} = {:.2}",
        proving.a_second / bare.a_second,
        both.a_second / bare.a_second,
    );
    proving.a_second
}

async fn pins(bench: &Bench, card: &Card) {
    let login = Login::new(bench.house.clone(), "bench");
    let mut handles = Vec::new();
    for _ in 0..PINS {
        let challenge = login.challenge(Door::User).await.unwrap().challenge.as_str().to_owned();
        handles.push(login.verify_user(&challenge, &card.answer(&challenge, ORIGIN)).await.unwrap().login);
    }
    let handles = Arc::new(handles);
    let (entering, _) = at_once(8, PINS, move |n| {
        let (login, handles) = (login.clone(), Arc::clone(&handles));
        async move { login.enter_pin(&handles[n], None, Some(&secret(USER_PIN))).await.unwrap().days_left }
    })
    .await;
    println!("   8 clients: PIN step {entering} (Argon2id on purpose)");
}
