use std::collections::BTreeSet;

use proptest::prelude::*;
use token::Language;

use super::*;

fn event(action: &str, before: &str, after: &str) -> Recorded {
    Recorded {
        seq: 1,
        at: 0,
        actor: String::new(),
        role: String::new(),
        origin: String::new(),
        action: action.to_owned(),
        contract_id: "00009876543".to_owned(),
        user_id: String::new(),
        subject: String::new(),
        before: before.to_owned(),
        after: after.to_owned(),
        reason: String::new(),
        outcome: "done".to_owned(),
    }
}

/// D-511, over every text there is: nothing to click, nothing to answer, nothing secret, nothing unreadable.
#[test]
fn no_notice_has_a_link_or_asks_for_a_secret() {
    let facts = Facts {
        contract: "00009876543".to_owned(),
        user: "riyousya".to_owned(),
        administrator: "2".to_owned(),
        at: 1_664_593_200,
        role: "administrator".to_owned(),
        place: "192.0.2.1".to_owned(),
        issue_no: "002".to_owned(),
        token: "T-1".to_owned(),
        ends_at: Some(1_696_204_799),
        stop_until: None,
    };
    for kind in Kind::all() {
        for language in [Language::Ja, Language::En] {
            let stop_until = kind.can_be_stopped().then_some(1_664_852_400);
            let (subject, body) = compose(kind, &Facts { stop_until, ..facts.clone() }, language);
            let text = format!("{subject}\n{body}");
            for link in ["://", "http", "www.", "href", "mailto:", ".example", ".jp", ".com", "//"] {
                assert!(!text.to_lowercase().contains(link), "{link} in {text}");
            }
            assert!(!text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "Cyrillic in {text}");
            assert_eq!(text.matches("{stop-code}").count(), usize::from(kind.can_be_stopped()), "{text}");
            assert_eq!(text.matches(['{', '}']).count(), 2 * usize::from(kind.can_be_stopped()), "{text}");
            // The one mention of PINs is that none is asked for.
            let asks = ["入力してください", "enter your", "Enter your", "confirm your", "log in", "ログイン"];
            let harmless = text.replace("停止画面（/stop）に入力してください", "");
            assert!(!asks.iter().any(|ask| harmless.contains(ask)), "{text}");
            assert!(text.contains("00009876543") && !subject.contains(char::is_control));
        }
    }
    let keys: BTreeSet<_> = Kind::all().map(Kind::key).collect();
    assert_eq!((keys.len(), keys.contains("")), (Kind::all().count(), false));
}

/// D-703's list, each by the event that it comes from.
#[test]
fn what_requirements_list_is_told() {
    for (action, before, after, expected) in [
        ("certificate.open", "", "awaiting", Kind::Reissued),
        ("acquisition.confirm", "unconfirmed", "valid", Kind::Acquired),
        ("certificate.end", "valid", "revoked", Kind::Revoked),
        ("certificate.end", "valid", "expired", Kind::Expired),
        ("certificate.suspend", "valid", "suspended", Kind::Suspended),
        ("token.register", "assigned", "registered", Kind::TokenRegistered),
        ("token.assign", "stock", "registered", Kind::TokenRegistered),
        ("token.exchange", "assigned", "registered", Kind::TokenRenewed),
        ("token.revoke", "registered", "revoked", Kind::TokenRevoked),
        ("user.add", "", "active", Kind::UserRegistered),
        ("user.change", "A <a@x.example>", "A <b@x.example>", Kind::UserChanged),
        ("user.deregister", "active <a@x.example>", "deregistered", Kind::UserDeregistered),
        ("contract.pins", "", "", Kind::ContractPinsReset),
        ("contract.set", "users 99 dual control on", "users 99 dual control off", Kind::ContractChanged),
        ("administrator.remove", "active", "removed", Kind::AdministratorRemoved),
        ("contract.emergency_stop", "active", "emergency_stop", Kind::EmergencyStop),
        ("contract.resume", "emergency_stop", "active", Kind::EmergencyLifted),
        ("contract.resume", "emergency_stop", "locked", Kind::ContractLocked),
        ("administrator.change", "a@x.example", "b@x.example", Kind::AdministratorChanged),
    ] {
        assert_eq!(kind(&event(action, before, after)), Some(expected), "{action}");
        let refused = Recorded { outcome: "E-STALE".to_owned(), ..event(action, before, after) };
        assert_eq!(kind(&refused), None, "nothing happened: {action}");
    }
    let locked = Recorded {
        outcome: "E-LOCK-USER".to_owned(),
        reason: "otp".to_owned(),
        ..event("acquisition.accept", "active", "locked")
    };
    assert_eq!(kind(&locked), Some(Kind::UserLocked));
    assert_eq!(kind(&Recorded { reason: "contract_pin".to_owned(), ..locked }), Some(Kind::ContractLocked));
    let superseded = Recorded { reason: "superseded".to_owned(), ..event("certificate.end", "valid", "revoked") };
    assert_eq!(kind(&superseded), None, "told with the certificate that took its place");
}

