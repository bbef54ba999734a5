//! The invariants of requirements §5.1 over random histories, in the real store, through the doors' own functions.
//!
//! After every command, whatever became of it:
//! - a holder has at most one record that is 有効 or 一時停止, and at most one that is 発行済 or 取得中; both at once only
//!   while the second is to take the first one's place (C9, a reissue);
//! - what ended stays as it ended;
//! - issue numbers go up, one by one;
//! - each transition has exactly one event, whose `before` is what the event before it left;
//! - no administrator's certificate was touched from a customer's session (S-046).

use std::collections::BTreeMap;

use authority::acquisition::{Acquisition, Renewing};
use authority::office::{CertificateForm, Office};
use authority::own::{Own, OwnRequest};
use authority::rounds;
use authority::rules::choice::{Choice, Reason};
use authority::rules::suspend::Cause;
use authority::store::event;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlx::Row;
use token::PublicKey;

use crate::bench::{Bench, CONFIRM_PIN, Card, USER, applicant, contract, secret, user};

const DAY: i64 = 86_400;
/// Histories, and phrases of commands in each.
const HISTORIES: usize = 12;
const LENGTH: usize = 24;

/// Something that somebody does, or that time does.
#[derive(Debug, Clone)]
enum Command {
    Choose(Choice),
    ChooseWithWrongPin,
    ChooseFromAnOldPage,
    Suspend(Cause),
    Reinstate,
    RestoreRights,
    BankSuspends(bool),
    BankReinstates(bool),
    BankRevokes(bool),
    BankReissuesTheAdministrators,
    AdministratorReissuesOwn,
    AdministratorNamesTheContract,
    Acquire,
    AcquireWithWrongOtp,
    Confirm,
    Abandon,
    ConfirmAgain,
    AdministratorAcquires,
    Renew,
    AdministratorRenews,
    HolderSuspends,
    HolderRevokes,
    HolderSuspendsByPin,
    Wait(i64),
    WaitForRenewal,
    Round,
    Deregister,
}

fn command() -> impl Strategy<Value = Command> {
    let reason = proptest::sample::select(Reason::ALL.to_vec());
    let cause = proptest::sample::select(Cause::ALL.to_vec());
    prop_oneof![
        4 => reason.clone().prop_map(|reason| Command::Choose(Choice::Reissue(reason))),
        1 => reason.prop_map(|reason| Command::Choose(Choice::Revoke(reason))),
        1 => Just(Command::Choose(Choice::Continue)),
        1 => Just(Command::ChooseWithWrongPin),
        1 => Just(Command::ChooseFromAnOldPage),
        2 => cause.prop_map(Command::Suspend),
        2 => Just(Command::Reinstate),
        1 => Just(Command::RestoreRights),
        1 => any::<bool>().prop_map(Command::BankSuspends),
        2 => any::<bool>().prop_map(Command::BankReinstates),
        1 => any::<bool>().prop_map(Command::BankRevokes),
        1 => Just(Command::BankReissuesTheAdministrators),
        1 => Just(Command::AdministratorReissuesOwn),
        1 => Just(Command::AdministratorNamesTheContract),
        5 => Just(Command::Acquire),
        1 => Just(Command::AcquireWithWrongOtp),
        6 => Just(Command::Confirm),
        1 => Just(Command::Abandon),
        1 => Just(Command::ConfirmAgain),
        2 => Just(Command::AdministratorAcquires),
        4 => Just(Command::Renew),
        1 => Just(Command::AdministratorRenews),
        1 => Just(Command::HolderSuspends),
        1 => Just(Command::HolderRevokes),
        1 => Just(Command::HolderSuspendsByPin),
        3 => (1i64..30 * DAY).prop_map(Command::Wait),
        2 => (300 * DAY..340 * DAY).prop_map(Command::Wait),
        3 => Just(Command::WaitForRenewal),
        2 => Just(Command::Round),
        1 => Just(Command::Deregister),
    ]
}

