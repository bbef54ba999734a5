//! What no login can do without: the signature, the chain, and something durable.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};
use der::{Decode, Encode};
use sqlx::{AnyConnection, Connection, Executor};
use tokio::sync::Mutex;
use x509_cert::Certificate;

use crate::bench::{Bench, Card};

/// One after another at the database, each with a commit of its own.
#[derive(Clone)]
pub(crate) struct Bare(Arc<Inner>);

struct Inner {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    certificate: Vec<u8>,
    db: Mutex<AnyConnection>,
}

impl Bare {
    /// In the same database, with a table of its own and the same settings.
    pub(crate) async fn new(bench: &Bench, card: &Card) -> Self {
        let url = match &bench.house.settings.database.postgres {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", bench.house.directory.join("authority.db").display()),
        };
        let mut db = AnyConnection::connect(&url).await.unwrap();
        if bench.house.settings.database.postgres.is_none() {
            db.execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL").await.unwrap();
        }
        db.execute("CREATE TABLE IF NOT EXISTS bare (text TEXT NOT NULL)").await.unwrap();
        let message = vec![7; 96];
        let signature = card.pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec();
        let issuing = bench.house.ca.issuing_key().as_der();
        let issuer = spki::SubjectPublicKeyInfoRef::from_der(issuing).unwrap().subject_public_key.raw_bytes().to_vec();
        Self(Arc::new(Inner {
            key: card.pair.public_key().as_ref().to_vec(),
            message,
            signature,
            issuer,
            certificate: card.certificate.clone(),
            db: Mutex::new(db),
        }))
    }

    pub(crate) async fn work(&self) {
        let Inner { key, message, signature, issuer, certificate, db } = &*self.0;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature).unwrap();
        let parsed = Certificate::from_der(certificate).unwrap();
        let signed = parsed.tbs_certificate().to_der().unwrap();
        let chain = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, issuer);
        chain.verify(&signed, parsed.signature().raw_bytes()).unwrap();
        let mut db = db.lock().await;
        // A statement by itself is a transaction.
        sqlx::query("INSERT INTO bare (text) VALUES ($1)").bind("a login").execute(&mut *db).await.unwrap();
    }
}
