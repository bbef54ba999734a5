//! A hardware key whose PIN is still the one that it was made with: its holder sets another before a key is made on it
//! (D-412). Yubico's own tool says how the card stands.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use tests::daemon::Config;
use tests::pcsc::Pcsc;
use tests::person::{CANCEL, Window};
use tests::running::wait_for;
use tests::scratch::{Scratch, any_output, output};
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

const FACTORY: &str = "123456";
const NEW: &str = "84602951";
const TOKEN: &str = "piv:5020304";

fn world(pcsc: &Pcsc<'_>) -> World {
    let world = World::with(SECRETS, Config::new().cards(pcsc.socket()));
    wait_for("the YubiKey", || world.by(&world.user, &["tokens"]).ok().out.contains(TOKEN).then_some(()));
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    world
}

fn enrol(world: &World, more: &[&str]) -> Done {
    let enrol = ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", TOKEN];
    world.by(&world.user, &[more, &enrol].concat())
}

/// What `ykman piv info` warns of.
fn is_default(pcsc: &Pcsc<'_>) -> bool {
    let done = any_output(pcsc.command("ykman").args(["piv", "info"]));
    assert!(done.status.success(), "{done:?}");
    tests::scratch::text(&[done.stdout, done.stderr].concat()).contains("Using default PIN")
}

fn has_key(pcsc: &Pcsc<'_>) -> bool {
    any_output(pcsc.command("ykman").args(["piv", "keys", "attest", "82", "-"])).status.success()
}

#[test]
fn the_pin_is_changed_before_a_key_is_made() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=5020304");
    let world = world(&pcsc);
    assert!(is_default(&pcsc) && !has_key(&pcsc));

    // Refused, and proposed as it must not be: no key, and the PIN as it was.
    world.user.answers(Window::CardPin, &[FACTORY]).answers(Window::NewCardPin, &[CANCEL]);
    let paused = enrol(&world, &[]);
    assert_eq!(paused.status, 3, "{paused:?}");
    let shown = world.enrolments();
    let shown = shown.as_array().unwrap().iter().find(|e| e["state"] != "Done").unwrap().clone();
    assert_eq!((shown["state"].as_str(), shown["paused"].as_bool()), (Some("Keygen"), Some(true)), "{shown}");
    assert!(shown.to_string().contains("FactoryPin"), "{shown}");
    let windows = world.user.windows();
    let asked = windows.iter().find(|window| window.starts_with("Jitsuin: new card PIN")).unwrap();
    assert!(asked.contains("Choose a new PIN"), "{asked}");
    world.user.answers(Window::NewCardPin, &[FACTORY, "111111", "654321"]);
    let again = world.by(&world.user, &["enrolments", "resume"]);
    assert_eq!(again.status, 3, "{again:?}");
    assert_eq!(world.user.count("new card PIN"), 4, "once, and three tries");
    assert!(is_default(&pcsc) && !has_key(&pcsc));

    // Set, it goes on with it; the factory's is worth nothing any more.
    world.user.answers(Window::NewCardPin, &[NEW]).answers(Window::CardPin, &[FACTORY, NEW]);
    pcsc.tell("forget key");
    let done = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert!(done.out.contains("Installation of the electronic certificate is complete."), "{done:?}");
    assert_eq!(world.issue(), "001 valid");
    assert!(!is_default(&pcsc) && has_key(&pcsc));
    let log = pcsc.log("key");
    let first = |header: &str| log.iter().position(|line| line.starts_with(header));
    assert!(first("00240080").unwrap() < first("00470082").unwrap(), "changed before the key: {log:?}");
    // The factory's and the new one to make the key, the new one to install.
    assert_eq!(pcsc.counts("key").verifies, 3, "{log:?}");
    let _ = world.by(&world.user, &["login"]).ok();
    let old = any_output(pcsc.command("ykman").args(["piv", "access", "change-pin", "-P", FACTORY, "-n", "246802"]));
    assert!(!old.status.success(), "{old:?}");
    let audit = std::fs::read_to_string(world.daemon.state.join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("enrolment change-pin").count(), 1, "{audit}");

    // Once is enough.
    let asked = world.user.count("new card PIN");
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]).answers(Window::CardPin, &[NEW]);
    let _ = enrol(&world, &[]).ok();
    assert_eq!(world.user.count("new card PIN"), asked);
}

/// What another program did to the card beforehand counts as well.
#[test]
fn a_pin_that_was_changed_elsewhere_is_left_alone() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=5020304");
    let world = world(&pcsc);
    output(pcsc.command("ykman").args(["piv", "access", "change-pin", "-P", FACTORY, "-n", NEW]));
    assert!(!is_default(&pcsc));
    world.user.answers(Window::CardPin, &[NEW]);
    let _ = enrol(&world, &[]).ok();
    assert_eq!(world.user.count("new card PIN"), 0);
}
