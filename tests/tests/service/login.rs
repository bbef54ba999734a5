//! Logins, from the challenge to the token.

use serde_json::json;
use tests::daemon::Config;
use token::AuthToken;
use zbus::Variant;

use crate::bench::{ADMINISTRATOR, Agent, Bench, CI, ORIGIN, PIN, USER, challenge, text, vardict, verify};

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_consents_and_the_token_signs() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    let path = caller.agent(&agent).await;
    let nonce = challenge();
    let options = vardict([("agent", Variant::ObjectPath(path.into())), ("application", "ブラウザ\u{7}".into())]);
    let token = caller.login(ORIGIN, &nonce, options).await.unwrap();
    assert_eq!(verify(&token, ORIGIN, &nonce).common_name, USER);
    assert_eq!((token.algorithm.as_str(), token.format.as_str()), ("ES256", "web-eid:1.0"));

    let asked = &agent.seen("consent")[0];
    assert_eq!(text(asked, "purpose"), "login");
    assert_eq!(text(asked, "origin"), ORIGIN);
    assert_eq!(text(asked, "application"), "ブラウザ", "control characters are removed");
    assert_eq!(text(asked, "certificate-name"), USER);
    assert_eq!(text(asked, "token-label"), "card");
    assert_eq!(*asked["uid"], Variant::from(rustix::process::getuid().as_raw()));
    assert_eq!(*asked["pid"], Variant::from(std::process::id()));
    assert_eq!(agent.seen("card-pin").len(), 1);

    let line = bench.audit().pop().unwrap();
    assert_eq!((&line["verb"], &line["outcome"], &line["via"]), (&json!("sign-login"), &json!("ok"), &json!("dbus")));
    assert_eq!(line["subject"], json!(format!("pkcs11:{}/01", bench.token.serial)));
    for secret in [PIN, &nonce, ORIGIN] {
        assert!(!bench.daemon.running.printed().contains(secret) && !line.to_string().contains(secret), "{secret}");
    }

    let again = caller.login(ORIGIN, &nonce, vardict([])).await;
    assert_eq!(again, Err("ChallengeExpired".to_owned()), "a challenge is answered once, whoever asks");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_fronts_give_the_same() {
    let bench = Bench::new();
    let person = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    person.register(&agent).await.unwrap();
    let (one, two) = (challenge(), challenge());
    let on_bus = bench.caller().await.login(ORIGIN, &one, vardict([])).await.unwrap();
    let answer = bench.socket("SignLogin", json!({ "origin": ORIGIN, "challenge": two }));
    let on_socket: AuthToken = serde_json::from_value(answer["parameters"]["token"].clone()).unwrap();
    verify(&on_bus, ORIGIN, &one);
    verify(&on_socket, ORIGIN, &two);
    assert_eq!(on_bus.unverified_certificate, on_socket.unverified_certificate);
    assert_eq!(
        (on_bus.algorithm, on_bus.format, on_bus.app_version),
        (on_socket.algorithm, on_socket.format, on_socket.app_version)
    );
    assert_eq!(agent.seen("consent").len(), 2);

    let listed = person.certificates("user-login").await;
    let on_socket = bench.socket("ListCertificates", json!({}));
    let on_socket = &on_socket["parameters"]["certificates"];
    assert_eq!(on_socket.as_array().map(Vec::len), Some(listed.len()));
    for (bus, socket) in [("key-id", "key"), ("token-id", "token"), ("name", "name"), ("serial", "serial")] {
        assert_eq!(json!(text(&listed[0], bus)), on_socket[0][socket]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_door_is_offered_its_own_and_the_reason_is_given() {
    let bench = Bench::with(Config::new(), |ca, scratch, hsm, token| {
        ca.open_key(scratch, hsm, token, "01", ADMINISTRATOR, 2);
    });
    let caller = bench.caller().await;
    assert_eq!(caller.login(CI, &challenge(), vardict([])).await, Err("CertificateUnusable".to_owned()));
    let usage = || vardict([("usage", "administrator-login".into())]);
    let nonce = challenge();
    let token = caller.login(CI, &nonce, usage()).await.unwrap();
    assert_eq!(verify(&token, CI, &nonce).common_name, ADMINISTRATOR);

    assert_eq!(caller.certificates("user-login").await.len(), 0);
    bench.ca.open_key(&bench.scratch, &bench.hsm, &bench.token, "02", USER, -1);
    let refreshed = "/org/jitsuin/Jitsuin1/token/t1";
    caller.call::<_, ()>(refreshed, "Token.Refresh", &(vardict([]),)).await.unwrap();
    let listed = caller.certificates("user-login").await;
    assert_eq!(text(&listed[0], "why-not"), "expired");
    let answer = bench.socket("SignLogin", json!({ "origin": CI, "challenge": challenge() }));
    assert_eq!(answer["error"], "org.jitsuin.Jitsuin1.CertificateUnusable");
    assert_eq!(answer["parameters"]["reason"], "expired", "what the holder can help comes first");

    // With a key named, its own reason; and never at the other door.
    let key = format!("pkcs11:{}/01", bench.token.serial);
    let answer = bench.socket("SignLogin", json!({ "origin": CI, "challenge": challenge(), "key": key }));
    assert_eq!(answer["parameters"]["reason"], "administrator");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_chooses_among_several() {
    let other = "00009876543 keiri 1635";
    let bench = Bench::with(Config::new(), |ca, scratch, hsm, token| {
        ca.open_key(scratch, hsm, token, "01", USER, 2);
        ca.open_key(scratch, hsm, token, "02", other, 2);
    });
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("choose", &["1", "-1"])]);
    caller.register(&agent).await.unwrap();
    let nonce = challenge();
    let token = caller.login(ORIGIN, &nonce, vardict([])).await.unwrap();
    let names = text(&agent.seen("choose")[0], "names");
    let second = names.split(',').nth(1).unwrap();
    assert_eq!(verify(&token, ORIGIN, &nonce).common_name, second);
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("Cancelled".to_owned()));
    assert_eq!(agent.seen("card-pin").len(), 0, "these keys need no PIN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_token_ends_the_question() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    let request = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    while agent.seen("consent").is_empty() {
        tokio::task::yield_now().await;
    }
    bench.hsm.pull();
    // SoftHSM tells of nothing: somebody looks.
    bench.caller().await;
    let (state, result) = caller.wait(&request).await.unwrap();
    assert_eq!((state.as_str(), text(&result, "error").as_str()), ("failed", "org.jitsuin.Jitsuin1.Error.TokenAbsent"));
    agent.dismissed().await;
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("TokenAbsent".to_owned()));
}
