//! A certificate's life on a real card: renewal, suspension by its key and without the card, reinstatement, revocation.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use tests::authority::Authority;
use tests::daemon::Config;
use tests::person::{CANCEL, Window};
use tests::scratch::{Scratch, output};
use tests::world::{CONTRACT, SECRETS, USER, World};

/// A user with a certificate.
fn world() -> World {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world
}

/// The certificate ends in so many days, as far as the authority knows: nobody waits for a year.
fn ends_in(world: &World, days: u32) {
    let change = format!(
        "UPDATE certificates SET cert_valid_until = unixepoch() + {days} * 86400, due_at = unixepoch() + {days} * 86400 \
         WHERE user_id = '{USER}' AND cert_status = 'valid'"
    );
    output(world.scratch.command("sqlite3").arg(world.authority.folder.join("authority.db")).arg(change));
}

/// The key of the user's usable certificate.
fn key(world: &World) -> String {
    let listed = world.by(&world.user, &["--json", "certificates", "--usage", "user-login"]).ok().json();
    let usable: Vec<_> = listed.as_array().unwrap().iter().filter(|c| c["usable"] == true).collect();
    assert_eq!(usable.len(), 1, "{listed}");
    usable[0]["key-id"].as_str().unwrap().to_owned()
}

#[test]
fn the_user_renews_alone() {
    let world = world();
    let old = key(&world);
    let early = world.by(&world.user, &["renew", "--certificate", &old]);
    assert_ne!(early.status, 0, "{early:?}");
    assert!(early.said().contains("E-RENEW-EARLY") || early.said().contains("cannot be renewed before"), "{early:?}");

    ends_in(&world, 10);
    let login = world.by(&world.user, &["login"]).ok();
    assert!(login.out.contains("ends soon"), "{login:?}");
    let passwords = world.user.count("one-time password");
    // Cancelled at the last PIN, and resumed: a renewal is an enrolment like any other.
    world.user.answers(Window::CardPin, &[world.secrets.card_pin, world.secrets.card_pin, CANCEL]);
    let paused = world.by(&world.user, &["renew", "--certificate", &old]);
    assert_eq!(paused.status, 3, "{paused:?}");
    assert_eq!(world.issue(), "002 unconfirmed");
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    let _ = world.by(&world.user, &["login"]).ok();
    let done = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert!(done.out.contains("Installation of the electronic certificate is complete."), "{done:?}");
    assert_eq!(world.issue(), "002 valid");
    assert_eq!(world.user.count("one-time password"), passwords, "none is asked for");
    assert_ne!(key(&world), old);
    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert_eq!((login["renewal_due"].as_bool(), login["cooling_off_until"].as_i64()), (Some(false), None), "{login}");
    let again = world.by(&world.user, &["renew", "--certificate", &old]);
    assert_ne!(again.status, 0, "the old one renews nothing more: {again:?}");
    let whole = world.authority.operator(&world.scratch, "", &["verify-audit"]).unwrap();
    assert!(whole.contains("chain whole"), "{whole}");
}

/// Issue and status of the newest certificate, as the first of several authorities has them.
fn at_the_bank(world: &World) -> String {
    let shown = world.by(&world.administrator, &["--json", "admin", "--profile", "bank", "show", USER]).ok().json();
    let certificate = &shown["certificate"];
    format!("{} {}", certificate["issue_no"].as_str().unwrap(), certificate["status"].as_str().unwrap())
}

