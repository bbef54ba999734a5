//! The APDUs of a login.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tests::pcsc::Pcsc;
use tests::running::wait_for;
use tests::world::World;

use crate::command::name;

/// What the standard's three commands have to be accompanied by, and why (docs/decisions/0013).
const WHY: [(&str, &str); 2] = [
    ("GET SERIAL", "which card it is, before a PIN goes to it"),
    ("VERIFY without a PIN", "how many tries are left, so that the last one is held; it costs none"),
];

pub(crate) fn print(pcsc: &Pcsc<'_>, world: &World) {
    let challenge = BASE64_STANDARD.encode([1; 32]);
    pcsc.tell("forget key");
    let _ = world.by(&world.user, &["login", "--token-only", &world.authority.origin, &challenge]).ok();
    // The caller does not wait for the card to be logged out.
    let log = wait_for("the end of the turn", || {
        let log = pcsc.log("key");
        let end = log.iter().position(|logged| logged.starts_with("0020FF80"))?;
        Some((log[..end].to_vec(), log[end..].to_vec()))
    });
    let (login, after) = log;
    println!("APDUs of a login, P-256, certificates known: {} (goal 3)", login.len());
    for name in login.iter().map(|logged| name(logged)) {
        let why = WHY.iter().find(|(known, _)| name.starts_with(known)).map_or("", |(_, why)| why);
        println!("  {name:30} {why}");
    }
    println!("and to leave the card logged out: {}", after.len());
    after.iter().for_each(|logged| println!("  {}", name(logged)));
}
