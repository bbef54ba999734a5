//! An authority in a scratch directory: the real server on loopback, the real database.

mod client;
mod dump;
pub(crate) use dump::dump as dump_of;

use std::net::SocketAddr;

use authority::acquisition::{Acquisition, Admission, Applicant, CodeProof, Submission, TransactionRecord};
use authority::attestation::Makers;
use authority::bank::{Bank, NewToken, Person};
use authority::ca::Ca;
use authority::clock::Clock;
use authority::command::{Arguments, run};
use authority::house::House;
use authority::otp::{Hash, Kind, TokenState, hotp};
use authority::settings::Settings;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;
use token::login::signed_bytes;
use token::{AuthToken, Challenge, ContractId, Origin, PublicKey, Refusal, Secret, SignatureAlgorithm, UserId};
use tokio_util::sync::CancellationToken;

pub(crate) use client::{Answer, Client, Line};

use crate::postgres::Database;

pub(crate) const CONTRACT: &str = "00009876543";
pub(crate) const USER: &str = "riyousya";
pub(crate) const ORIGIN: &str = "https://localhost:8443";
pub(crate) const CONTRACT_PIN: &str = "keiyaku1";
pub(crate) const CONFIRM_PIN: &str = "kakunin2";
/// With the canary in it that is looked for afterwards.
pub(crate) const USER_PIN: &str = "pin73119942";
pub(crate) const SEED: &[u8] = b"12345678901234567890";

/// 2022-10-01 12:00 JST: the manual's day.
pub(crate) const START: i64 = 1_664_593_200;

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// The suite is compiled twice: for SQLite, and for PostgreSQL.
pub(crate) const ON_POSTGRES: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"authority_postgres");

pub(crate) struct Bench {
    /// Removed with the bench.
    _directory: TempDir,
    /// Dropped with the bench.
    _database: Option<Database>,
    pub(crate) house: House,
    pub(crate) clock: Clock,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A key pair in software, and the certificate for it.
pub(crate) struct Card {
    pub(crate) pair: EcdsaKeyPair,
    pub(crate) certificate: Vec<u8>,
    pub(crate) transaction: [u8; 16],
}

impl Bench {
    /// An authority with contract, administrator, user and the user's OTP token; nobody has a
    /// certificate yet. `change` may change its settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::at(Clock::standing(START), change).await
    }

    /// The same by another clock.
    pub(crate) async fn at(clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let database = if ON_POSTGRES { Some(Database::new().await) } else { None };
        let url = database.as_ref().map(Database::url);
        let mut bench = Self::made(url.as_deref(), clock, change).await;
        bench._database = database;
        bench
    }