/// What nobody is told of. A new action is put here or into [`kind`]: none is forgotten.
const SILENT: &[&str] = &[
    "acquisition.admit",
    "acquisition.code",
    "acquisition.mac",
    "authority.init",
    "authority.server_certificate",
    "ca.encrypt_key",
    "ca.install",
    "ca.issuer",
    "ca.root_list",
    "certificate.confirm-key",
    "certificate.continue",
    "certificate.reissue",
    "contract.open",
    "crl.issue",
    "device.attest",
    "login.certificate",
    "login.link",
    "login.pin",
    "login.verify",
    "logout",
    "notice.dead",
    "notice.retry",
    "ocsp.responder",
    "party.add",
    "party.bearer",
    "party.remove",
    "party.verify",
    "renewal.admit",
    "stop.code",
    "token.add",
    "token.import",
    "vault.adopt",
    "vault.begin",
    "vault.rekey",
];

/// Told by what they make of a certificate, whatever they are called.
const BY_STATE: &[&str] =
    &["certificate.reinstate", "certificate.suspend", "contract.emergency_stop", "contract.resume"];

#[test]
fn every_action_is_told_or_silent_on_purpose() {
    let rules = include_str!("mod.rs");
    let missing: Vec<_> = crate::store::event::actions_in_the_source()
        .into_iter()
        .filter(|action| {
            let told = BY_STATE.contains(&action.as_str())
                || rules.contains(&format!("\"{action}\""))
                || action.starts_with("approval.");
            !told && !SILENT.contains(&action.as_str())
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "put each into rules::notice::kind, or into SILENT");
}

#[test]
fn addresses_are_found_in_both_forms() {
    let changed = event("user.change", "大阪 太郎 <old@x.example>", "大阪 太郎 <new@x.example>");
    assert_eq!(addresses(&changed), ["old@x.example", "new@x.example"]);
    assert_eq!(addresses(&event("contract.notices", "old@x.example", "old@x.example")), ["old@x.example"]);
    assert_eq!(addresses(&event("user.deregister", "active <a@x.example>", "deregistered")), ["a@x.example"]);
    assert_eq!(addresses(&event("user.deregister", "active", "deregistered")), [""; 0]);
    assert_eq!(addresses(&event("user.change", " <>", "Mary <new@x.example>")), ["new@x.example"]);
}

proptest! {
    #[test]
    fn tries_come_ever_later_and_end(attempts in 1i64..100) {
        match (retry_after(attempts), retry_after(attempts + 1)) {
            (Some(now), Some(next)) => prop_assert!(now <= next && next <= 4 * 3600),
            (Some(_), None) => prop_assert_eq!(attempts, 11),
            (None, next) => prop_assert!(attempts >= 12 && next.is_none()),
        }
    }

    #[test]
    fn the_reminder_is_the_shortest_that_covers_what_is_left(left in -100_000i64..4_000_000) {
        let due = due_reminder(&[30, 10, 3, 1], left);
        let covers = |day: u16| left <= i64::from(day) * 86_400;
        match due {
            Some(day) => prop_assert!(left >= 0 && covers(day) && [30, 10, 3, 1].iter().all(|d| *d >= day || !covers(*d))),
            None => prop_assert!(left < 0 || !covers(30)),
        }
    }
}
