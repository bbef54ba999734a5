//! Where the key was made (D-501 to D-503): the card's word goes the whole way, from the reader to the authority's
//! record, and what proves nothing gets no certificate.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tests::daemon::Config;
use tests::pcsc::{CARD_READER, Pcsc, YUBIKEY_READER};
use tests::person::{CANCEL, Person, Window};
use tests::running::{built, wait_for};
use tests::scratch::{Scratch, any_output, output};
use tests::world::{CONTRACT, Done, SECRETS, USER, World};
use virtual_card::tlv;

const PIN: &str = "123456";
const SERIAL: &str = "5020304";
const TOKEN: &str = "piv:5020304";

/// E-DEVICE as people read it.
const NOT_REGISTERED: &str = "This hardware key is not registered for you. Use the one the administrator named.";
const NOT_REGISTERED_JA: &str = "このハードウェアキーは登録されていません。管理者が指定したものをご利用ください。";

/// A reader with a YubiKey in it, and another one.
fn readers<'a>(scratch: &'a Scratch, model: &str) -> Pcsc<'a> {
    let pcsc = Pcsc::start(scratch, &[("usb", YUBIKEY_READER), ("desk", CARD_READER)], &[("key", model)]);
    pcsc.insert("key", "usb");
    pcsc
}

fn yubikey(scratch: &Scratch) -> Pcsc<'_> {
    readers(scratch, "yubikey:serial=5020304")
}

/// The bank, a workstation with these readers, and a user whose card is the YubiKey.
fn world(pcsc: &Pcsc<'_>) -> World {
    let world = World::with(SECRETS, Config::new().cards(pcsc.socket()));
    world.user.answers(Window::CardPin, &[PIN]);
    wait_for("the YubiKey", || token(&world).map(drop));
    world
}

/// The same, with an authority that wants proof from the makers of the virtual cards, and what else it is told.
fn strict_world(pcsc: &Pcsc<'_>, more: &str) -> World {
    let mut world = world(pcsc);
    let root = output(world.scratch.command(built("virtual-card")).arg("--root"));
    fs::write(world.authority.folder.join("makers.pem"), root).unwrap();
    world.authority.set(&world.scratch, &format!("[device]\nroots = [\"makers.pem\"]\nrequired = true\n{more}"));
    world
}

fn token(world: &World) -> Option<Value> {
    let listed = world.by(&world.user, &["--json", "tokens"]).ok().json();
    listed.as_array().unwrap().iter().find(|token| token["id"] == TOKEN).cloned()
}

fn enrol_on(world: &World, token: &str) -> Done {
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    world.by(&world.user, &["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", token])
}

fn enrol(world: &World) -> Done {
    enrol_on(world, TOKEN)
}

/// The authority's record of events: outcome and reason of the last one of this kind.
fn recorded(world: &World, action: &str) -> String {
    let database = world.authority.folder.join("authority.db");
    let query = format!(
        "SELECT subject || '|' || outcome || '|' || reason FROM events WHERE action = '{action}' ORDER BY seq DESC LIMIT 1"
    );
    output(world.scratch.command("sqlite3").arg("-readonly").arg(database).arg(query)).trim().to_owned()
}

/// Whether Yubico's tool finds a key in a slot that was made there.
fn slot(pcsc: &Pcsc<'_>, slot: &str) -> bool {
    any_output(pcsc.command("ykman").args(["piv", "keys", "attest", slot, "-"])).status.success()
}

/// Refused at the last page: said so in both languages' catalogue, nothing issued, and the key is cleared away when the
/// holder gives it up.
fn is_refused_and_cleared(world: &World, pcsc: &Pcsc<'_>, done: &Done, reason: &str) {
    assert_eq!(done.status, 5, "{done:?}");
    assert!(done.err.contains(NOT_REGISTERED), "{done:?}");
    assert!(recorded(world, "acquisition.accept").contains(reason), "{}", recorded(world, "acquisition.accept"));
    assert!(world.issue().ends_with(" awaiting"), "{}", world.issue());
    let enrolments = world.enrolments();
    let failed = enrolments.as_array().unwrap().iter().find(|e| e["state"] == "Failed").expect("a failed one");
    assert_eq!(failed["abandonable"].as_bool(), Some(true), "{failed}");
    let id = failed["id"].as_str().unwrap();
    assert!(done.err.contains(&format!("jitsuin enrolments abandon {id}")), "{done:?}");
    let listed = world.by(&world.user, &["--lang", "ja", "enrolments"]).ok();
    assert!(listed.out.contains(NOT_REGISTERED_JA), "{listed:?}");
    assert!(slot(pcsc, "82"), "the key waits for its holder's word");
    let _ = world.by(&world.user, &["enrolments", "abandon", id]).ok();
    wait_for("nothing left", || {
        let now = world.enrolments();
        let now = now.as_array()?.iter().find(|e| e["id"] == id)?["state"].as_str()?.to_owned();
        (now == "Abandoned").then_some(())
    });
    assert!(!slot(pcsc, "82"), "the key is deleted");
}

