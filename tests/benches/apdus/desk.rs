//! A desk with a card in a reader, and the daemon that serves it.

use tests::daemon::Config;
use tests::pcsc::Pcsc;
use tests::person::Window;
use tests::running::wait_for;
use tests::scratch::{Scratch, output};
use tests::world::{CONTRACT, SECRETS, USER, World};

/// The card's PIN.
const PIN: &str = "123456";
/// The management key that cards leave the factory with.
const ADMIN: &str = "010203040506070801020304050607080102030405060708";

/// A YubiKey with a certificate of somebody else's in 9A, where every program looks.
pub(crate) fn card(scratch: &Scratch) -> Pcsc<'_> {
    let pcsc = Pcsc::with_yubikey(scratch, "yubikey:serial=5020304");
    let ykman = |args: &[&str]| output(pcsc.command("ykman").arg("piv").args(args));
    ykman(&["keys", "generate", "-m", ADMIN, "-a", "ECCP256", "9a", "key.pem"]);
    ykman(&["certificates", "generate", "-m", ADMIN, "-P", PIN, "-s", "CN=x", "9a", "key.pem"]);
    pcsc
}

/// The daemon, and a user's P-256 key and certificate, acquired onto the card.
pub(crate) fn world(pcsc: &Pcsc<'_>) -> World {
    let world = World::with(SECRETS, Config::new().cards(pcsc.socket()).quiet());
    let token = "piv:5020304";
    wait_for("the card", || world.by(&world.user, &["tokens"]).ok().out.contains("YubiKey").then_some(()));
    world.user.answers(Window::CardPin, &[PIN]);
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    let enrol = ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", token];
    let _ = world.by(&world.user, &enrol).ok();
    world
}