    /// On the PostgreSQL database of that URL, which somebody else looks after, or on SQLite.
    pub(crate) async fn made(postgres: Option<&str>, clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("authority");
        let arguments = ["jitsuin-authority", "init", "--institution-code", "1635", "--origin", ORIGIN, "--dir"];
        let url = postgres.map(|url| format!("--postgres={url}"));
        let arguments = arguments.into_iter().chain([place.to_str().unwrap()]).chain(url.as_deref());
        run(Arguments::parse_from(arguments)).await.unwrap();
        let mut house = House::open(&place, clock.clone()).await.unwrap();
        let mut settings = (*house.settings).clone();
        settings.server.requests_per_minute = 100_000;
        change(&mut settings);
        house.makers = Makers::load(&place, &settings.device.roots).unwrap().into();
        house.settings = settings.into();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(authority::server::run(house.clone(), listener, shutdown.clone()));
        let bench = Self { _directory: directory, _database: None, house, clock, address, shutdown };
        let bank = bench.bank();
        bank.open_contract(&contract(), &secret(CONTRACT_PIN), &secret(CONFIRM_PIN), None).await.unwrap();
        bank.add_user(&contract(), &user(), &secret(USER_PIN)).await.unwrap();
        bench.add_token("T-1", Kind::Totp { period: 30 }).await;
        bank.assign_token("T-1", &contract(), Some(&user())).await.unwrap();
        bench
    }

    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) fn bank(&self) -> Bank {
        Bank::new(self.house.clone(), "test")
    }

    /// The database as somebody has it who goes around the authority.
    pub(crate) async fn intruder(&self) -> sqlx::AnyPool {
        let url = match &self.house.settings.database.postgres {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.house.directory.join("authority.db").display()),
        };
        sqlx::AnyPool::connect(&url).await.unwrap()
    }

    pub(crate) fn acquisition(&self) -> Acquisition {
        Acquisition::new(self.house.clone(), "test")
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address, self.house.ca.root()).await
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.set(self.clock.now() + seconds);
    }

    pub(crate) async fn add_token(&self, serial: &str, kind: Kind) {
        let state = TokenState { kind, hash: Hash::Sha1, digits: 6, next: 0, drift: 0 };
        let token = NewToken { serial: serial.to_owned(), state, secret: Secret::new(SEED.to_vec()) };
        self.bank().add_token(&token).await.unwrap();
    }

    /// The password that the tokens of this bench show now.
    pub(crate) fn otp(&self) -> String {
        hotp(Hash::Sha1, SEED, u64::try_from(self.clock.now() / 30).unwrap(), 6).to_string()
    }

    /// Acquires and confirms the administrator's certificate.
    pub(crate) async fn administrator(&self) -> Card {
        let opened = self.bank().add_administrator(&contract(), "F-1", Person::default()).await.unwrap();
        assert!(opened.opened.code.is_some());
        let card = self.accept(&applicant(None), None, None, true).await.unwrap();
        self.confirm(&card).await.unwrap();
        card
    }

    /// Opens an issue for the user as the administrator does, and acquires and confirms it.
    pub(crate) async fn user_card(&self, session: &Client) -> Card {
        session.choose(USER, "reissue", Some("pc_change")).await.ok();
        let card = self.acquire().await.unwrap();
        self.confirm(&card).await.unwrap();
        card
    }

    /// Acquires what is open for the user, with all items right.
    pub(crate) async fn acquire(&self) -> Result<Card, Refusal> {
        self.accept(&applicant(Some(USER)), Some(USER_PIN), Some(&self.otp()), true).await
    }

    pub(crate) async fn accept(
        &self,
        applicant: &Applicant,
        pin: Option<&str>,
        otp: Option<&str>,
        code_proved: bool,
    ) -> Result<Card, Refusal> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let transaction = authority::code::random::<16>().unwrap();
        let record = self.submit(applicant, &pair, transaction, pin, otp, code_proved).await?;
        Ok(Card { pair, certificate: record.certificate.unwrap(), transaction })
    }

    pub(crate) async fn submit(
        &self,
        applicant: &Applicant,
        pair: &EcdsaKeyPair,
        transaction: [u8; 16],
        pin: Option<&str>,
        otp: Option<&str>,
        code_proved: bool,
    ) -> Result<TransactionRecord, Refusal> {
        let submission = Submission {
            transaction,
            applicant: applicant.clone(),
            user_pin: pin.map(secret),
            otp: otp.map(secret),
            code: self.proof(applicant, code_proved).await,
            public_key: PublicKey::from_point(pair.public_key().as_ref()).unwrap(),
            evidence: None,
        };
        let ca: &Ca = &self.house.ca;
        self.acquisition().accept(submission, &|order| ca.issue(order)).await
    }

    /// Acquires the record by its code alone, as an administrator does.
    pub(crate) async fn accept_with(&self, applicant: &Applicant, record: &str) -> Result<Card, Refusal> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let transaction = authority::code::random::<16>().unwrap();
        let submission = Submission {
            transaction,
            applicant: applicant.clone(),
            user_pin: None,
            otp: None,
            code: Some(CodeProof { record: record.to_owned() }),
            public_key: PublicKey::from_point(pair.public_key().as_ref()).unwrap(),
            evidence: None,
        };
        let ca: &Ca = &self.house.ca;
        let record = self.acquisition().accept(submission, &|order| ca.issue(order)).await?;
        Ok(Card { pair, certificate: record.certificate.unwrap(), transaction })
    }

    /// The first page.
    pub(crate) async fn admit(&self, user: &str, pin: &str, code_proved: bool) -> Result<Admission, Refusal> {
        let applicant = applicant(Some(user));
        let proof = self.proof(&applicant, code_proved).await;
        self.acquisition().admit(&applicant, Some(&secret(pin)), proof.as_ref()).await
    }

    /// What somebody has proven who knows the code of the holder's newest issue.
    pub(crate) async fn proof(&self, applicant: &Applicant, code_proved: bool) -> Option<CodeProof> {
        let rows = authority::store::certificates::of_holder(self.house.store.readers(), applicant).await.unwrap();
        rows.last().filter(|_| code_proved).map(|row| CodeProof { record: row.record.id.clone() })
    }

    /// The code of the user's open issue.
    pub(crate) async fn code(&self) -> Option<Secret> {
        self.acquisition().codes(&applicant(Some(USER))).await.unwrap().pop().map(|open| open.code)
    }

    /// How the user's certificates stand, by issue number.
    pub(crate) async fn states(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT cert_status FROM certificates WHERE user_id = $1 ORDER BY cert_issue_no")
            .bind(USER)
            .fetch_all(self.house.store.readers())
            .await
            .unwrap()
    }

    /// How many events there are of one kind.
    pub(crate) async fn events_of(&self, action: &str) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE action = $1")
            .bind(action)
            .fetch_one(self.house.store.readers())
            .await
            .unwrap()
    }

    /// The codes with which one kind of operation was refused, in order.
    pub(crate) async fn refusals_of(&self, action: &str) -> Vec<String> {
        sqlx::query_scalar("SELECT outcome FROM events WHERE action = $1 AND outcome <> 'done' ORDER BY seq")
            .bind(action)
            .fetch_all(self.house.store.readers())
            .await
            .unwrap()
    }

    pub(crate) async fn confirm(&self, card: &Card) -> Result<(), Refusal> {
        self.acquisition().confirm(&card.transaction, &sha256(&card.certificate)).await
    }

    /// Logs the administrator in; the client carries the session.
    pub(crate) async fn office(&self, card: &Card) -> Client {
        let mut client = self.client().await;
        let answer = client.log_in_as_administrator(card, CONTRACT_PIN).await;
        client.session = Some(answer.ok()["session"].as_str().unwrap().to_owned());
        client
    }

    /// Every row of every table but `events`, for comparison.
    pub(crate) async fn dump(&self) -> String {
        dump::dump(&self.house).await
    }

    pub(crate) async fn events(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(self.house.store.readers()).await.unwrap()
    }
}

impl Card {
    /// The authentication token for a challenge, signed for `origin`.
    pub(crate) fn answer(&self, challenge: &str, origin: &str) -> String {
        let signed =
            signed_bytes(&Origin::new(origin).unwrap(), &Challenge::new(challenge).unwrap(), SignatureAlgorithm::Es256);
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        let token = AuthToken::new(&self.certificate, SignatureAlgorithm::Es256, signature.as_ref());
        serde_json::to_string(&token).unwrap()
    }
}

/// A new key in software.
pub(crate) fn new_pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// Its public point.
pub(crate) fn point(pair: &EcdsaKeyPair) -> &[u8] {
    pair.public_key().as_ref()
}

pub(crate) fn contract() -> ContractId {
    ContractId::new(CONTRACT).unwrap()
}

pub(crate) fn user() -> UserId {
    UserId::new(USER).unwrap()
}

pub(crate) fn applicant(user: Option<&str>) -> Applicant {
    Applicant { contract: contract(), user: user.map(|user| UserId::new(user).unwrap()) }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}
