//! How long the authority takes over a guess whose contract, user or PIN is wrong: three distributions that must not be told
//! apart, for people to look at. That the work is the same is tested in `tests/authority/guesses.rs`; what is left is noise.
//!
//! `cargo bench --workspace --bench guesses`; `JITSUIN_BENCH_GUESSES=1000` for more of each.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that fails says so by ending"
)]

#[path = "../tests/authority/bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod bench;
#[path = "../tests/postgres/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod postgres;

use std::time::Instant;

use authority::acquisition::Applicant;
use bench::{Bench, CONTRACT, USER, secret};
use token::{ContractId, Refusal, UserId};

const KINDS: [(&str, &str, &str); 3] =
    [("wrong contract", "00000000000", USER), ("wrong user", CONTRACT, "nobody"), ("wrong PIN", CONTRACT, USER)];

#[tokio::main]
async fn main() {
    let each: usize = std::env::var("JITSUIN_BENCH_GUESSES").ok().map_or(300, |n| n.parse().expect("a number"));
    let bench = Bench::with(|settings| {
        settings.acquisition.code = false;
        settings.lock.user_pin = 1 << 20;
    })
    .await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    let mut took: [Vec<f64>; 3] = Default::default();
    // By turns, so that whatever else the machine does falls on all of them.
    for n in 0..each * KINDS.len() {
        let kind = n % KINDS.len();
        let (_, contract, user) = KINDS[kind];
        let applicant =
            Applicant { contract: ContractId::new(contract).unwrap(), user: Some(UserId::new(user).unwrap()) };
        // A user who guesses a hundred times in a row is locked, and told so.
        if n % 60 == 0 {
            bench.bank().unlock_user(&bench::contract(), &bench::user(), "F").await.unwrap();
        }
        let began = Instant::now();
        let refused = bench.acquisition().admit(&applicant, Some(&secret("wrong111")), None).await;
        took[kind].push(began.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(refused.err(), Some(Refusal::Auth));
    }
    println!("{each} guesses each at the first page of an acquisition, in ms");
    println!("{:16} {:>8} {:>8} {:>8} {:>8} {:>8}", "", "p1", "p10", "p50", "p90", "p99");
    for ((name, ..), times) in KINDS.iter().zip(&took) {
        let at = |percent: usize| quantile(times, percent);
        println!("{name:16} {:8.3} {:8.3} {:8.3} {:8.3} {:8.3}", at(1), at(10), at(50), at(90), at(99));
    }
    let halves = |times: &[f64]| {
        let (a, b) = times.split_at(times.len() / 2);
        (quantile(a, 50) - quantile(b, 50)).abs()
    };
    let noise = took.iter().map(|times| halves(times)).fold(0.0, f64::max);
    let medians = took.each_ref().map(|times| quantile(times, 50));
    let apart = medians.iter().copied().fold(f64::MIN, f64::max) - medians.iter().copied().fold(f64::MAX, f64::min);
    println!("medians are {apart:.3} ms apart; those of the halves of one kind up to {noise:.3} ms");
}

fn quantile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) * percent / 100]
}
