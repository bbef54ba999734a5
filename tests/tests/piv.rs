//! Cards in readers, as a person uses them: a YubiKey and a plain PIV card under the real pcscd.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::ffi::CString;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};
use serde_json::Value;
use tests::daemon::Config;
use tests::judge;
use tests::pcsc::{CARD_READER, Pcsc, YUBIKEY_READER};
use tests::person::Window;
use tests::running::wait_for;
use tests::scratch::{Scratch, output};
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

const PIN: &str = "123456";
const TOKEN: &str = "piv:5020304";

/// Two readers: in one a YubiKey, in the other nothing yet.
fn readers(scratch: &Scratch) -> Pcsc<'_> {
    let cards = [("key", "yubikey:serial=5020304"), ("other", "yubikey:serial=2"), ("card", "piv:serial=7")];
    let pcsc = Pcsc::start(scratch, &[("usb", YUBIKEY_READER), ("desk", CARD_READER)], &cards);
    pcsc.insert("key", "usb");
    pcsc
}

/// The bank, a workstation with these readers, and a user whose card is the YubiKey.
fn world(pcsc: &Pcsc<'_>) -> World {
    let world = World::with(SECRETS, Config::new().cards(pcsc.socket()));
    world.user.answers(Window::CardPin, &[PIN]);
    wait_for("the YubiKey", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
    world
}

fn list(world: &World) -> Vec<Value> {
    world.by(&world.user, &["--json", "tokens"]).ok().json().as_array().unwrap().clone()
}

fn tokens(world: &World) -> Vec<String> {
    list(world).iter().map(|t| t["id"].as_str().unwrap_or_default().to_owned()).collect()
}

fn enrol(world: &World) -> Done {
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    world.by(&world.user, &["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", TOKEN])
}

/// A challenge is answered once, so each has its number.
fn challenge(number: u8) -> String {
    BASE64_STANDARD.encode([number; 32])
}

fn sign(world: &World, number: u8) -> Done {
    world.by(&world.user, &["login", "--token-only", &world.authority.origin, &challenge(number)])
}

#[test]
fn reissue_acquire_and_log_in_with_a_yubikey() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let said = enrol(&world).ok();
    assert!(said.out.contains("Installation of the electronic certificate is complete."), "{said:?}");
    assert_eq!(world.issue(), "001 valid");
    // Yubico's own tool finds key and certificate, and that the key was born there.
    let certificate = output(pcsc.command("ykman").args(["piv", "certificates", "export", "82", "-"]));
    assert!(certificate.contains("BEGIN CERTIFICATE"), "{certificate}");
    output(pcsc.command("ykman").args(["piv", "keys", "attest", "82", "-"]));

    let verifies = pcsc.counts("key").verifies;
    let token = sign(&world, 1).ok().json();
    assert_eq!(pcsc.counts("key").verifies, verifies + 1, "one entry is one VERIFY");
    let subject = judge::login_token(&world.scratch, &token, &world.authority.origin, &challenge(1)).unwrap();
    assert_eq!(subject, format!("CN={}", World::users_name()));
    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert_eq!(login["user_id"].as_str(), Some(USER));
    assert_eq!(pcsc.counts("key").resets, 0, "nobody's session was reset");

    // The next one goes to another slot; the old one goes when its grace is over.
    let said = enrol(&world).ok();
    assert!(said.out.contains("complete"), "{said:?}");
    assert_eq!(world.issue(), "002 valid");
    let _ = sign(&world, 2).ok();
}

#[test]
fn both_kinds_of_card_are_listed_come_and_go() {
    let scratch = Scratch::new();
    let mut pcsc = readers(&scratch);
    let mut world = world(&pcsc);
    let plain = format!("piv:{}", hex::encode(b"jitsuin card\0\0\0\x07"));
    pcsc.insert("card", "desk");
    wait_for("the plain card", || tokens(&world).contains(&plain).then_some(()));
    let key = list(&world).into_iter().find(|t| t["id"] == TOKEN).unwrap();
    assert_eq!(key["reader"].as_str(), Some(pcsc.reader("usb")), "{key}");

    // A quick swap is another token, and the other one is gone.
    pcsc.tell("swap other usb");
    wait_for("the other key", || {
        let now = tokens(&world);
        (now.contains(&"piv:2".to_owned()) && !now.contains(&TOKEN.to_owned())).then_some(())
    });
    pcsc.pull("usb");
    wait_for("an empty reader", || (!tokens(&world).contains(&"piv:2".to_owned())).then_some(()));
    pcsc.insert("key", "usb");
    wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));

    pcsc.kill_pcscd();
    wait_for("no cards", || tokens(&world).iter().all(|t| t.starts_with("pkcs11:")).then_some(()));
    pcsc.start_pcscd_again();
    pcsc.insert("card", "usb");
    wait_for("the card after pcscd", || tokens(&world).contains(&plain).then_some(()));
    for card in ["key", "other", "card"] {
        let counts = pcsc.counts(card);
        assert_eq!((counts.verifies, counts.resets), (0, 0), "{card}");
    }
    assert!(world.daemon.running.end().success());
}

