//! The bench itself: what the other suites trust must be true.

use tests::bus::Bus;
use tests::foreign_ca::ForeignCa;
use tests::otp::{Kind, OtpToken};
use tests::person::{Person, Window};
use tests::running::Running;
use tests::scratch::{Scratch, fed_output, output, text};
use tests::soft_token::SoftHsm;

#[test]
fn a_token_is_born_seen_pulled_and_put_back() {
    let scratch = Scratch::new();
    let hsm = SoftHsm::new(&scratch, "hsm");
    let token = hsm.token("card", "123456");
    assert_eq!(token.serial.len(), 16, "{}", token.serial);
    assert_eq!(hsm.objects_of_kind(&token, "Private Key Object").len(), 0);
    hsm.pull();
    let gone = output(hsm.pkcs11_tool().arg("--list-token-slots"));
    assert!(!gone.contains(&token.serial));
    hsm.insert();
    assert!(output(hsm.pkcs11_tool().arg("--list-token-slots")).contains(&token.serial));
}

#[test]
fn the_bus_is_private() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let mut gdbus = scratch.command("gdbus");
    bus.on(&mut gdbus);
    let names = output(gdbus.args([
        "call",
        "--session",
        "--dest",
        "org.freedesktop.DBus",
        "--object-path",
        "/org/freedesktop/DBus",
        "--method",
        "org.freedesktop.DBus.ListNames",
    ]));
    assert!(names.contains("org.freedesktop.DBus") && !names.contains("systemd"), "{names}");
}

#[test]
fn the_person_answers_by_title_and_leaves_no_answer_in_the_log() {
    let scratch = Scratch::new();
    let person = Person::new(&scratch, "riyousya");
    person.answers(Window::CardPin, &["11%1", "2222"]);
    let said = fed_output(
        &mut scratch.command(&person.pinentry),
        "SETTITLE Jitsuin: card PIN\nSETDESC two%0Alines\nGETPIN\nGETPIN\nGETPIN\nSETTITLE Jitsuin: consent\nCONFIRM\nBYE\n",
    );
    let said = text(&said.stdout);
    assert_eq!(said.matches("D 11%251\n").count(), 1, "{said}");
    assert_eq!(said.matches("D 2222\n").count(), 2, "{said}");
    assert_eq!(said.matches("ERR 83886179").count(), 1, "no answer for the consent: {said}");
    assert_eq!(person.count("card PIN"), 3);
    assert!(person.windows().iter().all(|w| !w.contains("2222") && !w.contains("11%1")));
    assert!(person.windows()[0].ends_with("two / lines"));
}

#[test]
fn a_child_is_gone_with_its_guard() {
    let scratch = Scratch::new();
    let id = Running::start(&scratch, "sleep", scratch.command("sleep").arg("1000")).id();
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn one_time_passwords_are_the_standards() {
    // RFC 4226, appendix D.
    let token = OtpToken::new("1", Kind::Hotp, "3132333435363738393031323334353637383930");
    assert_eq!([token.value(), token.value(), token.value()], ["755224", "287082", "359152"]);
}

#[test]
fn a_foreign_ca_certifies_keys_on_the_token() {
    let scratch = Scratch::new();
    let hsm = SoftHsm::new(&scratch, "hsm");
    let token = hsm.token("card", "123456");
    let ca = ForeignCa::new(&scratch);
    ca.open_key(&scratch, &hsm, &token, "0a", "00009876543 riyousya 1635", 2);
    ca.key(&scratch, &hsm, &token, "0b", "00009876543 1635", -1);
    let certificates = hsm.objects_of_kind(&token, "Certificate Object");
    assert_eq!(certificates.len(), 2, "{certificates:?}");
    let keys = hsm.objects_of_kind(&token, "Private Key Object");
    assert!(keys.iter().all(|key| key.contains("never extractable")), "{keys:?}");
    let open = output(hsm.pkcs11_tool().args(["--token-label", "card", "-O", "--type", "privkey"]));
    assert!(open.contains("ID:         0a") && !open.contains("0b"), "only the open key is seen without a PIN: {open}");
}
