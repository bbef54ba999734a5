//! The machines of a user and of a contract (requirements §5.6) under random histories, in the real store.
//!
//! A model beside the authority says after every command how both must stand, counters included: whatever arrow the
//! requirements do not have, the model does not take. After every command:
//! - user and contract stand as the model says, and so does every lock;
//! - each transition has exactly one event of its own, which says from where to where;
//! - whoever is struck off or terminated stays so, with nothing left that could be used;
//! - who is locked, stopped or struck off acquires nothing with the right PIN, and whose contract is not active neither.

use authority::acquisition::Applicant;
use authority::login::Login;
use authority::office::{CertificateForm, Office, Registration};
use authority::rules::choice::{Choice, Reason};
use authority::rules::lock::LockKind;
use authority::store::event;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlx::Row;
use std::collections::BTreeSet;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, Card, USER, USER_PIN, applicant, contract, secret, user};

const HISTORIES: usize = 16;
const LENGTH: usize = 28;
/// Wrong entries that lock, of every kind.
const LIMIT: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    AdministratorDeregisters,
    AdministratorRegistersAgain,
    AdministratorResumes,
    AdministratorStops,
    AdministratorStopsTheContract,
    AdministratorUnlocks(LockKind),
    BankDeregisters,
    BankResumesTheContract,
    BankStopsTheContract,
    BankTerminates,
    BankUnlocksTheContract,
    BankUnlocksTheUser,
    WrongConfirmPin,
    WrongContractPin,
    UserPin,
    WrongOtp,
    WrongUserPin,
}

fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    prop_oneof![
        1 => Just(AdministratorRegistersAgain),
        2 => Just(AdministratorResumes),
        2 => Just(AdministratorStops),
        1 => Just(AdministratorStopsTheContract),
        3 => prop_oneof![Just(LockKind::Otp), Just(LockKind::UserPin)].prop_map(AdministratorUnlocks),
        2 => Just(BankResumesTheContract),
        1 => Just(BankStopsTheContract),
        2 => Just(BankUnlocksTheContract),
        1 => Just(BankUnlocksTheUser),
        2 => Just(WrongConfirmPin),
        2 => Just(WrongContractPin),
        3 => Just(UserPin),
        4 => Just(WrongOtp),
        4 => Just(WrongUserPin),
    ]
}

/// One command, or a row of wrong entries; the end of it all comes late, if at all.
fn history() -> impl Strategy<Value = Vec<Command>> {
    use Command::*;
    let row = |command| Just(vec![command; LIMIT as usize]);
    let phrase = prop_oneof![
        8 => command().prop_map(|command| vec![command]),
        1 => row(WrongUserPin),
        1 => row(WrongOtp),
        1 => row(WrongConfirmPin),
        1 => row(WrongContractPin),
    ];
    let last = prop_oneof![
        Just(vec![]),
        Just(vec![AdministratorDeregisters, BankUnlocksTheUser, AdministratorResumes, AdministratorRegistersAgain]),
        Just(vec![BankDeregisters, AdministratorUnlocks(LockKind::UserPin), BankTerminates]),
        Just(vec![BankTerminates, BankUnlocksTheContract, BankResumesTheContract, BankStopsTheContract, UserPin]),
    ];
    let after = proptest::collection::vec(command(), 4);
    (proptest::collection::vec(phrase, LENGTH), last, after)
        .prop_map(|(phrases, last, after)| [phrases.concat(), last, after].concat())
}

const OPEN: &str = "SELECT COUNT(*) FROM certificates WHERE user_id IS NOT NULL AND cert_status IN \
                    ('awaiting', 'unconfirmed')";

/// How things must stand.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    contract: &'static str,
    user: &'static str,
    pin_failures: u32,
    pin_locked: bool,
    otp_failures: u32,
    otp_locked: bool,
    contract_failures: u32,
    confirm_failures: u32,
    /// There is something to acquire.
    open: bool,
}

impl Model {
    fn begin() -> Self {
        Self {
            contract: "active",
            user: "active",
            pin_failures: 0,
            pin_locked: false,
            otp_failures: 0,
            otp_locked: false,
            contract_failures: 0,
            confirm_failures: 0,
            open: true,
        }
    }

    /// The user gets through the first page of an acquisition with the right PIN.
    fn admits(&self) -> bool {
        self.open && self.contract == "active" && self.user == "active" && !self.pin_locked && !self.otp_locked
    }

    /// Whether the administrator logs in with the right PIN.
    fn administrator_enters(&self) -> bool {
        self.contract == "active" && self.contract_failures < LIMIT
    }

