//! The same bad request on both fronts gives the same error, and the daemon lives.

use serde_json::{Value, json};
use tests::authority::Authority;
use tests::daemon::Config;
use tests::scratch::Scratch;
use zbus::Variant;

use crate::bench::{Agent, Bench, ORIGIN, USER, challenge, vardict};

#[tokio::test(flavor = "multi_thread")]
async fn logins_fail_alike() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let good = challenge();
    for (origin, nonce, key, error) in [
        ("http://bank.example", good.as_str(), None, "OriginRejected"),
        ("https://bank.example/", good.as_str(), None, "OriginRejected"),
        ("https://BANK.example", good.as_str(), None, "OriginRejected"),
        ("", good.as_str(), None, "OriginRejected"),
        (ORIGIN, "", None, "ChallengeMalformed"),
        (ORIGIN, "AAAA", None, "ChallengeMalformed"),
        (ORIGIN, "あいうえお", None, "ChallengeMalformed"),
        (ORIGIN, good.as_str(), Some("nonsense"), "InvalidArgument"),
        (ORIGIN, good.as_str(), Some("pkcs11:1/0G"), "InvalidArgument"),
        (ORIGIN, good.as_str(), Some("pkcs11:0123456789abcdef/01"), "TokenAbsent"),
        (ORIGIN, good.as_str(), Some(&format!("pkcs11:{}/7f", bench.token.serial)), "NoSuchObject"),
        (ORIGIN, good.as_str(), None, "NoAgent"),
    ] {
        let mut options = vardict([]);
        let mut parameters = json!({ "origin": origin, "challenge": nonce });
        if let Some(key) = key {
            options = vardict([("key", key.into())]);
            parameters["key"] = json!(key);
        }
        let on_bus = caller.login(origin, nonce, options).await.unwrap_err();
        let on_socket = bench.socket("SignLogin", parameters);
        assert_eq!((on_bus.as_str(), &on_socket["error"]), (error, &json!(format!("org.jitsuin.Jitsuin1.{error}"))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolments_fail_alike() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let missing = "0".repeat(32);
    for (contract, error) in [("123", "InvalidArgument"), ("00009876543", "NoAgent")] {
        let on_bus = caller
            .manager::<_, zbus::OwnedObjectPath>(
                "StartEnrolment",
                &("bank", vardict([("contract-id", contract.into())])),
            )
            .await;
        let on_socket = bench.socket("StartEnrolment", json!({ "profile": "bank", "contractId": contract }));
        assert_eq!(on_bus.unwrap_err(), error);
        assert_eq!(on_socket["error"], format!("org.jitsuin.Jitsuin1.{error}"), "{on_socket}");
    }
    for method in ["ResumeEnrolment", "PauseEnrolment", "AbandonEnrolment"] {
        let answer = bench.socket(method, json!({ "enrolment": missing }));
        assert_eq!(answer["error"], "org.jitsuin.Jitsuin1.NoSuchObject", "{method}: {answer}");
    }
}

/// Stopping and renewing: the card's certificate is another CA's than the authority's.
#[tokio::test(flavor = "multi_thread")]
async fn what_ones_own_certificate_is_asked_for_fails_alike() {
    let elsewhere = Scratch::new();
    let authority = Authority::start(&elsewhere);
    let config = Config::new().authority("bank", &authority.origin, &authority.fingerprint).authority(
        "away",
        "https://localhost:1",
        &authority.fingerprint,
    );
    let bench = Bench::with(config, |ca, scratch, hsm, token| ca.key(scratch, hsm, token, "01", USER, 2));
    let caller = bench.caller().await;
    let own = format!("pkcs11:{}/01", bench.token.serial);
    let empty = format!("pkcs11:{}/7f", bench.token.serial);
    let alone = [("bank", Some(own.as_str()), "NoAgent"), ("bank", None, "NoAgent")];
    let asked = [
        ("bank", Some("nonsense"), "InvalidArgument"),
        ("bank", Some("pkcs11:0123456789abcdef/01"), "TokenAbsent"),
        ("bank", Some(empty.as_str()), "NoSuchObject"),
        ("nobody", Some(own.as_str()), "InvalidArgument"),
        ("nobody", None, "InvalidArgument"),
        ("away", Some(own.as_str()), "NetworkUnavailable"),
        ("away", None, "NetworkUnavailable"),
        ("bank", Some(own.as_str()), "IssuerMismatch"),
        ("bank", None, "IssuerMismatch"),
    ];
    let agent = Agent::default();
    for (n, (profile, key, error)) in alone.into_iter().chain(asked).enumerate() {
        if n == alone.len() {
            caller.register(&agent).await.unwrap();
        }
        let options = || key.map_or_else(|| vardict([]), |key| vardict([("key", key.into())]));
        let named = |mut parameters: Value| {
            if let Some(key) = key {
                parameters["key"] = json!(key);
            }
            parameters
        };
        let full = json!(format!("org.jitsuin.Jitsuin1.{error}"));
        for wish in ["suspend", "revoke-compromised", "revoke-discarded"] {
            let on_bus = caller.error(caller.manager("RevokeCertificate", &(profile, wish, options())).await).await;
            let on_socket = bench.socket("RevokeCertificate", named(json!({ "profile": profile, "wish": wish })));
            assert_eq!((on_bus.as_str(), &on_socket["error"]), (error, &full), "{wish} {profile} {key:?}: {on_socket}");
        }
        let on_bus = caller.manager::<_, zbus::OwnedObjectPath>("StartRenewal", &(profile, options())).await;
        let on_socket = bench.socket("StartRenewal", named(json!({ "profile": profile })));
        assert_eq!(
            (on_bus.unwrap_err().as_str(), &on_socket["error"]),
            (error, &full),
            "{profile} {key:?}: {on_socket}"
        );
        if error == "IssuerMismatch" {
            assert_eq!(on_socket["parameters"]["authority"], profile);
        }
    }
    let wish = "stop";
    let on_bus = caller.error(caller.manager("RevokeCertificate", &("bank", wish, vardict([]))).await).await;
    let on_socket = bench.socket("RevokeCertificate", json!({ "profile": "bank", "wish": wish }));
    assert_eq!(on_bus, "InvalidArgument");
    assert_eq!(on_socket["error"], "org.jitsuin.Jitsuin1.InvalidArgument", "{on_socket}");
    for kind in ["card-pin", "consent", "choose"] {
        assert!(agent.seen(kind).is_empty(), "{kind} was asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_calls_on_the_bus_get_an_answer() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let essential = vardict([("!colour", "red".into())]);
    let refused = caller.manager::<_, Vec<crate::bench::Vardict>>("ListCertificates", &(essential,)).await;
    assert_eq!(refused.unwrap_err(), "InvalidArgument", "an option marked as essential is not understood");
    let ignored = vardict([("colour", "red".into())]);
    caller.manager::<_, Vec<crate::bench::Vardict>>("ListCertificates", &(ignored,)).await.unwrap();
    let of_other_type = vardict([("usage", Variant::from(7_u32))]);
    let refused = caller.manager::<_, Vec<crate::bench::Vardict>>("ListCertificates", &(of_other_type,)).await;
    assert_eq!(refused.unwrap_err(), "InvalidArgument");
    let long = "x".repeat(70_000);
    assert_eq!(caller.login(&long, &challenge(), vardict([])).await, Err("InvalidArgument".to_owned()), "over 64 KiB");
    let wrong_body: Result<(), String> = caller.manager("SignLogin", &("only one",)).await;
    assert!(wrong_body.is_err());
    let odd = bench.socket("ListTokens", Value::Null);
    assert!(odd["parameters"]["tokens"].is_array(), "{odd}");
}
