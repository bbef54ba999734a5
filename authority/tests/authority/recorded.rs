//! Writes what is recorded of this authority: the login in `authority/verify/recorded`, which the documentation of that
//! crate replays, and the seeds of the fuzz targets `attestation` and `webeid`. `scripts/fuzz record` has it run.

use std::path::{Path, PathBuf};

use virtual_card::attestation::{Wrong, chain, root, root_pem};

use crate::attestation::{DEVICE, POLICIES};
use crate::bench::{Bench, Card, point};
use crate::relying_parties::{SHOP, answer, list_der};
use crate::revocation::{set_status, today};

/// Below the root of the repository.
fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn write(path: &str, bytes: &[u8]) {
    std::fs::create_dir_all(below(path).parent().unwrap()).unwrap();
    std::fs::write(below(path), bytes).unwrap();
}

/// Each part after its length.
fn parts(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    let parts = parts.iter().flat_map(|part| length(part).into_iter().chain(part.iter().copied()));
    std::iter::once(first).chain(parts).collect()
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
    set_status(&bench, "suspended").await;
    let (held_list, held) = (list_der(&bench, 1).await, answer(&bench, &card, None).await);
    set_status(&bench, "valid").await;
    let nonce = answer(&bench, &card, Some(&[7; 32])).await;
    bench.wait(60);
    office.choose(crate::bench::USER, "revoke", Some("stolen")).await.ok();
    let (revoked_list, revoked) = (list_der(&bench, 1).await, answer(&bench, &card, None).await);
    let whole_list = list_der(&bench, 0).await;
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
    webeid(
        &card,
        &administrator,
        &token,
        [&list, &held_list, &revoked_list, &whole_list],
        [&good, &held, &revoked, &nonce],
    );
    attestation(&card);
}

fn webeid(card: &Card, administrator: &Card, token: &str, lists: [&[u8]; 4], answers: [&[u8]; 4]) {
    let rs256 = token.replace("ES256", "RS256");
    let token = token.as_bytes();
    for (name, seed) in [
        ("good-by-list", parts(0b1, &[token])),
        ("good-by-answer", parts(0b100, &[])),
        ("revoked-by-list", parts(0b10, &[])),
        ("revoked-by-answer", parts(0b1100, &[])),
        ("list-given", parts(0, &[b"", b"", lists[0]])),
        ("held-list", parts(0, &[b"", b"", lists[1]])),
        ("whole-list", parts(0, &[b"", b"", lists[3]])),
        ("answer-given", parts(0, &[b"", b"", b"", answers[0]])),
        ("held-answer", parts(1, &[b"", b"", b"", answers[1]])),
        ("nonce", parts(0b1_0000, &[b"", b"", b"", answers[3]])),
        ("no-nonce", parts(0b1_0100, &[])),
        ("no-nonce-and-revoked", parts(0b1_1101, &[])),
        ("certificate", parts(1, &[b"", &card.certificate])),
        ("administrator", parts(1, &[b"", &administrator.certificate])),
        ("other-algorithm", parts(1, &[rs256.as_bytes()])),
        ("first-moment", parts(0b10_0101, &[])),
        ("last-moment", parts(0b110_0101, &[])),
        ("no-token", parts(1, &[b"{}"])),
    ] {
        write(&format!("fuzz/seeds/webeid/{name}"), &seed);
    }
}

fn attestation(card: &Card) {
    let key = token::PublicKey::from_point(point(&card.pair)).unwrap();
    let root = root().unwrap();
    let proof = |policies, wrong| chain(DEVICE, 0x9a, key.as_der(), policies, wrong).unwrap();
    for (name, wrong) in [
        ("good", Wrong::Nothing),
        ("expired", Wrong::Expired),
        ("forged", Wrong::Forged),
        ("foreign-root", Wrong::ForeignRoot),
        ("no-firmware", Wrong::Missing(3)),
        ("no-serial", Wrong::Missing(7)),
        ("no-policy", Wrong::Missing(8)),
    ] {
        let chain = proof(POLICIES, wrong);
        let all: Vec<&[u8]> = chain.iter().map(Vec::as_slice).chain([root.as_slice()]).collect();
        write(&format!("fuzz/seeds/attestation/{name}"), &parts(0, &all));
    }
    let [leaf, above] = proof([9, 9], Wrong::Nothing).try_into().unwrap();
    write("fuzz/seeds/attestation/no-such-policy", &parts(0, &[&leaf, &above, &root]));
    write("fuzz/seeds/attestation/maker-of-the-device", &parts(0, &[&leaf, &above]));
    write("fuzz/seeds/attestation/makers-file", &[b"\x01", root_pem().unwrap().as_bytes()].concat());
}