    /// The administrator logs in and confirms what is asked for; `of_user` where it is about the user.
    fn confirmed(&mut self, of_user: bool, right: bool) -> bool {
        if !self.administrator_enters() {
            return false;
        }
        self.contract_failures = 0;
        if of_user && self.user == "deregistered" || self.confirm_failures >= LIMIT {
            return false;
        }
        if right {
            self.confirm_failures = 0;
            return true;
        }
        self.confirm_failures += 1;
        if self.confirm_failures == LIMIT {
            self.contract = "locked";
        }
        false
    }

    fn follow(&mut self, command: Command) {
        let known = self.contract != "terminated" && self.user != "deregistered";
        match command {
            Command::AdministratorDeregisters => {
                if self.confirmed(true, true) {
                    (self.user, self.open) = ("deregistered", false);
                }
            }
            Command::AdministratorRegistersAgain => {
                let _ = self.confirmed(false, true);
            }
            Command::AdministratorResumes => {
                if self.confirmed(true, true) {
                    self.user = "active";
                }
            }
            Command::AdministratorStops => {
                if self.confirmed(true, true) {
                    self.user = "stopped";
                }
            }
            Command::AdministratorStopsTheContract => {
                if self.confirmed(false, true) {
                    (self.contract, self.open) = ("emergency_stop", false);
                }
            }
            Command::AdministratorUnlocks(kind) => {
                if self.confirmed(true, true) {
                    match kind {
                        LockKind::Otp => (self.otp_failures, self.otp_locked) = (0, false),
                        LockKind::UserPin => (self.pin_failures, self.pin_locked) = (0, false),
                    }
                }
            }
            Command::BankDeregisters => (self.user, self.open) = ("deregistered", false),
            Command::BankResumesTheContract => {
                if self.contract == "emergency_stop" {
                    let locked = self.contract_failures >= LIMIT || self.confirm_failures >= LIMIT;
                    self.contract = if locked { "locked" } else { "active" };
                    // What was to be acquired ended with the stop.
                    self.open = self.user == "active" && self.confirmed(true, true);
                }
            }
            Command::BankStopsTheContract => {
                if matches!(self.contract, "active" | "locked") {
                    (self.contract, self.open) = ("emergency_stop", false);
                }
            }
            Command::BankTerminates => (self.contract, self.open) = ("terminated", false),
            Command::BankUnlocksTheContract => {
                if matches!(self.contract, "active" | "locked") {
                    (self.contract, self.contract_failures, self.confirm_failures) = ("active", 0, 0);
                }
            }
            Command::BankUnlocksTheUser => {
                if self.user != "deregistered" {
                    (self.pin_failures, self.pin_locked, self.otp_failures, self.otp_locked) = (0, false, 0, false);
                }
            }
            Command::WrongConfirmPin => {
                let _ = self.confirmed(true, false);
            }
            Command::WrongContractPin => {
                if self.administrator_enters() {
                    self.contract_failures += 1;
                    if self.contract_failures == LIMIT {
                        self.contract = "locked";
                    }
                }
            }
            Command::UserPin => {
                if self.admits() {
                    self.pin_failures = 0;
                }
            }
            Command::WrongOtp => {
                if self.admits() {
                    self.pin_failures = 0;
                    self.otp_failures += 1;
                    self.otp_locked = self.otp_failures == LIMIT;
                }
            }
            Command::WrongUserPin => {
                if known && !self.pin_locked {
                    self.pin_failures += 1;
                    self.pin_locked = self.pin_failures == LIMIT;
                }
            }
        }
    }
}

struct History {
    bench: Bench,
    administrator: Card,
}

impl History {
    async fn begin() -> Self {
        let bench = Bench::with(|settings| {
            settings.acquisition.code = false;
            let lock = &mut settings.lock;
            (lock.user_pin, lock.otp, lock.confirm_pin, lock.contract_pin) = (LIMIT, LIMIT, LIMIT, LIMIT);
        })
        .await;
        let administrator = bench.administrator().await;
        // Something to acquire, all the time; the certificate before it is in use.
        let office = bench.office(&administrator).await;
        bench.user_card(&office).await;
        office.choose(USER, "reissue", Some("pc_change")).await.ok();
        bench.wait(60);
        Self { bench, administrator }
    }

    async fn office(&self) -> Option<Office> {
        let client = self.bench.client().await;
        let answer = client.log_in_as_administrator(&self.administrator, CONTRACT_PIN).await;
        if !answer.status.is_success() {
            return None;
        }
        let session = answer.ok()["session"].as_str().unwrap().to_owned();
        let session = Login::new(self.bench.house.clone(), "test").session(&session).await.unwrap();
        Some(Office::new(self.bench.house.clone(), session, "test"))
    }

    /// What the administrator is shown of the user, where there is one.
    async fn version(office: &Office) -> Option<String> {
        office.user(&user()).await.ok().map(|shown| shown.version)
    }