#[test]
fn a_wrong_pin_is_one_try_and_the_pin_is_changed() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    let before = pcsc.counts("key").verifies;
    world.user.answers(Window::CardPin, &["999999", tests::person::CANCEL]);
    let refused = sign(&world, 1);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert_eq!(pcsc.counts("key").verifies, before + 1);
    let shown = list(&world).into_iter().find(|t| t["id"] == TOKEN).unwrap();
    assert_eq!(shown["pin-retries"].as_u64(), Some(2), "{shown}");

    world.user.answers(Window::CardPin, &[PIN]).answers(Window::NewCardPin, &["24680246"]);
    let _ = world.by(&world.user, &["pin", "change", "--token", TOKEN]).ok();
    world.user.answers(Window::CardPin, &["24680246"]);
    let _ = sign(&world, 2).ok();
}

/// With the length of what follows the header.
const OTP_TOKEN: [&str; 3] = ["00A40400+10=", "001D0000+1=", "00A40400+9="];

#[test]
fn a_login_takes_five_commands_and_a_reading_one_a_slot() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    pcsc.tell("forget key");
    let _ = sign(&world, 1).ok();
    // The caller does not wait for the card to be logged out.
    let log = wait_for("the card to be logged out", || {
        let log = pcsc.log("key");
        log.last().is_some_and(|last| last.starts_with("0020FF80")).then_some(log)
    });
    let sent: Vec<&str> = log.iter().map(|logged| logged.split('=').next().unwrap()).collect();
    // SELECT, GET SERIAL, the tries, VERIFY, GENERAL AUTHENTICATE; and out (docs/decisions/0013).
    let [select, "00F80000+1", "00200080+0", "00200080+9", sign, "0020FF80+0"] = sent[..] else { panic!("{log:?}") };
    assert!(select.starts_with("00A40400+") && sign.starts_with("00871182+"), "{log:?}");

    pcsc.pull("usb");
    pcsc.tell("forget key");
    pcsc.insert("key", "usb");
    wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
    // What the watch over OTP tokens asks stands beside: SELECT Management, READ CONFIG, SELECT OATH.
    let is_beside = |logged: &String| OTP_TOKEN.iter().any(|command| logged.starts_with(command));
    let log: Vec<String> = pcsc.log("key").into_iter().filter(|logged| !is_beside(logged)).collect();
    let count = |header: &str| log.iter().filter(|logged| logged.starts_with(header)).count();
    // SELECT, version, serial; metadata of PIN, management key and 24 slots; the certificates of four slots, of our key,
    // and of the first spare slot; our marks.
    assert_eq!(
        [count("00A4"), count("00FD"), count("00F8"), count("00F7"), count("00CB")],
        [1, 1, 1, 26, 7],
        "{log:?}"
    );
    assert_eq!(log.len(), 36, "{log:?}");
}

#[test]
fn a_try_that_another_program_made_the_last_one_is_held() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    pcsc.adopt();
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    let context = Context::establish(Scope::User).unwrap();
    let reader = CString::new(pcsc.reader("usb")).unwrap();
    let card = context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap();
    let mut room = [0; 258];
    card.transmit(b"\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08", &mut room).unwrap();
    for left in [2, 1] {
        let wrong = card.transmit(b"\x00\x20\x00\x80\x08999999\xff\xff", &mut room).unwrap();
        assert_eq!(wrong, [0x63, 0xC0 + left]);
    }
    let _ = card.disconnect(Disposition::LeaveCard);
    let before = pcsc.counts("key").verifies;
    // The login is allowed, but its PIN was typed before it was known that it is the last try.
    world.user.answers(Window::Consent, &["yes", tests::person::REFUSE]);
    let refused = sign(&world, 1);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(refused.err.contains("Only one try is left"), "{refused:?}");
    assert_eq!(pcsc.counts("key").verifies, before, "it is held");
    world.user.answers(Window::Consent, &["yes"]);
    let _ = sign(&world, 2).ok();
    assert_eq!(pcsc.counts("key").verifies, before + 1);
}

