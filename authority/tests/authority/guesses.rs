//! Whoever guesses is told nothing, and nothing can be measured but noise: a wrong contract, a wrong user, a wrong PIN and
//! a door that is closed get the same answer, after the same number of Argon2id computations and the same statements.
//! Time itself is not measured here: `benches/guesses` prints it for people to look at.

use std::sync::{Arc, Mutex};

use token::Refusal;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use crate::bench::{Answer, Bench, CONTRACT, USER, USER_PIN, secret};

/// Every statement that the store makes, as sqlx reports it.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Of the whole process: the store has threads of its own. One test per process is nextest's way.
    fn watch() -> Self {
        let statements = Self::default();
        let subscriber = Registry::default().with(statements.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        statements
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_str(&mut self, field: &Field, value: &str) {
                if matches!(field.name(), "summary" | "db.statement") {
                    self.0.push_str(value);
                }
            }
            fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
        }
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}

/// Status, headers and body, without the number of the request and the time.
fn shape(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, String::from_utf8(answer.body.clone()).unwrap())
}

#[tokio::test]
async fn the_door_that_suspends_tells_nobody_apart() {
    let statements = Statements::watch();
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    let ask = async |contract: &str, user: &str, pin: &str| {
        let before = bench.house.pins.computed();
        statements.take();
        let fields = [("contract_id", contract), ("user_id", user), ("user_pin", pin), ("reason", "lost")];
        let answer = client.post("/user/v1/suspend", &fields).await;
        (shape(&answer), bench.house.pins.computed() - before, statements.take())
    };
    let wrong = ask(CONTRACT, USER, "wrong111").await;
    assert_eq!((wrong.0.0, wrong.1), (401, 1), "{wrong:?}");
    assert!(wrong.2.len() > 4, "statements are seen: {:?}", wrong.2);
    assert_eq!(ask("00000000000", USER, "wrong111").await, wrong, "a wrong contract");
    assert_eq!(ask(CONTRACT, "nobody", "wrong111").await, wrong, "a wrong user");
    assert_eq!(ask("00000000000", "nobody", USER_PIN).await, wrong, "a right PIN of somebody else's");
    assert_eq!(ask(CONTRACT, USER, "x").await, wrong, "what is no PIN at all");
    for _ in 0..4 {
        ask(CONTRACT, USER, "wrong111").await;
    }
    let closed = ask(CONTRACT, USER, USER_PIN).await;
    assert_eq!((&closed.0, closed.1), (&wrong.0, 1), "closed, with the right PIN");
    assert_eq!(bench.states().await, ["valid"]);
    bench.bank().terminate_contract(&crate::bench::contract(), "F").await.unwrap();
    bench.wait(100_000);
    let ended = ask(CONTRACT, USER, USER_PIN).await;
    assert_eq!((&ended.0, ended.1), (&wrong.0, 1), "terminated");
}

#[tokio::test]
async fn the_first_page_of_an_acquisition_tells_nobody_apart() {
    let statements = Statements::watch();
    // Without codes, as the manual has it: with them, nobody gets as far as a PIN.
    let bench = Bench::with(|settings| settings.acquisition.code = false).await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    let ask = async |contract: &str, user: &str, pin: &str| {
        let before = bench.house.pins.computed();
        statements.take();
        let applicant = authority::acquisition::Applicant {
            contract: token::ContractId::new(contract).unwrap(),
            user: Some(token::UserId::new(user).unwrap()),
        };
        let refused = bench.acquisition().admit(&applicant, Some(&secret(pin)), None).await.err();
        (refused, bench.house.pins.computed() - before, statements.take())
    };
    let wrong = ask(CONTRACT, USER, "wrong111").await;
    assert_eq!((wrong.0, wrong.1), (Some(Refusal::Auth), 1));
    assert!(wrong.2.len() > 4, "statements are seen: {:?}", wrong.2);
    assert_eq!(ask("00000000000", USER, "wrong111").await, wrong, "a wrong contract");
    assert_eq!(ask(CONTRACT, "nobody", "wrong111").await, wrong, "a wrong user");
    assert_eq!(ask("00000000000", "nobody", USER_PIN).await, wrong);
    for _ in 0..6 {
        ask(CONTRACT, USER, "wrong111").await;
    }
    // That somebody is locked is told, as the manual's text is; by as much work, right PIN or wrong.
    let locked = ask(CONTRACT, USER, "wrong111").await;
    assert_eq!((locked.0, locked.1), (Some(Refusal::LockUser), 1));
    assert_eq!(ask(CONTRACT, USER, USER_PIN).await, locked, "locked, with the right PIN");
    // A user who was struck off is nobody, and stays as it was.
    bench.bank().terminate_contract(&crate::bench::contract(), "F").await.unwrap();
    let before = bench.dump().await;
    let ended = ask(CONTRACT, USER, USER_PIN).await;
    assert_eq!(ended, wrong, "terminated");
    assert_eq!(bench.dump().await, before);
}

/// The PIN step, behind the certificate: right or wrong, there is one comparison, and a wrong one tells how many are left.
#[tokio::test]
async fn the_pin_step_compares_once_whatever_it_is_given() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    let ask = async |pin: &str| {
        let begun = client.verify(&card).await.ok();
        let before = bench.house.pins.computed();
        let answer = client.pin(begun["login"].as_str().unwrap(), pin).await;
        (answer.status.as_u16(), bench.house.pins.computed() - before)
    };
    assert_eq!(ask("wrong111").await, (401, 1));
    assert_eq!(ask("x").await, (401, 1));
    assert_eq!(ask(&"9".repeat(400)).await, (401, 1));
    assert_eq!(ask(USER_PIN).await, (200, 1));
}
