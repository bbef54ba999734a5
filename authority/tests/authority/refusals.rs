//! A refused request changes nothing but counters and the record of events.

use authority::otp::Kind;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, USER, contract, text};

#[tokio::test]
async fn nothing_is_changed_by_a_refused_change() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    bench.add_token("T-2", Kind::Hotp).await;
    bench.add_token("T-3", Kind::Hotp).await;
    bench.bank().assign_token("T-2", &contract(), None).await.unwrap();
    let version = office.version(USER).await;
    let version = version.as_str();
    let user = format!("/admin/v1/users/{USER}");
    let confirm = ("confirm_pin", CONFIRM_PIN);
    let shown = ("version", version);
    bench.wait(30);
    let now = bench.otp();
    let old = ("old_otp", now.as_str());
    let cases = [
        ("E-CONFIRM-PIN", format!("{user}/certificate"), vec![("choice", "reissue"), shown]),
        ("E-CONFIRM-PIN", format!("{user}/certificate"), vec![("choice", "continue"), shown]),
        ("E-CONFIRM-PIN", format!("{user}/certificate"), vec![("choice", "revoke"), ("confirm_pin", "wrong1"), shown]),
        ("E-STALE", format!("{user}/certificate"), vec![("choice", "reissue"), confirm, ("version", "0")]),
        ("E-STALE", format!("{user}/certificate"), vec![("choice", "reissue"), confirm]),
        ("E-NOT-FOUND", "/admin/v1/users/nobody/certificate".to_owned(), vec![("choice", "revoke"), confirm, shown]),
        (
            "E-ADMIN-REISSUE",
            format!("/admin/v1/users/{CONTRACT}/certificate"),
            vec![("choice", "reissue"), confirm, shown],
        ),
        ("E-ADMIN-REISSUE", "/admin/v1/administrator/certificate".to_owned(), vec![("choice", "reissue"), confirm]),
        ("E-CONFIRM-PIN", format!("{user}/unlock"), vec![("kind", "otp"), shown]),
        ("E-BAD-REQUEST", format!("{user}/unlock"), vec![("kind", "all"), confirm, shown]),
        ("E-CONFIRM-PIN", format!("{user}/pin"), vec![("new_user_pin", "atarashii9"), shown]),
        ("E-PIN-FORMAT", format!("{user}/pin"), vec![("new_user_pin", "abc"), confirm, shown]),
        ("E-TOKEN-HELD", format!("{user}/otp-token"), vec![("serial", "T-2"), ("otp", "755224"), confirm, shown]),
        ("E-BAD-REQUEST", format!("{user}/otp-token"), vec![("otp", "755224"), confirm, shown]),
        (
            "E-OTP",
            format!("{user}/otp-token/exchange"),
            vec![("serial", "T-2"), old, ("otp", "000000"), confirm, shown],
        ),
        ("E-OTP", format!("{user}/otp-token/exchange"), vec![("serial", "T-2"), old, confirm, shown]),
        ("E-OTP", format!("{user}/otp-token/exchange"), vec![("serial", "T-2"), ("otp", "755224"), confirm, shown]),
        (
            "E-NOT-FOUND",
            format!("{user}/otp-token/exchange"),
            vec![("serial", "T-3"), old, ("otp", "755224"), confirm, shown],
        ),
        (
            "E-EXISTS",
            format!("{user}/otp-token/exchange"),
            vec![("serial", "T-1"), old, ("otp", "755224"), confirm, shown],
        ),
        ("E-CONFIRM-PIN", format!("{user}/otp-token/revoke"), vec![shown]),
        ("E-STALE", format!("{user}/otp-token/revoke"), vec![confirm, ("version", "0")]),
        ("E-OTP", format!("{user}/otp-token/resync"), vec![("otp", "755224"), ("next_otp", "755224"), confirm, shown]),
        ("E-NOT-FOUND", "/admin/v1/users/nobody/otp-token/lock".to_owned(), vec![confirm, shown]),
        ("E-NOT-FOUND", "/admin/v1/acquisition-code".to_owned(), vec![("ticket", "guess")]),
    ];
    for (code, path, fields) in cases {
        let (before, events) = (bench.dump().await, bench.events().await);
        let refused = office.post(&path, &fields).await;
        assert_eq!(refused.code(), code, "{path} {fields:?}");
        assert_eq!(bench.dump().await, before, "{path} {fields:?}");
        // What never reached the rules leaves no event; all else does (D-705).
        if code != "E-BAD-REQUEST" {
            assert_eq!(bench.events().await, events + 1, "{path} {fields:?}");
        }
    }

    // The right one is still taken: HOTP's first value of RFC 4226.
    bench.wait(30);
    let now = bench.otp();
    let fields = [("serial", "T-2"), ("old_otp", now.as_str()), ("otp", "755224"), confirm, shown];
    let registered = office.post(&format!("{user}/otp-token/exchange"), &fields).await.ok();
    assert_eq!(text(&registered, "token_serial"), "T-2");
    let old: String = sqlx::query_scalar("SELECT token_status FROM tokens WHERE token_serial = 'T-1'")
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(old, "revoked");
    // What was shown is no longer so.
    assert_eq!(office.post(&format!("{user}/otp-token/exchange"), &fields).await.code(), "E-STALE");
}

#[tokio::test]
async fn wrong_contract_user_and_pin_sound_the_same() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    let ask = async |contract: &str, user: &str| {
        let applicant = authority::acquisition::Applicant {
            contract: token::ContractId::new(contract).unwrap(),
            user: Some(token::UserId::new(user).unwrap()),
        };
        bench
            .acquisition()
            .admit(&applicant, Some(&crate::bench::secret("wrong1")), bench.proof(&applicant, true).await.as_ref())
            .await
    };
    let before = bench.dump().await;
    for (contract, user) in [(CONTRACT, USER), (CONTRACT, "nobody"), ("11111111111", USER)] {
        assert_eq!(ask(contract, user).await, Err(token::Refusal::Auth));
    }
    assert_eq!(bench.dump().await, before);
}