#[test]
fn the_cards_word_goes_the_whole_way() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "minimum-firmware = \"5.7.1\"\npin-policy = \"once\"\n");
    world.reissue_with(&["--device", SERIAL]);
    let named = world.shown()["certificate"]["device"].clone();
    assert_eq!((named["serial"].as_str(), named["attested"].as_bool()), (Some(SERIAL), Some(false)), "{named}");

    let said = enrol(&world).ok();
    assert!(said.out.contains("Installation of the electronic certificate is complete."), "{said:?}");
    assert_eq!(world.issue(), "001 valid");
    let device = world.shown()["certificate"]["device"].clone();
    for (key, value) in [("serial", SERIAL), ("firmware", "5.7.1"), ("pin_policy", "once"), ("touch_policy", "never")] {
        assert_eq!(device[key].as_str(), Some(value), "{device}");
    }
    assert_eq!(device["attested"], true);
    assert_eq!(recorded(&world, "device.attest"), format!("{SERIAL}|done|firmware 5.7.1, PIN once, touch never"));
    let shown = world.by(&world.administrator, &["admin", "show", USER]).ok();
    assert!(shown.out.contains("has proven that the key was made in it"), "{shown:?}");
    let _ = world.by(&world.user, &["login"]).ok();

    // The proof that is kept is the one that Yubico's tool gets from the card.
    let kept = "SELECT lower(hex(device_evidence)) FROM certificates WHERE device_evidence IS NOT NULL";
    let database = world.authority.folder.join("authority.db");
    let kept = output(world.scratch.command("sqlite3").arg("-readonly").arg(database).arg(kept));
    let attested = pcsc.command("ykman").args(["piv", "keys", "attest", "-F", "DER", "82", "-"]).output().unwrap();
    let key = token::CertificateFacts::from_der(&attested.stdout).unwrap().public_key;
    assert!(kept.contains(&hex::encode(key.as_der())), "the proof is about the key in slot 82");
}

#[test]
fn an_authority_that_believes_nobody_or_others_refuses() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let mut world = world(&pcsc);
    // No root: nothing can be proven, so nobody acquires what is for a named device.
    world.reissue_with(&["--device", SERIAL]);
    is_refused_and_cleared(&world, &pcsc, &enrol(&world), "no proof");

    // Another maker's.
    let folder = &world.authority.folder;
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"];
    let name = ["-subj", "/CN=Jitsuin Test PIV Root CA", "-keyout", "/dev/null", "-out"];
    output(world.scratch.command("openssl").args(request).args(name).arg(folder.join("other.pem")));
    world.authority.set(&world.scratch, "[device]\nroots = [\"other.pem\"]\nrequired = true\n");
    world.reissue();
    is_refused_and_cleared(&world, &pcsc, &enrol(&world), "no configured manufacturer vouches");
}

#[test]
fn firmware_too_old_is_refused() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "minimum-firmware = \"5.7.4\"\n");
    world.reissue();
    is_refused_and_cleared(&world, &pcsc, &enrol(&world), &format!("firmware too old on device {SERIAL}"));
}

#[test]
fn another_card_than_the_named_one_is_refused_and_the_named_one_still_acquires() {
    let scratch = Scratch::new();
    let cards = [("key", "yubikey:serial=5020304"), ("other", "yubikey:serial=87654321")];
    let pcsc = Pcsc::start(&scratch, &[("usb", YUBIKEY_READER), ("desk", CARD_READER)], &cards);
    pcsc.insert("key", "usb");
    let world = strict_world(&pcsc, "");
    world.reissue_with(&["--device", "87654321"]);
    // It is known from the first page: no key is made, and no password spent.
    let done = enrol(&world);
    assert_eq!(done.status, 5, "{done:?}");
    assert!(done.err.contains(NOT_REGISTERED) && !done.err.contains("abandon"), "{done:?}");
    let listed = world.by(&world.user, &["--lang", "ja", "enrolments"]).ok();
    assert!(listed.out.contains(NOT_REGISTERED_JA), "{listed:?}");
    assert!(!slot(&pcsc, "82") && world.user.count("one-time password") == 0);
    assert!(world.issue().ends_with(" awaiting"), "{}", world.issue());

    pcsc.insert("other", "desk");
    wait_for("the named card", || {
        let listed = world.by(&world.user, &["--json", "tokens"]).ok().json();
        listed.as_array().unwrap().iter().any(|token| token["id"] == "piv:87654321").then_some(())
    });
    let _ = enrol_on(&world, "piv:87654321").ok();
    assert_eq!(world.issue(), "001 valid");
}