/// One command, or what people do in a row: an issue that is acquired, a renewal in its time.
fn phrase() -> impl Strategy<Value = Vec<Command>> {
    let issue = vec![Command::Choose(Choice::Reissue(Reason::PcChange)), Command::Acquire, Command::Confirm];
    let cut_off =
        vec![Command::Choose(Choice::Reissue(Reason::Other)), Command::Acquire, Command::Wait(3600), Command::Round];
    let held = vec![Command::BankSuspends(false), Command::Wait(10 * DAY), Command::Round];
    let renewal = vec![Command::WaitForRenewal, Command::Renew];
    let whole = [renewal.as_slice(), &[Command::Confirm]].concat();
    prop_oneof![
        8 => command().prop_map(|command| vec![command]),
        3 => Just(issue),
        1 => Just(cut_off),
        1 => Just(held),
        1 => Just(renewal),
        2 => Just(whole),
    ]
}

/// A contract with its people, and the cards they hold.
struct History {
    bench: Bench,
    /// The user's cards, the newest last.
    cards: Vec<Card>,
    /// The administrator's.
    administrators: Vec<Card>,
    /// The administrator went to the branch the last time.
    paper: bool,
}

impl History {
    async fn begin() -> Self {
        let bench = Bench::with(|settings| {
            settings.acquisition.resume_minutes = 60;
            settings.suspend.max_days = 10;
            settings.suspend.max_count = 2;
            settings.risk.suspend_rights_on_reissue = true;
        })
        .await;
        let administrator = bench.administrator().await;
        Self { bench, cards: Vec::new(), administrators: vec![administrator], paper: false }
    }

    /// The administrator's office. Whoever cannot log in goes to the branch first, every other time.
    async fn office(&mut self) -> Option<Office> {
        if let Some(office) = self.log_in().await {
            return Some(office);
        }
        self.paper = !self.paper;
        if !self.paper {
            return None;
        }
        let _ = self.bench.bank().issue_administrator(&contract(), 1, "F-2", Reason::Lost).await;
        self.administrator_acquires().await;
        self.log_in().await
    }

    async fn administrator_acquires(&mut self) {
        if let Ok(card) = self.bench.accept(&applicant(None), None, None, true).await {
            let _ = self.bench.confirm(&card).await;
            self.administrators.push(card);
        }
    }

    async fn log_in(&self) -> Option<Office> {
        let card = self.administrators.last()?;
        let client = self.bench.client().await;
        let answer = client.log_in_as_administrator(card, crate::bench::CONTRACT_PIN).await;
        if !answer.status.is_success() {
            return None;
        }
        let session = answer.ok()["session"].as_str().unwrap().to_owned();
        let session = authority::login::Login::new(self.bench.house.clone(), "test").session(&session).await.ok()?;
        Some(Office::new(self.bench.house.clone(), session, "test"))
    }

    async fn choose(&mut self, choice: Choice, pin: &str, version: Option<&str>) {
        let Some(office) = self.office().await else { return };
        let Ok(shown) = office.user(&user()).await else { return };
        let form = CertificateForm {
            choice,
            device: None,
            confirm_pin: Some(secret(pin)),
            version: Some(version.map_or(shown.version, str::to_owned)),
        };
        let _ = office.choose(&user(), form).await;
    }

    async fn renew(&self, old: &Card) -> Option<Card> {
        let desk = Acquisition::new(self.bench.house.clone(), "test");
        let (proof, _) = desk.signer(&old.certificate).await.unwrap()?;
        let pair = crate::bench::new_pair();
        let transaction = authority::code::random::<16>().unwrap();
        let renewing = Renewing {
            transaction,
            proof,
            public_key: PublicKey::from_point(crate::bench::point(&pair)).unwrap(),
            evidence: None,
        };
        let ca = self.bench.house.ca.clone();
        let record = desk.renew(renewing, &|order| ca.issue(order)).await.ok()?;
        Some(Card { pair, certificate: record.certificate?, transaction })
    }

    async fn own(&self, card: Option<&Card>, request: OwnRequest) {
        let Some(card) = card else { return };
        let desk = Acquisition::new(self.bench.house.clone(), "test");
        let Some((proof, _)) = desk.signer(&card.certificate).await.unwrap() else { return };
        let own = Own::new(self.bench.house.clone(), "test");
        let _ = own.ask(&authority::code::random::<16>().unwrap(), &proof.record, request).await;
    }