/// A second authority is configured, and the caller names it: the key says nothing to it.
#[test]
fn an_authority_that_has_not_issued_the_certificate_hears_nothing_of_its_key() {
    let elsewhere = Scratch::new();
    let other = Authority::start(&elsewhere);
    let world = World::with(SECRETS, Config::new());
    world.reissue();
    let _ = world.enrol().ok();
    let mut config = std::fs::read_to_string(&world.daemon.config).unwrap();
    let Authority { origin, fingerprint, .. } = &other;
    config += &format!("\n[[authority]]\nname = \"other\"\nurl = \"{origin}\"\nroots = [\"{fingerprint}\"]\n");
    std::fs::write(&world.daemon.config, config).unwrap();
    let mut world = world;
    assert!(world.daemon.running.end().success());
    world.start_daemon(&[]);

    ends_in(&world, 10);
    let key = key(&world);
    let (before, enrolments) = (world.user.windows().len(), world.enrolments());
    let named = ["--certificate", &key];
    for (command, certificate) in [
        (&["suspend"][..], &named[..]),
        (&["suspend"], &[]),
        (&["revoke", "--reason", "compromised"], &named),
        (&["renew"], &named),
        (&["renew"], &[]),
    ] {
        let refused = world.by(&world.user, &[command, &["--profile", "other"], certificate].concat());
        assert_eq!(refused.status, 6, "{refused:?}");
        assert!(
            refused.err.contains("\"other\" has not issued this certificate, so nothing was signed"),
            "{refused:?}"
        );
    }
    let japanese = world.by(&world.user, &["--lang", "ja", "suspend", "--profile", "other", "--certificate", &key]);
    assert!(japanese.err.contains("署名は行われていません"), "{japanese:?}");
    assert_eq!(world.user.windows().len(), before, "nobody was asked for a PIN, or for anything");
    assert_eq!(world.enrolments(), enrolments, "no renewal was begun");
    assert_eq!(at_the_bank(&world), "001 valid");
    let audit = std::fs::read_to_string(world.daemon.state.join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("IssuerMismatch").count(), 6, "{audit}");

    // The one that has issued it is told, although the other one is down.
    drop(other);
    let down = world.by(&world.user, &["suspend", "--profile", "other", "--certificate", &key]);
    assert_eq!(down.status, 7, "{down:?}");
    let _ = world.by(&world.user, &["suspend", "--profile", "bank", "--certificate", &key]).ok();
    assert_eq!(at_the_bank(&world), "001 suspended");
}

#[test]
fn the_user_stops_and_somebody_else_lets_go_on() {
    let world = world();
    let key = key(&world);
    let suspended = world.by(&world.user, &["suspend", "--certificate", &key]).ok();
    assert!(suspended.out.contains("suspended"), "{suspended:?}");
    assert_eq!(world.issue(), "001 suspended");
    let refused = world.by(&world.user, &["login"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(refused.said().contains("suspended"), "{refused:?}");
    // Asked again it is what was wanted.
    let _ = world.by(&world.user, &["suspend", "--certificate", &key]).ok();
    let _ = world.by(&world.administrator, &["admin", "reinstate", USER]).ok();
    let _ = world.by(&world.user, &["login"]).ok();

    // The card is lost: the user PIN alone.
    let without = ["suspend", "--without-card", "--contract-id", CONTRACT, "--user-id", USER, "--reason", "stolen"];
    world.user.answers(Window::UserPin, &["wrong111"]);
    let wrong = world.by(&world.user, &without);
    assert_ne!(wrong.status, 0, "{wrong:?}");
    assert_eq!(world.issue(), "001 valid");
    world.user.answers(Window::UserPin, &[world.secrets.user_pin]);
    let _ = world.by(&world.user, &without).ok();
    let shown = world.shown();
    assert_eq!(shown["suspension"]["reason"], "stolen", "{shown}");
    let _ = world.by(&world.administrator, &["admin", "reinstate", USER]).ok();

    // What the administrator stopped the same one does not lift; the bank does.
    let _ = world.by(&world.administrator, &["admin", "suspend", USER, "--reason", "suspicion"]).ok();
    let own = world.by(&world.administrator, &["admin", "reinstate", USER]);
    assert_ne!(own.status, 0, "{own:?}");
    let form = ["--contract-id", CONTRACT, "--user-id", USER, "--form-reference", "F-9"];
    world.authority.operator(&world.scratch, "", &[&["certificate", "reinstate"], &form[..]].concat()).unwrap();
    assert_eq!(world.issue(), "001 valid");

    world.user.answers(Window::Consent, &[CANCEL]);
    let denied = world.by(&world.user, &["revoke", "--certificate", &key, "--reason", "compromised"]);
    assert_eq!(denied.status, 3, "{denied:?}");
    assert_eq!(world.issue(), "001 valid");
    world.user.answers(Window::Consent, &["yes"]);
    let _ = world.by(&world.user, &["revoke", "--certificate", &key, "--reason", "compromised"]).ok();
    assert_eq!(world.issue(), "001 revoked");
}
