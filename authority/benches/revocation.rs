//! Revocation at 100,000 revoked certificates: a list, whole and in parts, and OCSP answers, beside a bare signature in
//! the same run.
//!
//! `cargo bench --workspace --bench revocation`
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that fails stops here")]

use std::time::{Duration, Instant};

use authority::clock::Clock;
use authority::command::{Arguments, run};
use authority::house::House;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use clap::Parser;
use der::asn1::{Int, OctetString};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use token::ocsp::{CertId, NONCE, OcspRequest, Request, TbsRequest};

const REVOKED: i64 = 100_000;
const PART: i64 = 10_000;

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(measure());
}

async fn measure() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("authority");
    let arguments = ["a", "init", "--institution-code", "1635", "--origin", "https://localhost:8443", "--dir"];
    run(Arguments::parse_from(arguments.into_iter().chain([dir.to_str().unwrap()]))).await.unwrap();
    let house = House::open(&dir, Clock::system()).await.unwrap();
    let issuer = house.ca.current().id().to_owned();
    fill(&house, &issuer).await;

    println!("resident before: {} KiB", resident());
    for (name, partition) in [("whole", 0), ("one part of ten", 1)] {
        let begun = Instant::now();
        let list = house.revocation.list(&house, &issuer, partition).await.unwrap().unwrap();
        let made = begun.elapsed();
        let again = per_second(Duration::from_secs(1), async || {
            house.revocation.list(&house, &issuer, partition).await.unwrap().unwrap();
        });
        println!("list, {name}: made in {made:?}, {} bytes, then {:.0}/s", list.der.len(), again.await);
    }
    println!("resident after lists: {} KiB", resident());

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let random = SystemRandom::new();
    let bare = per_second(Duration::from_secs(2), async || {
        pair.sign(&random, &[7; 300]).unwrap();
    });
    let bare = bare.await;
    println!("bare P-256 signatures: {bare:.0}/s");
    for (name, nonce) in [("without nonce, remembered", None), ("with nonce", Some([7; 32]))] {
        let request = request(&house, nonce.as_ref());
        let answers = per_second(Duration::from_secs(3), async || {
            assert!(house.revocation.ocsp(&house, &request).await.der.len() > 100);
        });
        let answers = answers.await;
        println!("OCSP {name}: {answers:.0}/s, {:.2} of bare signatures", answers / bare);
    }
    println!("resident after answers: {} KiB", resident());
}

/// How often `work` is done in a second.
async fn per_second(time: Duration, mut work: impl AsyncFnMut()) -> f64 {
    let begun = Instant::now();
    let mut count = 0u32;
    while begun.elapsed() < time {
        work().await;
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// Contracts whose administrators had all 999 certificates, all revoked.
async fn fill(house: &House, issuer: &str) {
    let now = house.clock.now();
    let mut change = house.store.change(&house.clock).await.unwrap();
    for part in 1..=REVOKED / PART {
        sqlx::query("INSERT INTO crl_partitions (issuer, crl_partition, url) VALUES ($1, $2, $3)")
            .bind(issuer)
            .bind(part)
            .bind(format!("https://localhost:8443/crl/{issuer}/{part}.crl"))
            .execute(change.db())
            .await
            .unwrap();
    }
    for n in 0..REVOKED {
        let contract = format!("{:011}", n / 999);
        if n % 999 == 0 {
            sqlx::query(
                "INSERT INTO contracts (contract_id, contract_status, contract_pin, contract_confirm_pin, user_max, \
                 opened_at) VALUES ($1, 'active', '', '', 99, $2)",
            )
            .bind(&contract)
            .bind(now)
            .execute(change.db())
            .await
            .unwrap();
        }
        sqlx::query(
            "INSERT INTO certificates (record_id, contract_id, cert_issue_no, cert_status, cert_issue_registered_on, \
             reissue_reason, acquire_deadline, cert_serial, cert_valid_until, cert_ended_at, cert_ended_reason, \
             certificate, cert_issuer, crl_partition) \
             VALUES ($1, $2, $3, 'revoked', $4, 'other', $4, $5, $6, $4, 'superseded', $7, $8, $9)",
        )
        .bind(format!("record {n}"))
        .bind(&contract)
        .bind(n % 999 + 1)
        .bind(now)
        .bind(serial(n))
        .bind(now + 365 * 86_400)
        .bind(vec![0x30, 0])
        .bind(issuer)
        .bind(n / PART + 1)
        .execute(change.db())
        .await
        .unwrap();
    }
    change.commit_unrecorded().await.unwrap();
}

/// Sixteen octets, as the authority's own.
fn serial(n: i64) -> String {
    let hash = Sha256::digest(n.to_be_bytes());
    format!("5{}", hex::encode(hash).get(1..32).unwrap())
}

fn request(house: &House, nonce: Option<&[u8; 32]>) -> Vec<u8> {
    let issuer = x509_cert::Certificate::from_der(house.ca.issuing()).unwrap();
    let tbs = issuer.tbs_certificate();
    let hash = |bytes: &[u8]| OctetString::new(Sha256::digest(bytes).to_vec()).unwrap();
    let cert_id = CertId {
        hash_algorithm: spki::AlgorithmIdentifierOwned {
            oid: "2.16.840.1.101.3.4.2.1".parse().unwrap(),
            parameters: None,
        },
        issuer_name_hash: hash(&tbs.subject().to_der().unwrap()),
        issuer_key_hash: hash(tbs.subject_public_key_info().subject_public_key.raw_bytes()),
        serial_number: Int::new(&hex::decode(serial(4711)).unwrap()).unwrap(),
    };
    let extensions = nonce.map(|nonce| {
        let value = OctetString::new(OctetString::new(nonce.to_vec()).unwrap().to_der().unwrap()).unwrap();
        vec![x509_cert::ext::Extension { extn_id: NONCE, critical: false, extn_value: value }]
    });
    let request_list = vec![Request { cert_id, extensions: None }];
    let tbs_request = TbsRequest { version: 0, requestor_name: None, request_list, extensions };
    OcspRequest { tbs_request, signature: None }.to_der().unwrap()
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
