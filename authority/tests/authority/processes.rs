//! Several processes on one database are one authority; one process with many at its doors is too.

use std::sync::Arc;

use authority::bank::Person;
use authority::clock::Clock;
use authority::store::event;
use enrol::cmp::client::{self, Envelope, Expected, Response, Template};
use enrol::cmp::{MEDIA_TYPE, PATH};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};
use token::{Refusal, SignatureAlgorithm};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, Card, Client, ORIGIN, USER, USER_PIN, applicant, secret, text};
use crate::served::{PROCESSES, Served, write_settings};
use crate::two_administrators::another;

const MANY: usize = 200;

/// An authority on the system's clock, and its processes.
async fn served(code: bool) -> (Arc<Bench>, Vec<Served>) {
    let bench = Bench::at(Clock::system(), |settings| settings.acquisition.code = code).await;
    write_settings(&bench, |_| {});
    let processes = (0..PROCESSES).map(|_| Served::start(&bench.house.directory, &[])).collect();
    (Arc::new(bench), processes)
}

/// Runs `MANY` at once, each with a client of the next process.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    bench: &Bench,
    processes: &[Served],
    task: impl Fn(usize, Client) -> F,
) -> Vec<T> {
    let mut tasks = Vec::new();
    for n in 0..MANY {
        let client = processes[n % processes.len()].client(bench).await;
        tasks.push(tokio::spawn(task(n, client)));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// A request for the user's certificate, and what its answer must fit.
fn request(key: &SigningKey, transaction: [u8; 16], nonce: [u8; 16], otp: &str, time: i64) -> Vec<u8> {
    let template = Template {
        subject: "00009876543 riyousya 1635".parse().unwrap(),
        algorithms: vec![],
        otp_wanted: true,
        otp_token: None,
        pin_wanted: true,
        attestation_wanted: false,
        policy: token::KeyPolicy::default(),
        device: None,
        deadline: None,
        time: None,
        nonce: vec![],
    };
    let (pin, otp) = (secret(USER_PIN), secret(otp));
    let public = crate::cmp_door::public(key);
    let request = client::certificate_request(&template, &public, None, Some(&pin), Some(&otp)).unwrap();
    let applicant = applicant(Some(USER));
    let envelope = Envelope { transaction, nonce, reply_nonce: None, time, applicant: &applicant };
    let signature: Signature = key.sign(request.as_bytes());
    let message =
        client::initial_request(&envelope, &request, SignatureAlgorithm::Es256, &signature.to_bytes(), None).unwrap();
    message.to_vec()
}

async fn ask(client: &Client, message: Vec<u8>, transaction: [u8; 16], nonce: [u8; 16]) -> Response {
    let answer = client.raw(PATH, MEDIA_TYPE, message).await;
    let expected = Expected { transaction: &transaction, nonce: &nonce, mac: None };
    client::read_response(&answer.body, &expected).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_otp_of_200_and_one_transaction_of_200() {
    let (bench, processes) = served(false).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();

    let (otp, time) = (bench.otp(), bench.clock.now());
    let answers = at_once(&bench, &processes, |n, client| {
        let mut id = [1; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let message = request(&SigningKey::from_slice(&id.repeat(2)).unwrap(), id, [9; 16], &otp, time);
        async move { ask(&client, message, id, [9; 16]).await }
    })
    .await;
    let issued = answers.iter().filter(|answer| matches!(answer, Response::Issued(_))).count();
    assert_eq!(issued, 1, "one OTP, one certificate");
    for answer in &answers {
        if let Response::Refused(refused) = answer {
            assert_eq!(refused.refusal, Some(Refusal::NotIssued));
        }
    }

    // The next issue: one transaction, asked for 200 times, has one certificate. Its OTP is the next.
    let second = bench.clock.now() / 30;
    while bench.clock.now() / 30 == second {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await; // A TOTP token shows one value for 30 s.
    }
    office.choose(USER, "reissue", Some("other")).await.ok();
    let (otp, time, key) = (bench.otp(), bench.clock.now(), SigningKey::from_slice(&[5; 32]).unwrap());
    let answers = at_once(&bench, &processes, |n, client| {
        let nonce = [u8::try_from(n).unwrap(); 16];
        let message = request(&key, [7; 16], nonce, &otp, time);
        async move { ask(&client, message, [7; 16], nonce).await }
    })
    .await;
    let mut certificates: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Response::Issued(issued) => issued.certificate,
            other => panic!("{other:?}"),
        })
        .collect();
    certificates.dedup();
    assert_eq!(certificates.len(), 1);
    let made: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM acquisitions WHERE user_id IS NOT NULL")
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(made, 2);
    event::verify(bench.house.store.readers()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_challenge_one_handle_and_one_page_of_200() {
    let (bench, processes) = served(true).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;

    // Handed out by one process, good at any, once.
    let challenge = processes[0].client(&bench).await.challenge("user").await;
    let token = card.answer(&challenge, ORIGIN);
    let answers = at_once(&bench, &processes, |_, client| {
        let (challenge, token) = (challenge.clone(), token.clone());
        async move { client.post("/login/verify", &[("challenge", &challenge), ("token", &token)]).await }
    })
    .await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status.is_success()).collect();
    assert_eq!(good.len(), 1);
    assert!(answers.iter().filter(|answer| !answer.status.is_success()).all(|answer| answer.code() == "E-ORIGIN"));

    let login = text(&good[0].ok(), "login").to_owned();
    let answers = at_once(&bench, &processes, |_, client| {
        let login = login.clone();
        async move { client.pin(&login, USER_PIN).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);

    // Two hundred windows show the user as it was; one of them changes it.
    let (session, version) = (office.session.clone(), office.version(USER).await);
    let answers = at_once(&bench, &processes, |_, mut client| {
        client.session.clone_from(&session);
        let version = version.clone();
        async move {
            let fields = [("choice", "revoke"), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
            client.post(&format!("/admin/v1/users/{USER}/certificate"), &fields).await
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
    assert!(answers.iter().filter(|answer| !answer.status.is_success()).all(|answer| answer.code() == "E-STALE"));
    assert_eq!(bench.states().await, ["revoked"]);
    event::verify(bench.house.store.readers()).await.unwrap();
}

/// Two people who have the same page open, each in a session of their own, and a hundred windows each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_administrators_with_one_page_one_changes_the_user() {
    let (bench, processes) = served(true).await;
    let first = bench.administrator().await;
    let (no, second) = another(&bench, Person::default()).await;
    assert_eq!(no, 2);
    let offices = [bench.office(&first).await, bench.office(&second).await];
    bench.user_card(&offices[0]).await;
    let (versions, sessions) =
        ([offices[0].version(USER).await, offices[1].version(USER).await], offices.map(|office| office.session));
    assert_eq!(versions[0], versions[1], "they see the same page");
    let page = versions[0].clone();
    assert_ne!(sessions[0], sessions[1]);
    // Different things of one page, so that it is told whose was done.
    let answers = at_once(&bench, &processes, |n, mut client| {
        let who = n / PROCESSES % 2;
        client.session.clone_from(&sessions[who]);
        let version = versions[who].clone();
        async move {
            let reason = if who == 0 { "lost" } else { "stolen" };
            let fields =
                [("choice", "revoke"), ("reason", reason), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
            (who, client.post(&format!("/admin/v1/users/{USER}/certificate"), &fields).await)
        }
    })
    .await;
    let good: Vec<_> = answers.iter().filter(|(_, answer)| answer.status.is_success()).collect();
    assert_eq!(good.len(), 1);
    for who in [0, 1] {
        let stale = answers.iter().filter(|(by, answer)| *by == who && !answer.status.is_success());
        let codes: Vec<_> = stale.map(|(_, answer)| answer.code()).collect();
        assert!(codes.len() >= MANY / 2 - 2 && codes.iter().all(|code| code == "E-STALE"), "{who}: {codes:?}");
    }
    let (actor, reason): (String, String) = sqlx::query_as(
        "SELECT actor, reason FROM events WHERE action = 'certificate.end' AND outcome = 'done' AND role = 'administrator'",
    )
    .fetch_one(bench.house.store.readers())
    .await
    .unwrap();
    let winner = good[0].0;
    assert_eq!(actor, format!("{CONTRACT}/{}", winner + 1), "on record is the one who was told so");
    assert_eq!(reason, ["lost", "stolen"][winner]);
    assert_eq!(bench.states().await, ["revoked"]);
    // Whoever was refused looks again, and sees what the other did.
    for process in &processes {
        for session in &sessions {
            let mut client = process.client(&bench).await;
            client.session.clone_from(session);
            let shown = client.get(&format!("/admin/v1/users/{USER}")).await.ok();
            assert_ne!(text(&shown, "version"), page);
        }
    }
    event::verify(bench.house.store.readers()).await.unwrap();
}

/// Logs in as far as the PIN, again and again, until the process is gone. Yields the handles that were handed out.
async fn log_in(client: Client, card: Arc<Card>, most: usize) -> Vec<String> {
    let mut handles = Vec::new();
    while handles.len() < most {
        let Some(answer) = client.try_post("/login/challenge", &[]).await else { break };
        let challenge = text(&answer.ok(), "challenge").to_owned();
        let token = card.answer(&challenge, ORIGIN);
        let fields = [("challenge", challenge.as_str()), ("token", token.as_str())];
        let Some(answer) = client.try_post("/login/verify", &fields).await else { break };
        handles.push(text(&answer.ok(), "login").to_owned());
    }
    handles
}

/// A process dies by SIGKILL in the middle of its work. Whatever it said it did is done, its lock is free, and the
/// others go on; where there is no other, the next one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_killed_loses_nothing_it_acknowledged() {
    let (bench, mut others) = served(true).await;
    let administrator = bench.administrator().await;
    let card = Arc::new(bench.user_card(&bench.office(&administrator).await).await);
    others.truncate(PROCESSES - 1);
    for point in ["before:9", "after:14", "before:1"] {
        let mut victim = Served::start(&bench.house.directory, &[("JITSUIN_AUTHORITY_CRASH", point)]);
        let mut tasks = Vec::new();
        for process in std::iter::once(&victim).chain(&others) {
            for _ in 0..4 {
                tasks.push(tokio::spawn(log_in(process.client(&bench).await, Arc::clone(&card), 12)));
            }
        }
        let mut handles = Vec::new();
        for task in tasks {
            handles.push(task.await.unwrap());
        }
        victim.wait();
        let (dead, living) = handles.split_at(4);
        assert!(dead.iter().any(|handles| handles.len() < 12), "it died in the middle");
        assert!(living.iter().all(|handles| handles.len() == 12), "the others went on");
        for handle in handles.iter().flatten() {
            let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM logins WHERE login_sha256 = $1")
                .bind(hex::encode(Sha256::digest(handle)))
                .fetch_one(bench.house.store.readers())
                .await
                .unwrap();
            assert_eq!(kept, 1, "{handle} was acknowledged");
        }
    }
    let next = Served::start(&bench.house.directory, &[]);
    assert_eq!(log_in(next.client(&bench).await, card, 1).await.len(), 1);
    event::verify(bench.house.store.readers()).await.unwrap();
}