#[test]
fn a_card_pulled_while_it_signs_is_a_typed_error_and_comes_back() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    for (number, fault, verifies) in [(1, "on 87 pull", 1), (2, "on 20 pull", 1), (3, "on A4 pull", 0)] {
        pcsc.tell("forget key");
        pcsc.tell(&format!("fault usb {fault}"));
        let refused = sign(&world, number);
        assert_ne!(refused.status, 0, "{fault}: {refused:?}");
        assert!(pcsc.counts("key").verifies <= verifies, "{fault}");
        pcsc.tell("clear usb");
        pcsc.pull("usb");
        pcsc.insert("key", "usb");
        wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
        let _ = sign(&world, number + 10).ok();
    }
}

#[test]
fn a_neighbour_that_wants_the_card_for_itself_gets_it_and_gives_it_back() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    pcsc.adopt();
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    let context = Context::establish(Scope::User).unwrap();
    let reader = CString::new(pcsc.reader("usb")).unwrap();
    // An idle daemon holds nothing.
    let alone = context.connect(&reader, ShareMode::Exclusive, Protocols::ANY).unwrap();
    let refused = sign(&world, 1);
    assert_eq!(refused.status, 1, "{refused:?}");
    // Who holds it is this process.
    let us = std::fs::read_to_string("/proc/self/comm").unwrap();
    assert!(refused.err.contains(&format!("Another program uses the token ({}).", us.trim())), "{refused:?}");
    assert!(tokens(&world).contains(&TOKEN.to_owned()), "it is there all the same");

    assert!(alone.disconnect(Disposition::LeaveCard).is_ok());

    // A turn ends with the card logged out and nobody's session reset.
    let shared = context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap();
    pcsc.tell("forget key");
    let _ = sign(&world, 2).ok();
    let mut room = [0; 258];
    shared.transmit(b"\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08", &mut room).unwrap();
    assert_eq!(shared.transmit(b"\x00\x20\x00\x80", &mut room).unwrap(), b"\x63\xc3", "logged out");
    let _ = shared.disconnect(Disposition::LeaveCard);
    assert_eq!(pcsc.counts("key").resets, 0);
}

#[test]
fn a_card_that_comes_while_a_neighbour_holds_the_reader_is_read_when_it_lets_go() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    pcsc.adopt();
    let world = world(&pcsc);
    let context = Context::establish(Scope::User).unwrap();
    let reader = CString::new(pcsc.reader("usb")).unwrap();
    let alone = context.connect(&reader, ShareMode::Exclusive, Protocols::ANY).unwrap();
    pcsc.tell("swap other usb");
    pcsc.tell("await ready usb");
    // Its card is gone; so is its hold.
    let _ = alone.disconnect(Disposition::LeaveCard);
    wait_for("the other key", || tokens(&world).contains(&"piv:2".to_owned()).then_some(()));
    pcsc.tell("swap key usb");
    wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
}

#[test]
fn plugging_a_hundred_times_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let plugs = |count: usize| {
        for _ in 0..count {
            pcsc.pull("usb");
            pcsc.insert("key", "usb");
        }
        wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
    };
    let usage = || {
        let id = world.daemon.running.id();
        ["fd", "task"].map(|what| std::fs::read_dir(format!("/proc/{id}/{what}")).unwrap().count())
    };
    plugs(10);
    let before = usage();
    plugs(100);
    // What was being read when its card was pulled ends in its own time.
    wait_for("descriptors and threads to be as before", || {
        usage().iter().zip(&before).all(|(now, then)| now <= then).then_some(())
    });
    assert_eq!(pcsc.counts("key").verifies, 0);
}

#[test]
fn a_mute_card_is_given_up_at_its_deadline() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = enrol(&world).ok();
    let before = pcsc.counts("key").verifies;
    pcsc.tell("fault usb on A4 mute");
    let begun = Instant::now();
    let refused = sign(&world, 1);
    assert_ne!(refused.status, 0, "{refused:?}");
    // Beginning a turn has 30 s, and the device one more to say so itself.
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}: {refused:?}", begun.elapsed());
    pcsc.pull("usb");
    pcsc.tell("clear usb");
    pcsc.insert("key", "usb");
    wait_for("the key", || tokens(&world).contains(&TOKEN.to_owned()).then_some(()));
    assert_eq!(pcsc.counts("key").verifies, before, "what was given up is not done after all");
    // What was given up may still be listed when the card is back, and leaves when it is used.
    wait_for("a login", || (sign(&world, 2).status == 0).then_some(()));
}
