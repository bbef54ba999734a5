//! Writes what is recorded of this authority: the login in `authority/verify/recorded`, which the documentation of that
//! crate replays.

use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::relying_parties::{SHOP, answer, list_der};
use crate::revocation::today;

/// Below the root of the repository.
fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn write(path: &str, bytes: &[u8]) {
    std::fs::create_dir_all(below(path).parent().unwrap()).unwrap();
    std::fs::write(below(path), bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes files of the repository"]
async fn record() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let challenge = token::Challenge::from_bytes(&authority::code::random::<32>().unwrap()).unwrap();
    let token = card.answer(challenge.as_str(), SHOP);
    bench.wait(60);
    let time = bench.clock.now();
    let (list, good) = (list_der(&bench, 1).await, answer(&bench, &card, None).await);
    let nonce = answer(&bench, &card, Some(&[7; 32])).await;
    bench.wait(60);
    office.choose(crate::bench::USER, "revoke", Some("stolen")).await.ok();
    let (revoked_list, revoked) = (list_der(&bench, 1).await, answer(&bench, &card, None).await);
    let (root, issuing) = (bench.house.ca.root(), bench.house.ca.issuing());
    for (name, bytes) in [
        ("answer.der", good.as_slice()),
        ("challenge.txt", challenge.as_str().as_bytes()),
        ("issuing.der", issuing),
        ("list.crl", &list),
        ("nonce-answer.der", &nonce),
        ("revoked-answer.der", &revoked),
        ("revoked.crl", &revoked_list),
        ("root.der", root),
        ("time.txt", (time + 70).to_string().as_bytes()),
        ("token.json", token.as_bytes()),
    ] {
        write(&format!("authority/verify/recorded/{name}"), bytes);
    }
}
