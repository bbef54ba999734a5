//! `jitsuin stop`: the stop code of a real notice, without card and daemon, and what is said when it does not count.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::process::Command;

use tests::person::{CANCEL, Window};
use tests::relay::Relay;
use tests::running::built;
use tests::scratch::{any_output, text};
use tests::world::{CONTRACT, Done, USER, World};

fn telling() -> (World, Relay) {
    let mut world = World::new();
    let relay = Relay::start(&world.scratch);
    relay.serves(&world.scratch, &mut world.authority, CONTRACT);
    (world, relay)
}

/// The command without a bus in its surroundings.
fn alone(world: &World) -> Command {
    let mut command = world.scratch.command(built("jitsuin"));
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/none", world.scratch.path().display()));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}/none", world.scratch.path().display()));
    command
}

/// `jitsuin stop …` of the user, who enters this code.
fn stop(world: &World, code: &str, arguments: &[&str]) -> Done {
    world.user.answers(Window::StopCode, &[code]);
    let mut command = alone(world);
    command.args(["--prompt", "pinentry", "--pinentry"]).arg(&world.user.pinentry).args(arguments).arg("stop");
    any_output(&mut command).into()
}

#[test]
fn a_notices_reader_stops_what_it_tells_of() {
    let (mut world, relay) = telling();
    world.reissue();
    let code = relay.stop_code(&["User ID: riyousya", "Done by: administrator"]);
    assert!(world.daemon.running.end().success());

    let stopped = stop(&world, &code.to_lowercase().replace('-', " "), &[]).ok();
    assert!(stopped.out.contains("the user can neither acquire a certificate nor log in"), "{stopped:?}");
    assert!(!stopped.out.contains("the certificate is suspended"), "there is none yet: {stopped:?}");
    assert!(stopped.out.contains("Call your administrator or your branch now"), "{stopped:?}");
    assert_eq!(world.user.windows().last().map(|w| w.contains(&world.authority.origin)), Some(true), "where it is");

    let again = stop(&world, &code, &[]);
    assert_eq!(again.status, 5, "a code counts once: {again:?}");
    assert!(again.err.contains("The entries do not match") && again.err.contains("--without-card"), "{again:?}");

    world.start_daemon(&[]);
    assert_eq!(world.shown()["status"], "stopped");
    let refused = world.enrol();
    assert_ne!(refused.status, 0, "{refused:?}");
    let whole = world.authority.operator(&world.scratch, "", &["verify-audit"]).unwrap();
    assert!(whole.contains("chain whole"), "{whole}");
}

#[test]
fn a_certificate_in_use_is_put_on_hold() {
    let (world, relay) = telling();
    world.reissue();
    let _ = world.enrol().ok();
    let code = relay.stop_code(&["was acquired", "User ID: riyousya"]);
    let stopped = stop(&world, &code, &["--json"]).ok();
    assert_eq!(stopped.json(), serde_json::json!({ "certificate": true, "user": false }));
    assert!(stopped.err.is_empty(), "{stopped:?}");
    assert_eq!(world.issue(), "001 suspended");
    let refused = world.by(&world.user, &["login"]);
    assert!(refused.status == 5 && refused.err.contains("The certificate is suspended"), "{refused:?}");
    assert!(!text(&std::fs::read(world.user.folder().join("windows.log")).unwrap()).contains(&code), "never shown");

    // What it stopped, the administrator lets go on.
    let _ = world.by(&world.administrator, &["admin", "reinstate", USER]).ok();
    let _ = world.by(&world.user, &["login"]).ok();
}

#[test]
fn what_cannot_be_stopped_is_said() {
    let (mut world, relay) = telling();
    let before = world.shown();
    let wrong = stop(&world, "ABCD-EFGH-JKMN-PQRS", &["--lang", "ja"]);
    // The scripted person knows windows by their English titles.
    assert_eq!(wrong.status, 3, "{wrong:?}");
    let wrong = stop(&world, "ABCD-EFGH-JKMN-PQRS", &[]);
    assert!(wrong.status == 5 && wrong.err.contains("The entries do not match"), "{wrong:?}");
    assert!(wrong.out.is_empty(), "{wrong:?}");
    assert_eq!(world.shown(), before);
    let closed = stop(&world, CANCEL, &[]);
    assert!(closed.status == 3 && closed.err.contains("You cancelled. Nothing was changed."), "{closed:?}");

    // The code is never an argument, and never read from where anybody could put it.
    let mut argument = alone(&world);
    assert_eq!(any_output(argument.args(["stop", "ABCD-EFGH-JKMN-PQRS"])).status.code(), Some(2));
    let mut nobody = alone(&world);
    let done = Done::from(any_output(
        Command::new("setsid")
            .arg("--wait")
            .arg(nobody.args(["--prompt", "tty", "stop"]).get_program())
            .args(nobody.get_args())
            .env_clear()
            .envs(nobody.get_envs().filter_map(|(k, v)| Some((k, v?)))),
    ));
    assert!(done.status == 4 && done.err.contains("neither a terminal nor a pinentry"), "{done:?}");

    // Nothing is left to stop where it was revoked meanwhile.
    world.reissue();
    let code = relay.stop_code(&["User ID: riyousya", "Done by: administrator"]);
    let revoke = ["admin", "certificate", USER, "--choice", "revoke", "--reason", "other"];
    let _ = world.by(&world.administrator, &revoke).ok();
    let nothing = stop(&world, &code, &[]);
    assert!(nothing.status == 5 && nothing.err.contains("There is no valid certificate"), "{nothing:?}");

    assert!(world.authority.running.end().success());
    let down = stop(&world, &code, &[]);
    assert!(down.status == 7 && down.err.contains("cannot be reached"), "{down:?}");
}