    async fn run(&mut self, command: &Command) {
        let bank = self.bench.bank();
        let holder = |administrators: bool| applicant((!administrators).then_some(USER));
        match command {
            Command::Choose(choice) => self.choose(*choice, CONFIRM_PIN, None).await,
            // Four wrong ones lock nobody for good here: a right one ends the row.
            Command::ChooseWithWrongPin => {
                self.choose(Choice::Revoke(Reason::Other), "wrong999", None).await;
                self.choose(Choice::Continue, CONFIRM_PIN, None).await;
            }
            Command::ChooseFromAnOldPage => self.choose(Choice::Revoke(Reason::Other), CONFIRM_PIN, Some("0")).await,
            Command::Suspend(cause) => {
                let Some(office) = self.office().await else { return };
                let Ok(shown) = office.user(&user()).await else { return };
                let _ = office.suspend(&user(), *cause, Some(&secret(CONFIRM_PIN)), Some(&shown.version)).await;
            }
            Command::Reinstate => {
                let Some(office) = self.office().await else { return };
                let Ok(shown) = office.user(&user()).await else { return };
                let _ = office.reinstate(&user(), Some(&secret(CONFIRM_PIN)), Some(&shown.version)).await;
            }
            Command::RestoreRights => {
                let Some(office) = self.office().await else { return };
                let Ok(shown) = office.user(&user()).await else { return };
                let _ = office.restore_rights(&user(), Some(&secret(CONFIRM_PIN)), Some(&shown.version)).await;
            }
            Command::BankSuspends(admin) => {
                let _ = bank.suspend_certificate(&holder(*admin), Cause::Other, "F-1").await;
            }
            Command::BankReinstates(admin) => {
                let _ = bank.reinstate_certificate(&holder(*admin), "F-1").await;
            }
            Command::BankRevokes(admin) => {
                let _ = bank.revoke_certificate(&holder(*admin), Reason::Other, "F-1").await;
            }
            Command::BankReissuesTheAdministrators => {
                let _ = bank.issue_administrator(&contract(), 1, "F-1", Reason::Other).await;
            }
            Command::AdministratorReissuesOwn => {
                if let Some(office) = self.office().await {
                    assert!(office.choose_own().await.is_err());
                }
            }
            Command::AdministratorNamesTheContract => {
                if let Some(office) = self.office().await {
                    let named = token::UserId::new(crate::bench::CONTRACT).unwrap();
                    let pin = secret(CONFIRM_PIN);
                    assert!(office.suspend(&named, Cause::Other, Some(&pin), None).await.is_err());
                    assert!(office.reinstate(&named, Some(&pin), None).await.is_err());
                }
            }
            Command::Acquire => self.cards.extend(self.bench.acquire().await),
            Command::AcquireWithWrongOtp => {
                let applicant = applicant(Some(USER));
                let wrong = self.bench.accept(&applicant, Some(crate::bench::USER_PIN), Some("0"), true);
                assert!(wrong.await.is_err());
                let _ = bank.unlock_user(&contract(), &user(), "F-3").await;
            }
            Command::Confirm | Command::ConfirmAgain => {
                for card in [self.cards.last(), self.administrators.last()].into_iter().flatten() {
                    let _ = self.bench.confirm(card).await;
                }
            }
            Command::Abandon => {
                if let Some(card) = self.cards.last() {
                    let _ = self.bench.acquisition().abandon(&card.transaction).await;
                }
            }
            Command::AdministratorAcquires => {
                self.administrator_acquires().await;
            }
            Command::Renew => {
                // The newest may never have been confirmed.
                for n in (0..self.cards.len()).rev().take(3) {
                    let new = self.renew(&self.cards[n]).await;
                    self.cards.extend(new);
                }
            }
            Command::AdministratorRenews => {
                if let Some(old) = self.administrators.last() {
                    let new = self.renew(old).await;
                    self.administrators.extend(new);
                }
            }
            Command::HolderSuspends => self.own(self.cards.last(), OwnRequest::Suspend).await,
            Command::HolderRevokes => self.own(self.cards.last(), OwnRequest::RevokeDiscarded).await,
            Command::HolderSuspendsByPin => {
                let own = Own::new(self.bench.house.clone(), "test");
                let pin = secret(crate::bench::USER_PIN);
                let _ = own.suspend_by_pin(&contract(), &user(), Some(&pin), Cause::Lost).await;
            }
            Command::Wait(seconds) => self.bench.wait(*seconds),
            Command::WaitForRenewal => {
                let ends: Option<i64> = sqlx::query_scalar(
                    "SELECT cert_valid_until FROM certificates WHERE cert_status = 'valid' AND user_id = $1",
                )
                .bind(USER)
                .fetch_optional(self.bench.house.store.readers())
                .await
                .unwrap();
                if let Some(ends) = ends {
                    self.bench.clock.set(self.bench.clock.now().max(ends - 20 * DAY));
                }
            }
            Command::Round => {
                rounds::once(&self.bench.house).await.unwrap();
            }
            // Rarely: nothing happens to the user afterwards.
            Command::Deregister => {
                if self.cards.len() > 4 {
                    let _ = bank.deregister_user(&contract(), &user()).await;
                }
            }
        }
    }
}

