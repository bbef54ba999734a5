//! Tokens that speak HID: the virtual YubiKey's keyboard interface, judged by ykman, and the daemon's way to it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::thread;

use serde_json::Value;
use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::hidraw::Plugs;
use tests::running::wait_for;
use tests::scratch::{Scratch, any_output, output, text};
use tests::world::{SECRETS, World};

/// The virtual YubiKey's slots.
const TOKEN: &str = "otp-hid:5020304";

/// The secret of RFC 6238's examples.
const SECRET: &str = "3132333435363738393031323334353637383930";

#[test]
fn ykman_takes_the_virtual_token_for_a_yubikey() {
    let scratch = Scratch::new();
    let plugs = Plugs::with_yubikey(&scratch, &format!("yubikey:serial=5020304,otp1=types,otp2=hmac/{SECRET}"));
    let info = output(plugs.command("ykman").arg("info"));
    assert!(info.contains("Serial number: 5020304") && info.contains("Firmware version: 5.7.1"), "{info}");
    let slots = output(plugs.command("ykman").args(["otp", "info"]));
    assert!(slots.contains("Slot 1: programmed") && slots.contains("Slot 2: programmed"), "{slots}");

    // HMAC-SHA1, test case 2 of RFC 2202, whose key ykman pads.
    let programmed = ["otp", "chalresp", "--force", "1", "4a656665"];
    output(plugs.command("ykman").args(programmed));
    let response = output(plugs.command("ykman").args([
        "otp",
        "calculate",
        "1",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
    ]));
    assert_eq!(response.trim(), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");

    let before = oathtool_code();
    let code = output(plugs.command("ykman").args(["otp", "calculate", "--totp", "2"]));
    // The half minute may have ended in between.
    assert!([before, oathtool_code()].contains(&code.trim().to_owned()), "{code}");
    output(plugs.command("ykman").args(["otp", "delete", "--force", "1"]));
    let slots = output(plugs.command("ykman").args(["otp", "info"]));
    assert!(slots.contains("Slot 1: empty"), "{slots}");

    plugs.unplug("key");
    plugs.plug_fido("fido");
    assert!(!output(plugs.command("ykman").arg("list")).contains("5020304"));
}

#[test]
fn ykman_waits_for_the_finger() {
    let scratch = Scratch::new();
    let plugs = Plugs::with_yubikey(&scratch, &format!("yubikey:otp2=hmac-touch/{SECRET}"));
    plugs.tell("touch key off");
    let remote = plugs.remote();
    let finger = thread::spawn(move || {
        remote.ask("await touch key").expect("ykman asks for a touch");
        let reports = || remote.ask("reports key").expect("a number").parse::<u64>().expect("a number");
        let before = reports();
        wait_for("ykman to see that one is wanted", || (reports() > before + 1).then_some(()));
        remote.ask("touch key press").expect("a touch");
    });
    let printed = any_output(plugs.command("ykman").args(["otp", "calculate", "2", "31"]));
    finger.join().expect("the finger");
    assert!(text(&printed.stderr).contains("Touch your YubiKey"), "{}", text(&printed.stderr));
    // What openssl dgst -sha1 -hmac 12345678901234567890 makes of "1".
    assert_eq!(text(&printed.stdout).trim(), "d27ac8427b7b5d6cc5dd832c20675d4915541407");
}

fn oathtool_code() -> String {
    output(std::process::Command::new("oathtool").args(["--totp", SECRET])).trim().to_owned()
}

#[test]
fn the_daemon_serves_tokens_that_come_and_go() {
    let scratch = Scratch::new();
    let model = |serial| format!("yubikey:serial={serial},otp1=types,otp2=hmac/{SECRET}");
    let plugs = Plugs::start(&scratch, &[("a", &model(1)), ("b", &model(2))]);
    plugs.plug("a");
    plugs.plug_fido("fido");
    let bus = Bus::start(&scratch);
    let daemon = Daemon::start(&scratch, &bus, &Config::new().hid(&plugs));
    let told = |what: &str, times: usize| {
        wait_for(what, || (daemon.running.printed().matches(what).count() == times).then_some(()));
    };
    told("a HID token is served", 1);
    plugs.plug("b");
    told("a HID token is served", 2);
    plugs.unplug("a");
    told("a HID token is gone", 1);
    plugs.plug("a");
    told("a HID token is served", 3);
    assert!(!daemon.running.printed().contains("cannot be used"), "{}", daemon.running.printed());
}

/// A workstation with a YubiKey in a USB socket: slot 1 wants a touch, slot 2 answers at once.
fn world(plugs: &Plugs<'_>) -> World {
    let world = World::with(SECRETS, Config::new().hid(plugs));
    wait_for("the YubiKey", || (!accounts(&world).is_empty()).then_some(()));
    world
}

/// The accounts of the tokens that are there: token, name and whether a touch is wanted.
fn accounts(world: &World) -> Vec<(String, String, bool)> {
    let listed = world.by(&world.user, &["--json", "otp", "list"]).ok().json();
    let text = |account: &Value, key: &str| account[key].as_str().expect("a text").to_owned();
    let accounts = listed.as_array().expect("a list").iter();
    accounts.map(|a| (text(a, "token"), text(a, "name"), a["touch"].as_bool().expect("yes or no"))).collect()
}

#[test]
fn a_slot_yields_the_codes_of_its_account() {
    let scratch = Scratch::new();
    let model = format!("yubikey:serial=5020304,otp1=hmac-touch/{SECRET},otp2=hmac/{SECRET}");
    let plugs = Plugs::with_yubikey(&scratch, &model);
    plugs.plug_fido("fido");
    let world = world(&plugs);
    let token = || TOKEN.to_owned();
    assert_eq!(accounts(&world), [(token(), "slot 1".to_owned(), true), (token(), "slot 2".to_owned(), false)]);

    let code = |account: &str| world.by(&world.user, &["otp", "code", account, "--token", TOKEN]);
    let before = oathtool_code();
    let answered = code("slot 2").ok().out;
    assert!([before, oathtool_code()].contains(&answered.trim().to_owned()), "{answered}");

    plugs.tell("touch key off");
    let remote = plugs.remote();
    let finger = thread::spawn(move || {
        remote.ask("await touch key").expect("a touch is wanted");
        remote.ask("touch key press").expect("a touch");
    });
    let before = oathtool_code();
    let touched = code("slot 1").ok().out;
    finger.join().expect("the finger");
    assert!([before, oathtool_code()].contains(&touched.trim().to_owned()), "{touched}");

    plugs.tell("patience key 1500");
    let untouched = code("slot 1");
    assert_ne!(untouched.status, 0, "{untouched:?}");
    assert!(untouched.out.is_empty(), "{untouched:?}");
    // Pulled while it waits.
    plugs.tell("patience key 15000");
    let mut command = world.command(&world.user, &["otp", "code", "slot 1", "--token", TOKEN]);
    let waiting = thread::spawn(move || any_output(&mut command));
    plugs.tell("await touch key");
    plugs.unplug("key");
    let absent = waiting.join().expect("the command");
    assert!(!absent.status.success() && absent.stdout.is_empty(), "{absent:?}");
    wait_for("the YubiKey to be gone", || accounts(&world).is_empty().then_some(()));
    plugs.plug("key");
    wait_for("the YubiKey", || (accounts(&world).len() == 2).then_some(()));
}

#[test]
fn plugging_again_and_again_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let plugs = Plugs::start(&scratch, &[("key", &format!("yubikey:otp2=hmac/{SECRET}"))]);
    let bus = Bus::start(&scratch);
    let daemon = Daemon::start(&scratch, &bus, &Config::new().hid(&plugs));
    let served = || daemon.running.printed().matches("a HID token is served").count();
    let usage = || [descriptors(daemon.running.id()), threads(daemon.running.id())];
    // Pulled while it is read, mostly, and left in at the end.
    let cycle = |count: usize| {
        for _ in 0..count {
            plugs.plug("key");
            plugs.unplug("key");
        }
        let before = served();
        plugs.plug("key");
        wait_for("the key", || (served() > before).then_some(()));
    };
    cycle(5);
    let before = usage();
    plugs.unplug("key");
    // No more: umockdev, which leaves sockets open, has no room for many and ends the program then.
    cycle(30);
    // What was being read when it was pulled ends in its own time.
    wait_for("descriptors and threads to be as before", || {
        usage().iter().zip(&before).all(|(now, then)| now <= then).then_some(())
    });
}

/// How many descriptors a process has, sockets left out: umockdev itself leaves one open, now and then, of a device that
/// goes while it is being opened.
fn descriptors(id: u32) -> usize {
    let all = std::fs::read_dir(format!("/proc/{id}/fd")).expect("the process").flatten();
    let targets = all.filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok());
    targets.filter(|target| !target.to_string_lossy().starts_with("socket:")).count()
}

fn threads(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/task")).expect("the process").count()
}