    /// Does it; whatever was refused is in the record.
    async fn run(&self, command: Command) -> bool {
        let bank = self.bench.bank();
        let pin = secret(CONFIRM_PIN);
        match command {
            Command::BankDeregisters => bank.deregister_user(&contract(), &user()).await.is_ok(),
            Command::BankResumesTheContract => {
                let done = bank.resume_contract(&contract(), "F").await.is_ok();
                if done && self.look().await.user == "active" {
                    self.reissue().await;
                }
                done
            }
            Command::BankStopsTheContract => bank.stop_contract(&contract(), "F").await.is_ok(),
            Command::BankTerminates => bank.terminate_contract(&contract(), "F").await.is_ok(),
            Command::BankUnlocksTheContract => bank.unlock_contract(&contract(), "F").await.is_ok(),
            Command::BankUnlocksTheUser => bank.unlock_user(&contract(), &user(), "F").await.is_ok(),
            Command::WrongContractPin => {
                let client = self.bench.client().await;
                client.log_in_as_administrator(&self.administrator, "wrong999").await.status.is_success()
            }
            Command::UserPin => self.admit(USER_PIN).await,
            Command::WrongUserPin => self.admit("wrong999").await,
            Command::WrongOtp => {
                self.bench.accept(&applicant(Some(USER)), Some(USER_PIN), Some("0"), false).await.is_ok()
            }
            _ => {
                let Some(office) = self.office().await else { return false };
                let version = Self::version(&office).await;
                let (pin, version) = (Some(&pin), version.as_deref());
                match command {
                    Command::AdministratorDeregisters => office.deregister(&user(), pin, version).await.is_ok(),
                    Command::AdministratorRegistersAgain => {
                        let first = secret("first111");
                        let again = Registration { user: &user(), first_pin: Some(&first), name: "", email: "" };
                        office.register(again, pin).await.is_ok()
                    }
                    Command::AdministratorResumes => office.resume(&user(), pin, version).await.is_ok(),
                    Command::AdministratorStops => office.stop(&user(), pin, version).await.is_ok(),
                    Command::AdministratorStopsTheContract => office.emergency_stop(pin).await.is_ok(),
                    Command::AdministratorUnlocks(kind) => office.unlock(&user(), kind, pin, version).await.is_ok(),
                    _ => {
                        let form = CertificateForm {
                            choice: Choice::Revoke(Reason::Other),
                            device: None,
                            confirm_pin: Some(secret("wrong999")),
                            version: version.map(str::to_owned),
                        };
                        office.choose(&user(), form).await.is_ok()
                    }
                }
            }
        }
    }

    /// The administrator issues again what ended with an emergency stop, if the administrator can.
    async fn reissue(&self) {
        let Some(office) = self.office().await else { return };
        let form = CertificateForm {
            choice: Choice::Reissue(Reason::PcChange),
            device: None,
            confirm_pin: Some(secret(CONFIRM_PIN)),
            version: Self::version(&office).await,
        };
        let _ = office.choose(&user(), form).await;
    }

    async fn admit(&self, pin: &str) -> bool {
        let applicant: Applicant = applicant(Some(USER));
        self.bench.acquisition().admit(&applicant, Some(&secret(pin)), None).await.is_ok()
    }

    /// How things stand in the store.
    async fn look(&self) -> Model {
        let db = self.bench.house.store.readers();
        let user = sqlx::query("SELECT * FROM users WHERE user_id = $1").bind(USER).fetch_one(db).await.unwrap();
        let contract = sqlx::query("SELECT * FROM contracts").fetch_one(db).await.unwrap();
        let number = |row: &sqlx::any::AnyRow, name: &str| u32::try_from(row.get::<i64, _>(name)).unwrap();
        let status = |row: &sqlx::any::AnyRow, name: &str| {
            let found: String = row.get(name);
            let all = ["active", "locked", "emergency_stop", "terminated", "stopped", "deregistered"];
            *all.iter().find(|known| **known == found).unwrap_or_else(|| panic!("{found}"))
        };
        Model {
            contract: status(&contract, "contract_status"),
            user: status(&user, "user_status"),
            pin_failures: number(&user, "user_pin_failures"),
            pin_locked: number(&user, "user_pin_locked") != 0,
            otp_failures: number(&user, "otp_failures"),
            otp_locked: number(&user, "otp_locked") != 0,
            contract_failures: number(&contract, "contract_pin_failures"),
            confirm_failures: number(&contract, "contract_confirm_pin_failures"),
            open: sqlx::query_scalar::<_, i64>(OPEN).fetch_one(db).await.unwrap() > 0,
        }
    }