/// A record as it stands: holder, number, status.
type Standing = (String, i64, String);

async fn records(bench: &Bench) -> BTreeMap<String, Standing> {
    sqlx::query("SELECT record_id, COALESCE(user_id, '') AS holder, cert_issue_no, cert_status FROM certificates")
        .fetch_all(bench.house.store.readers())
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.get("record_id"), (row.get("holder"), row.get("cert_issue_no"), row.get("cert_status"))))
        .collect()
}

fn ended(status: &str) -> bool {
    matches!(status, "expired" | "lapsed" | "revoked")
}

/// What must hold of all records, and between two looks at them.
fn check(before: &BTreeMap<String, Standing>, after: &BTreeMap<String, Standing>) {
    for holder in ["", USER] {
        let of = |statuses: &[&str]| {
            after.values().filter(|(whose, _, status)| whose == holder && statuses.contains(&status.as_str())).count()
        };
        assert!(of(&["valid", "suspended"]) <= 1, "one in use: {after:?}");
        assert!(of(&["awaiting", "unconfirmed"]) <= 1, "one open: {after:?}");
        let mut numbers: Vec<i64> =
            after.values().filter(|(whose, ..)| whose == holder).map(|(_, number, _)| *number).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().zip(1..).all(|(number, expected)| *number == expected), "{numbers:?}");
    }
    for (record, (_, number, status)) in before {
        let (_, now, later) = &after[record];
        assert_eq!(number, now);
        assert!(!ended(status) || status == later, "{record} was {status} and is {later}");
    }
}

/// The record of events tells each record's whole way: one event a transition, each from where the one before ended.
async fn follow(bench: &Bench, records: &BTreeMap<String, Standing>) {
    let events = sqlx::query(
        "SELECT subject, before, after, role, action, user_id FROM events WHERE outcome = 'done' AND before <> after \
         ORDER BY seq",
    )
    .fetch_all(bench.house.store.readers())
    .await
    .unwrap();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for event in events {
        let text = |name: &str| event.get::<String, _>(name);
        let subject = text("subject");
        let Some((holder, ..)) = records.get(&subject) else { continue };
        let known = told.insert(subject.clone(), text("after")).unwrap_or_default();
        assert_eq!(text("before"), known, "{subject} {}", text("action"));
        // A customer's session touches no administrator's certificate.
        assert!(!holder.is_empty() || text("role") != "administrator", "{} of {subject}", text("action"));
    }
    for (record, (_, _, status)) in records {
        assert_eq!(told.get(record), Some(status), "every transition of {record} is told");
    }
    event::verify(bench.house.store.readers()).await.unwrap();
}

/// How many times something was seen, over all histories: a test of nothing would be silent.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_the_certificates_keep_their_promises() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let histories = proptest::collection::vec(phrase(), LENGTH);
    let mut seen = Seen::default();
    for _ in 0..HISTORIES {
        let commands = histories.new_tree(&mut runner).unwrap().current().concat();
        let mut history = History::begin().await;
        let mut before = records(&history.bench).await;
        for command in &commands {
            history.run(command).await;
            // The next one-time password.
            history.bench.wait(60);
            let after = records(&history.bench).await;
            check(&before, &after);
            before = after;
        }
        follow(&history.bench, &before).await;
        for reason in sqlx::query_scalar::<_, String>("SELECT reason FROM events WHERE action = 'certificate.end'")
            .fetch_all(history.bench.house.store.readers())
            .await
            .unwrap()
        {
            *seen.0.entry(reason).or_default() += 1;
        }
    }
    for reason in ["renewed", "superseded", "acquire_deadline", "cert_valid_until", "suspend_max", "install_failed"] {
        assert!(seen.0.contains_key(reason), "{reason} never happened: {:?}", seen.0);
    }
}