/// Somebody puts a key of their own into the slot that the enrolment has chosen, with the enrolment's mark on it. The
/// card does not vouch for it, and nobody asks a certificate for it.
#[test]
fn an_imported_key_is_never_certified() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "");
    world.reissue();
    world.user.answers(Window::CardPin, &[CANCEL]);
    let paused = enrol(&world);
    assert_eq!(paused.status, 3, "{paused:?}");
    let enrolments = world.enrolments();
    // The administrator's is done; both may have begun in one second.
    let paused = enrolments.as_array().unwrap().iter().find(|e| e["state"] != "Done").unwrap();
    assert_eq!(paused["state"].as_str(), Some("Keygen"), "{paused}");
    let id = paused["id"].as_str().unwrap();

    let admin = "010203040506070801020304050607080102030405060708";
    let curve = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"];
    output(world.scratch.command("openssl").args(curve));
    let key = world.scratch.path().join("key.pem");
    output(pcsc.command("ykman").args(["piv", "keys", "import", "-m", admin, "82"]).arg(key));
    let mark = [tlv::make(0x80, &[0x82]), tlv::make(0x81, format!("jitsuin {id}").as_bytes())].concat();
    let marks = world.scratch.path().join("marks");
    fs::write(&marks, tlv::make(0xA0, &mark)).unwrap();
    output(pcsc.command("ykman").args(["piv", "objects", "import", "-m", admin, "0x5f4a53"]).arg(marks));
    assert!(!slot(&pcsc, "82"), "the card does not vouch for it");

    world.user.answers(Window::CardPin, &[PIN]);
    let _ = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert_eq!(world.issue(), "001 valid");
    let certificates = world.by(&world.user, &["--json", "certificates"]).ok().json();
    let ours: Vec<_> = certificates.as_array().unwrap().iter().filter(|c| c["token-id"] == TOKEN).collect();
    let [only] = ours[..] else { panic!("{certificates}") };
    assert!(only["key-id"].as_str().unwrap().ends_with("83"), "in the next slot: {only}");
}

/// A token that cannot prove anything is told so before a key is made on it.
#[test]
fn a_token_without_proof_is_told_at_once() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "");
    world.reissue();
    world.user.answers(Window::CardPin, &[SECRETS.card_pin]);
    let done = world.enrol();
    assert_ne!(done.status, 0, "{done:?}");
    assert!(done.err.contains("this token cannot give it"), "{done:?}");
    assert!(!done.err.contains("abandon"), "nothing is left: {done:?}");
    assert_eq!(world.hsm.objects_of_kind(&world.card, "Private Key Object"), Vec::<String>::new());
    assert_eq!(world.user.count("one-time password"), 0);
    assert!(world.issue().ends_with(" awaiting"), "{}", world.issue());
}

