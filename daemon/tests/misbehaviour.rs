//! A module that aborts, hangs or lies in each function that the driver calls: the daemon's side
//! lives, the caller gets a typed error in time, and no PIN is verified twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod bench;

use std::io::Write;
use std::time::{Duration, Instant};

use bench::{Bench, LIMIT, PIN, generate, make_key, pin, sign, slot, statement, until};
use daemon::actor::{TokenHandle, Turn};
use daemon::worker::{ModuleStatus, Supervisor};
use token::{Fault, Op, Outcome, PublicKey, SignatureAlgorithm};

/// What a caller may wait at the most.
const PATIENCE: Duration = LIMIT.saturating_add(Duration::from_secs(1));

/// Waits until an insertion is over.
async fn gone(token: &TokenHandle) {
    tokio::time::timeout(Duration::from_secs(10), token.departed()).await.expect("it did not depart");
}

/// What is asked for so that a function is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    ChangePin,
    Delete,
    Generate,
    Install,
    Lock,
    Read,
    Sign,
    Unlock,
}

/// Every function that the driver calls after a token was opened, and how it is reached.
const CALLED: &[(&str, Deed)] = &[
    ("C_CreateObject", Deed::Install),
    ("C_DestroyObject", Deed::Delete),
    ("C_FindObjects", Deed::Read),
    ("C_FindObjectsFinal", Deed::Read),
    ("C_FindObjectsInit", Deed::Read),
    ("C_GenerateKeyPair", Deed::Generate),
    ("C_GetAttributeValue", Deed::Read),
    ("C_GetSlotInfo", Deed::Read),
    ("C_GetTokenInfo", Deed::Read),
    ("C_Login", Deed::Unlock),
    ("C_Logout", Deed::Lock),
    ("C_SetPIN", Deed::ChangePin),
    ("C_Sign", Deed::Sign),
    ("C_SignInit", Deed::Sign),
];

/// Those that it calls until a token is open.
const OPENING: &[&str] = &[
    "C_FindObjects",
    "C_FindObjectsFinal",
    "C_FindObjectsInit",
    "C_GetFunctionList",
    "C_GetMechanismInfo",
    "C_GetMechanismList",
    "C_GetSlotInfo",
    "C_GetSlotList",
    "C_GetTokenInfo",
    "C_Initialize",
    "C_OpenSession",
];

/// A token with a key, before anything goes wrong.
struct Scene {
    bench: Bench,
    supervisor: Supervisor,
    key: PublicKey,
    certificate: Vec<u8>,
}

impl Scene {
    async fn set() -> Self {
        let bench = Bench::misbehaving(&["one"]);
        let supervisor = bench.started().await;
        let key = make_key(&bench.token("one").await, "01").await;
        let certificate = bench::certificate(&key);
        Self { bench, supervisor, key, certificate }
    }

    async fn token(&self) -> TokenHandle {
        self.bench.token("one").await
    }

    async fn turn(&self) -> Turn {
        self.token().await.turn(Some(pin(PIN))).await.unwrap()
    }

    fn op(&self, deed: Deed) -> Op {
        let expected = self.key.clone();
        match deed {
            Deed::ChangePin => Op::ChangePin { old: pin(PIN), new: pin(PIN) },
            Deed::Delete => Op::DeleteKey { slot: slot("01"), expected },
            Deed::Generate => generate("02"),
            Deed::Install => {
                Op::InstallCertificate { slot: slot("01"), expected, certificate: self.certificate.clone() }
            }
            Deed::Read | Deed::Lock | Deed::Unlock => Op::ReadInfo,
            Deed::Sign => sign("01", &self.key),
        }
    }