    /// The events since `seq`: action, before, after, reason, subject.
    async fn events(&self, since: i64) -> Vec<[String; 5]> {
        sqlx::query("SELECT action, before, after, reason, subject FROM events WHERE seq > $1 ORDER BY seq")
            .bind(since)
            .fetch_all(self.bench.house.store.readers())
            .await
            .unwrap()
            .iter()
            .map(|row| ["action", "before", "after", "reason", "subject"].map(|name| row.get(name)))
            .collect()
    }

    /// What must be over when user or contract is.
    async fn check(&self, now: &Model) {
        let db = self.bench.house.store.readers();
        let count = async |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(db).await.unwrap();
        let live = "SELECT COUNT(*) FROM certificates WHERE cert_status NOT IN ('revoked', 'expired', 'lapsed')";
        if now.user == "deregistered" || now.contract == "terminated" {
            let users = "SELECT COUNT(*) FROM certificates WHERE user_id IS NOT NULL AND cert_status NOT IN \
                         ('revoked', 'expired', 'lapsed')";
            assert_eq!(count(users).await, 0, "{now:?}");
            let tokens = "SELECT COUNT(*) FROM tokens WHERE token_status IN ('assigned', 'registered', 'locked')";
            assert_eq!(count(tokens).await, 0, "{now:?}");
        }
        match now.contract {
            "terminated" => assert_eq!(count(live).await, 0),
            "emergency_stop" => {
                assert_eq!(count("SELECT COUNT(*) FROM certificates WHERE cert_status = 'valid'").await, 0);
            }
            _ => {}
        }
    }
}

/// A change of one thing, which one event must tell.
fn transitions(before: &Model, after: &Model) -> Vec<(String, &'static str, &'static str)> {
    let lock = |locked: bool| if locked { "locked" } else { "active" };
    let all = [
        ("contract", before.contract, after.contract),
        ("user", before.user, after.user),
        ("user_pin", lock(before.pin_locked), lock(after.pin_locked)),
        ("otp", lock(before.otp_locked), lock(after.otp_locked)),
    ];
    all.into_iter().filter(|(_, from, to)| from != to).map(|(what, from, to)| (what.to_owned(), from, to)).collect()
}

/// Whether an event tells that change.
fn tells(
    [action, before, after, reason, subject]: &[String; 5],
    (what, from, to): &(String, &'static str, &'static str),
) -> bool {
    let of = match what.as_str() {
        "contract" => {
            action.starts_with("contract.") || matches!(reason.as_str(), "contract_pin" | "contract_confirm_pin")
        }
        "user" => matches!(action.as_str(), "user.stop" | "user.resume" | "user.deregister") && subject.is_empty(),
        // The bank lifts all locks of a user by one event.
        kind => reason == kind || action == "user.unlock" && (subject == kind || subject.is_empty()),
    };
    of && before == from && after == to
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_users_and_contracts_take_only_their_arrows() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]));
    let mut seen = BTreeSet::new();
    for _ in 0..HISTORIES {
        let commands = history().new_tree(&mut runner).unwrap().current();
        let history = History::begin().await;
        let mut model = Model::begin();
        assert_eq!(history.look().await, model);
        for (n, command) in commands.iter().enumerate() {
            let (before, since) = (model.clone(), history.bench.events().await);
            let admits = model.admits();
            model.follow(*command);
            let done = history.run(*command).await;
            let now = history.look().await;
            assert_eq!(now, model, "{command:?} after {:?}", &commands[..n]);
            if *command == Command::UserPin {
                assert_eq!(done, admits, "{before:?}");
            }
            assert!(!matches!(command, Command::AdministratorRegistersAgain) || !done, "an ID is never given again");
            let events = history.events(since).await;
            for change in transitions(&before, &now) {
                let told = events.iter().filter(|event| tells(event, &change)).count();
                assert_eq!(told, 1, "{change:?} by {command:?}: {events:?}");
                assert!(!matches!(change.1, "deregistered" | "terminated"), "{change:?}");
                seen.insert(change);
            }
            history.check(&now).await;
            // The next one-time password, within the session of nobody.
            history.bench.wait(60);
        }
        event::verify(history.bench.house.store.readers()).await.unwrap();
    }
    for arrow in [
        ("contract", "active", "locked"),
        ("contract", "locked", "active"),
        ("contract", "active", "emergency_stop"),
        ("contract", "emergency_stop", "active"),
        ("contract", "active", "terminated"),
        ("user", "active", "stopped"),
        ("user", "stopped", "active"),
        ("user", "active", "deregistered"),
        ("user_pin", "active", "locked"),
        ("user_pin", "locked", "active"),
        ("otp", "active", "locked"),
        ("otp", "locked", "active"),
    ] {
        assert!(seen.contains(&(arrow.0.to_owned(), arrow.1, arrow.2)), "{arrow:?} never happened: {seen:?}");
    }
}