/// The user is told the new key's fingerprint and reads it out; the administrator confirms it; then it goes on.
#[test]
fn a_token_without_proof_waits_for_the_administrators_word() {
    let mut world = World::new();
    world.authority.set(&world.scratch, "[device]\nconfirm-key = true\n");
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    let arguments = world.enrol_arguments();
    let mut enrol = world.command(&world.user, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let enrol = std::thread::spawn(move || Done::from(any_output(&mut enrol)));

    // What the window says is all that the user knows.
    let spoken = wait_for("the fingerprint", || {
        let windows = world.user.windows();
        let told = windows.iter().find(|window| window.contains("Read its fingerprint out"))?;
        told.split_whitespace().last().map(str::to_owned)
    });
    let shown = world.shown();
    assert_eq!(shown["certificate"]["key_waits"], true, "{shown}");
    assert!(!shown.to_string().contains(&spoken), "the administrator hears it from the user");
    assert!(world.issue().ends_with(" awaiting"), "{}", world.issue());
    let screen = world.by(&world.administrator, &["admin", "show", USER]).ok();
    assert!(screen.out.contains(&format!("jitsuin admin confirm-key {USER}")), "{screen:?}");

    let confirm = |fingerprint: &str| world.by(&world.administrator, &["admin", "confirm-key", USER, fingerprint]);
    let refused = confirm("01234-56789-abcde-f0123");
    assert_eq!(refused.status, 5, "{refused:?}");
    assert!(refused.err.contains("not the fingerprint of the key that waits"), "{refused:?}");
    world.administrator.answers(Window::ConfirmationPin, &["matigai1"]);
    assert_eq!(confirm(&spoken).status, 5, "no word without the confirmation PIN");
    world.administrator.answers(Window::ConfirmationPin, &[SECRETS.confirm_pin]);
    let _ = confirm(&spoken).ok();

    let done = enrol.join().unwrap().ok();
    assert!(done.out.contains("Installation of the electronic certificate is complete."), "{done:?}");
    assert_eq!(world.issue(), "001 valid");
    assert_eq!(recorded(&world, "certificate.confirm-key").split('|').nth(1), Some("done"));
    let _ = world.by(&world.user, &["login"]).ok();
}

/// How often a window has said that the card is to be touched.
fn touches(user: &Person) -> usize {
    user.windows().iter().filter(|window| window.contains("Touch the hardware key now")).count()
}

/// The authority says how new keys are guarded; the card makes them so, the holder is told to touch it, and the card's
/// word is the proof.
#[test]
fn a_touch_is_wanted_asked_for_and_proven() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "pin-policy = \"once\"\ntouch-policy = \"always\"\n");
    world.reissue();
    pcsc.tell("touch key off");
    // A person who touches the card whenever a window says so, and not before; until the test lets them go.
    let (remote, user, enough) = (pcsc.remote(), world.user.clone(), Arc::new(AtomicBool::new(false)));
    let let_go = enough.clone();
    let finger = std::thread::spawn(move || {
        let mut touched = 0;
        while !let_go.load(Ordering::Relaxed) {
            if remote.ask("await touch key").is_ok() {
                wait_for("a window", || (touches(&user) > touched || let_go.load(Ordering::Relaxed)).then_some(()));
                touched += 1;
                let _ = remote.ask("touch key press");
            }
        }
    });
    let said = enrol(&world).ok();
    assert!(said.out.contains("Installation of the electronic certificate is complete."), "{said:?}");
    assert_eq!(touches(&world.user), 3, "request, proof and confirmation: {:?}", world.user.windows());
    assert_eq!(recorded(&world, "device.attest"), format!("{SERIAL}|done|firmware 5.7.1, PIN once, touch always"));
    assert_eq!(world.shown()["certificate"]["device"]["touch_policy"].as_str(), Some("always"));
    let _ = world.by(&world.user, &["login"]).ok();
    assert_eq!(touches(&world.user), 4, "at a login as well");
    enough.store(true, Ordering::Relaxed);
    finger.join().unwrap();

    // Nobody touches it: it says so, and no key is used.
    pcsc.tell("patience key 100");
    let refused = world.by(&world.user, &["login"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.err.contains("not touched in time"), "{refused:?}");
}

#[test]
fn a_pin_at_each_use_is_made_and_proven() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let world = strict_world(&pcsc, "pin-policy = \"always\"\n");
    world.reissue();
    let _ = enrol(&world).ok();
    assert_eq!(world.shown()["certificate"]["device"]["pin_policy"].as_str(), Some("always"));
    let _ = world.by(&world.user, &["login"]).ok();
}

/// A token that knows no touch is told before a key is made on it.
#[test]
fn a_token_that_cannot_guard_its_keys_so_is_told_at_once() {
    let mut world = World::new();
    world.authority.set(&world.scratch, "[device]\ntouch-policy = \"cached\"\n");
    world.reissue();
    let done = world.enrol();
    assert_ne!(done.status, 0, "{done:?}");
    assert!(done.err.contains("this token does not know"), "{done:?}");
    assert_eq!(world.hsm.objects_of_kind(&world.card, "Private Key Object"), Vec::<String>::new());
    assert_eq!(world.user.count("one-time password"), 0);
}

/// An Ed25519 key is made, proven and certified where the authority allows it; a login is not signed with it.
#[test]
fn ed25519_is_enrolled_where_it_is_allowed_and_signs_no_login() {
    let scratch = Scratch::new();
    let pcsc = yubikey(&scratch);
    let mut world = strict_world(&pcsc, "");
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    let enrol = ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", TOKEN, "--algorithm", "ed25519"];
    let refused = world.by(&world.user, &enrol);
    assert!(refused.err.contains("no kind of key in common"), "{refused:?}");
    world.authority.set(&world.scratch, "[acquisition]\nalgorithms = [\"p256\", \"ed25519\"]\n");
    let _ = world.by(&world.user, &enrol).ok();
    assert_eq!(world.issue(), "001 valid");
    let attested = pcsc.command("ykman").args(["piv", "keys", "attest", "-F", "DER", "82", "-"]).output().unwrap();
    let key = token::CertificateFacts::from_der(&attested.stdout).unwrap().public_key;
    assert_eq!(key.algorithm(), token::KeyAlgorithm::Ed25519);
    let certificates = world.by(&world.user, &["--json", "certificates"]).ok().json();
    let ours: Vec<_> = certificates.as_array().unwrap().iter().filter(|c| c["token-id"] == TOKEN).collect();
    assert_eq!(
        (ours[0]["usable"].as_bool(), ours[0]["why-not"].as_str()),
        (Some(false), Some("usage")),
        "{certificates}"
    );
    let refused = world.by(&world.user, &["login"]);
    assert_eq!(refused.status, 6, "{refused:?}");
}