    /// Does the deed while the orders stand; what its caller got, and how often a PIN was verified.
    async fn under(&self, orders: &str, deed: Deed) -> (Result<Outcome, Fault>, usize) {
        let token = self.token().await;
        let in_turn = !matches!(deed, Deed::ChangePin | Deed::Read | Deed::Unlock);
        let mut turn = if in_turn { Some(self.turn().await) } else { None };
        let before = self.bench.verifications();
        self.bench.order(orders);
        let begun = Instant::now();
        let outcome = match (&mut turn, deed) {
            (None, Deed::Unlock) => match token.turn(Some(pin(PIN))).await {
                Ok(turn) => {
                    turn.end().await;
                    Ok(Outcome::Done)
                }
                Err(fault) => Err(fault),
            },
            (Some(_), Deed::Lock) => {
                turn = None;
                // The lock has no caller; who comes next gets what came of it.
                token.perform(Op::ReadInfo).await
            }
            (Some(turn), _) => turn.perform(self.op(deed)).await,
            (None, _) => token.perform(self.op(deed)).await,
        };
        assert!(begun.elapsed() <= PATIENCE, "{deed:?} under {orders:?} took {:?}", begun.elapsed());
        drop(turn);
        (outcome, self.bench.verifications() - before)
    }

    /// Takes the orders back and waits until the token serves again.
    async fn recover(&self) {
        self.bench.order("");
        for _ in 0..500 {
            if let Some(token) = self.bench.tokens.list().pop()
                && token.perform(Op::ReadInfo).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the token did not come back: {:?}", self.supervisor.states());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_dies_is_an_error_and_no_more() {
    let scene = Scene::set().await;
    for (function, deed) in CALLED {
        let (outcome, verified) = scene.under(&format!("{function} abort"), *deed).await;
        let failed = Fault::WorkerFailed { worker: "bench".into() };
        let lock = *deed == Deed::Lock && outcome == Err(Fault::Absent);
        assert!(outcome == Err(failed) || lock, "{function}: {outcome:?}");
        let expected = usize::from(matches!(deed, Deed::Unlock | Deed::ChangePin));
        assert_eq!(verified, expected, "{function}");
        let before = scene.bench.verifications();
        scene.recover().await;
        assert_eq!(scene.bench.verifications(), before, "{function}: a PIN was verified after the restart");
        assert!(scene.token().await.turn(Some(pin(PIN))).await.is_ok(), "{function}: the PIN is as it was");
        ensure_key(&scene, function).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_hangs_is_ended_in_time() {
    let scene = Scene::set().await;
    for (function, deed) in CALLED {
        let (outcome, verified) = scene.under(&format!("{function} hang"), *deed).await;
        let late = Fault::TimedOut { seconds: LIMIT.as_secs() };
        let lock = *deed == Deed::Lock && outcome == Err(Fault::Absent);
        assert!(outcome == Err(late) || lock, "{function}: {outcome:?}");
        let expected = usize::from(matches!(deed, Deed::Unlock | Deed::ChangePin));
        assert_eq!(verified, expected, "{function}");
        let before = scene.bench.verifications();
        scene.recover().await;
        assert_eq!(scene.bench.verifications(), before, "{function}: a PIN was verified after the restart");
        ensure_key(&scene, function).await;
    }
}

/// Deletion may have gone half its way: the key is made again where it is gone, as an enrolment
/// would do it.
async fn ensure_key(scene: &Scene, function: &str) {
    if function != "C_DestroyObject" {
        let mut turn = scene.turn().await;
        let Ok(Outcome::Signature(signature)) = turn.perform(scene.op(Deed::Sign)).await else {
            panic!("{function}: the key is gone")
        };
        let verified = scene.key.verify(SignatureAlgorithm::Es256, statement().bytes(), &signature);
        assert_eq!(verified, Ok(()), "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_cannot_be_opened_is_tried_until_it_can() {
    for how in ["abort", "hang"] {
        for function in OPENING {
            let mut bench = Bench::misbehaving(&["one"]);
            // Time to load it; a hang in these functions costs one of the two limits.
            bench.settings.timing.limit = Some(Duration::from_millis(800));
            bench.settings.timing.start = Duration::from_millis(800);
            bench.order(&format!("{function} {how}"));
            let supervisor = bench.start();
            let reason = until(|| match &supervisor.states()[0].status {
                ModuleStatus::Waiting { reason } => Some(reason.clone()),
                _ => None,
            })
            .await;
            assert!(!reason.is_empty() && bench.tokens.list().is_empty(), "{function} {how}");
            bench.order("");
            bench.token("one").await;
            assert!(supervisor.states()[0].restarts >= 1);
            assert_eq!(bench.verifications(), 0, "{function} {how}: a PIN was verified unasked");
            bench.stop(supervisor).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn return_codes_are_told_apart() {
    let scene = Scene::set().await;
    let device = |detail: &str| Fault::Device { detail: detail.into() };
    for (orders, deed, wanted) in [
        ("C_Sign code:30", Deed::Sign, device("C_Sign: CKR_DEVICE_ERROR")),
        ("C_Sign code:80001234", Deed::Sign, device("C_Sign: CKR_0x80001234")),
        ("C_Sign code:12345", Deed::Sign, device("C_Sign: CKR_0x00012345")),
        ("C_SignInit code:101", Deed::Sign, Fault::PinRequired { left: None }),
        ("C_SignInit code:50", Deed::Sign, Fault::Cancelled),
        ("C_Login code:a4", Deed::Unlock, Fault::PinBlocked),
        ("C_Login code:a0", Deed::Unlock, Fault::PinWrong { left: None }),
        ("C_Login code:100", Deed::Unlock, device("C_Login: CKR_USER_ALREADY_LOGGED_IN")),
        ("C_SetPIN code:a0", Deed::ChangePin, Fault::PinWrong { left: None }),
        ("C_SetPIN code:a2", Deed::ChangePin, Fault::PinFormat { min: 4, max: 255 }),
        ("C_GenerateKeyPair code:31", Deed::Generate, Fault::NoSpace),
        ("C_CreateObject code:e2", Deed::Install, Fault::WriteProtected),
        ("C_DestroyObject code:1b", Deed::Delete, Fault::CannotDo { what: "delete or change this object".into() }),
    ] {
        let (outcome, verified) = scene.under(orders, deed).await;
        assert_eq!(outcome, Err(wanted), "{orders}");
        assert_eq!(verified, usize::from(matches!(deed, Deed::Unlock | Deed::ChangePin)), "{orders}");
        scene.bench.order("");
    }
    assert_eq!(scene.supervisor.states()[0].restarts, 0, "a worker that says no is not a worker that failed");
    // A token that is said to be gone departs, and arrives anew because it is there.
    let before = scene.token().await;
    let (outcome, _) = scene.under("C_Sign code:32", Deed::Sign).await;
    assert_eq!(outcome, Err(Fault::Absent));
    gone(&before).await;
    scene.recover().await;
    assert!(scene.token().await.generation() > before.generation());
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_are_not_believed() {
    let scene = Scene::set().await;
    let generation = scene.token().await.generation();
    for (orders, deed) in [
        ("C_Sign short", Deed::Sign),
        ("C_Sign huge", Deed::Sign),
        ("C_GetAttributeValue imported", Deed::Generate),
        ("C_GetAttributeValue extractable", Deed::Generate),
        ("C_GetAttributeValue insensitive", Deed::Generate),
        ("C_GetAttributeValue torn", Deed::Install),
        ("C_FindObjects endless", Deed::Read),
        ("C_GenerateKeyPair zero", Deed::Generate),
    ] {
        let (outcome, _) = scene.under(orders, deed).await;
        assert!(matches!(outcome, Err(Fault::Device { .. })), "{orders}: {outcome:?}");
        scene.bench.order("");
        let mut turn = scene.turn().await;
        let Ok(Outcome::Info(info)) = turn.perform(Op::ReadInfo).await else { panic!("{orders}") };
        let certificates = info.slots.iter().filter(|s| s.certificate.is_some()).count();
        if orders != "C_GenerateKeyPair zero" {
            assert_eq!((info.slots.len(), certificates), (1, 0), "{orders}: what was refused was left behind");
        }
    }
    assert_eq!(scene.token().await.generation(), generation, "none of these ends the worker");
    // A key that passes for another one is not used; a wrong signature is seen by who verifies it.
    let mut turn = scene.turn().await;
    scene.bench.order("C_GetAttributeValue other-key");
    assert_eq!(turn.perform(scene.op(Deed::Sign)).await, Err(Fault::KeyMismatch { slot: slot("01") }));
    scene.bench.order("C_Sign wrong");
    let Ok(Outcome::Signature(signature)) = turn.perform(scene.op(Deed::Sign)).await else { panic!() };
    assert!(scene.key.verify(SignatureAlgorithm::Es256, statement().bytes(), &signature).is_err());
    drop(turn);
    // Numbers that no memory holds end the worker, and only the worker.
    for (orders, deed) in [("C_GetAttributeValue huge", Deed::Read), ("C_FindObjects huge", Deed::Read)] {
        let (outcome, _) = scene.under(orders, deed).await;
        assert_eq!(outcome, Err(Fault::WorkerFailed { worker: "bench".into() }), "{orders}");
        scene.recover().await;
    }
    // Another token in its place is another token; odd names become harmless ones.
    for orders in ["C_GetTokenInfo serial", "C_GetTokenInfo garbage"] {
        let before = scene.token().await;
        scene.bench.order(orders);
        scene.supervisor.refresh().await;
        gone(&before).await;
        let other = until(|| scene.bench.tokens.list().pop()).await;
        assert_ne!(other.id(), before.id(), "{orders}");
        assert!(!other.info().model.chars().any(char::is_control), "{orders}");
        scene.bench.order("");
        scene.supervisor.refresh().await;
        scene.token().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_try_is_held_where_the_flags_tell_of_it() {
    let scene = Scene::set().await;
    let held = scene.under("C_GetTokenInfo final-try", Deed::Unlock).await;
    assert_eq!(held, (Err(Fault::FinalTryHeld), 0));
    let token = scene.token().await;
    assert!(token.info().pin.final_try, "read again");
    assert!(token.turn_at_last_try(Some(pin(PIN))).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_slot_list_is_survived() {
    let bench = Bench::misbehaving(&["one"]);
    bench.order("C_GetSlotList huge\n");
    let supervisor = bench.start();
    until(|| (supervisor.states()[0].restarts > 1).then_some(())).await;
    bench.order("C_GetMechanismList huge\n");
    until(|| (supervisor.states()[0].restarts > 3).then_some(())).await;
    bench.order("");
    bench.token("one").await;
    bench.stop(supervisor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_blocked_token_does_not_block_another() {
    let bench = Bench::misbehaving(&["one", "two"]);
    let supervisor = bench.started().await;
    let (one, two) = (bench.token("one").await, bench.token("two").await);
    let key = make_key(&two, "01").await;
    let mut turn = two.turn(Some(pin(PIN))).await.unwrap();
    let mut blocked = one.turn(Some(pin(PIN))).await.unwrap();
    bench.order("C_GenerateKeyPair hang");
    let hanging = tokio::spawn(async move { blocked.perform(generate("01")).await });
    // It is inside the function once the orders were read.
    tokio::time::sleep(LIMIT / 4).await;
    assert!(matches!(turn.perform(sign("01", &key)).await, Ok(Outcome::Signature(_))));
    assert!(!hanging.is_finished(), "the other token's call is still under way");
    assert_eq!(hanging.await.unwrap(), Err(Fault::TimedOut { seconds: LIMIT.as_secs() }));
    // Its end costs the worker, and so the other token's turn as well.
    gone(&two).await;
    bench.order("");
    until(|| (bench.tokens.list().len() == 2).then_some(())).await;
    bench.stop(supervisor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slot_events_are_followed() {
    let mut bench = Bench::misbehaving(&["one"]);
    let fifo = bench.path("out/events");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    bench.config.environment.insert("MISBEHAVE_EVENTS".into(), fifo.to_str().unwrap().into());
    let supervisor = bench.started().await;
    assert_eq!(supervisor.states()[0].status, ModuleStatus::Running { events: true });
    // Kept open, so that the module's waiting is not ended by a closed pipe.
    let mut events = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let first = bench.token("one").await;
    bench.order("C_GetSlotList none");
    events.write_all(b"out\n").unwrap();
    gone(&first).await;
    assert!(bench.tokens.list().is_empty());
    bench.order("");
    events.write_all(b"in\n").unwrap();
    let second = bench.token("one").await;
    assert!(second.generation() > first.generation());
    // Out and in again before it was looked at: its session is dead, so it is a new insertion.
    bench.order("C_GetSlotInfo code:32");
    events.write_all(b"out and in\n").unwrap();
    gone(&second).await;
    bench.order("");
    events.write_all(b"in\n").unwrap();
    assert!(bench.token("one").await.generation() > second.generation());
    bench.stop(supervisor).await;
}
