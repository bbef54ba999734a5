//! What users and administrators look up and change from a terminal after their login: the first PIN, login history, and
//! the operation history.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use serde_json::Value;
use tests::person::{CANCEL, Window};
use tests::world::{USER, World};

fn enrolled() -> World {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world
}

#[test]
fn a_first_pin_is_changed_before_anything_else() {
    let world = enrolled();
    world.administrator.answers(Window::NewUserPin, &["shoki001"]);
    let _ = world.by(&world.administrator, &["admin", "pin", USER]).ok();
    world.user.answers(Window::UserPin, &["shoki001"]);

    let login = world.by(&world.user, &["login"]).ok();
    assert!(login.out.contains("set by somebody else") && login.out.contains("jitsuin user-pin"), "{login:?}");
    assert_eq!(world.by(&world.user, &["--json", "login"]).ok().json()["pin_change"], true);
    let refused = world.by(&world.user, &["history"]);
    assert_eq!(refused.status, 5, "{refused:?}");
    assert!(
        refused.err.contains("This user PIN was set by somebody else.") && refused.err.contains("user-pin"),
        "{refused:?}"
    );

    // Closed, it stays; the same one or a weak one is none of one's own.
    let closed = world.by(&world.user, &["user-pin"]);
    assert!(closed.status == 3 && closed.err.contains("You cancelled. Nothing was changed."), "{closed:?}");
    world.user.answers(Window::NewUserPin, &["shoki001"]);
    let asked = world.user.count("new user PIN");
    let refused = world.by(&world.user, &["user-pin"]);
    assert!(refused.status == 5 && refused.err.contains("The new PIN is the old one."), "{refused:?}");
    assert_eq!(world.user.count("new user PIN"), asked + 3, "three tries");
    world.user.answers(Window::NewUserPin, &["mijikai", "jibunno3"]);
    let changed = world.by(&world.user, &["user-pin"]).ok();
    assert!(changed.out.contains("The user PIN is changed."), "{changed:?}");
    assert!(!world.user.windows().concat().contains("jibunno3"));

    let old = world.by(&world.user, &["login"]);
    assert!(old.status == 5 && old.err.contains("tries left: 6"), "{old:?}");
    world.user.answers(Window::UserPin, &["jibunno3"]);
    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert_eq!(login["pin_change"], false);
    assert!(login.get("session").is_none(), "the bearer stays inside: {login}");
    let sessions = tests::scratch::output(
        world
            .scratch
            .command("sqlite3")
            .arg(world.authority.folder.join("authority.db"))
            .arg("SELECT count(*) FROM events WHERE role = 'user' AND action = 'logout' AND outcome = 'done'"),
    );
    assert_ne!(sessions.trim(), "0", "the command logs out");
}

#[test]
fn users_see_their_own_logins() {
    let world = enrolled();
    let _ = world.by(&world.user, &["login"]).ok();
    let uses = world.by(&world.user, &["--json", "history"]).ok().json();
    let uses = uses.as_array().unwrap().clone();
    assert_eq!(uses.len(), 2, "{uses:?}");
    assert!(uses[0]["at"].as_i64() >= uses[1]["at"].as_i64() && uses[0]["from"] == "127.0.0.1", "{uses:?}");
    let shown = world.by(&world.user, &["history"]).ok();
    assert!(shown.out.contains("127.0.0.1") && shown.out.contains("JST"), "{shown:?}");

    world.user.answers(Window::UserPin, &["wrong1"]);
    let wrong = world.by(&world.user, &["history"]);
    assert!(wrong.status == 5 && wrong.err.contains("tries left: 6"), "{wrong:?}");
    for _ in 0..6 {
        let _ = world.by(&world.user, &["history"]);
    }
    for command in ["history", "user-pin"] {
        let locked = world.by(&world.user, &[command]);
        assert!(locked.status == 5 && locked.err.contains("You are locked."), "{command}: {locked:?}");
    }
    world.user.answers(Window::Consent, &[CANCEL]);
    assert_eq!(world.by(&world.user, &["history"]).status, 3);
}

#[test]
fn the_history_is_shown_filtered_and_taken_away() {
    let mut world = enrolled();
    world.administrator.answers(Window::ConfirmationPin, &["matigai1"]);
    let rename = ["admin", "change", USER, "--name", "利用,\"花子\""];
    assert_ne!(world.by(&world.administrator, &rename).status, 0);
    world.administrator.answers(Window::ConfirmationPin, &[world.secrets.confirm_pin]);
    let _ = world.by(&world.administrator, &rename).ok();

    let history = |more: &[&str]| world.by(&world.administrator, &[&["admin", "history"], more].concat());
    let shown = history(&[]).ok();
    assert!(shown.out.contains("JST") && shown.out.contains("The contract confirmation PIN is wrong"), "{shown:?}");
    let japanese = history(&["--limit", "3"]).ok();
    assert!(japanese.out.lines().count() < shown.out.lines().count(), "{japanese:?}");

    let json = |more: &[&str]| -> Vec<Value> {
        let found = world.by(&world.administrator, &[&["--json", "admin", "history"], more].concat()).ok();
        found.json().as_array().unwrap().clone()
    };
    let refused = json(&["--outcome", "refused", "--action", "user."]);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((refused[0]["outcome"].as_str(), refused[0]["user_id"].as_str()), (Some("E-CONFIRM-PIN"), Some(USER)));
    assert!(json(&["--until", "2020-01-01"]).is_empty());
    assert!(json(&["--since", "2020-01-01", "--user", "nobody"]).is_empty());
    assert_eq!(json(&["--limit", "2"]).len(), 2);
    let newest = json(&["--limit", "1000", "--until", "2099-12-31T00:00:00+09:00"]);
    assert!(newest.windows(2).all(|pair| pair[0]["seq"].as_i64() > pair[1]["seq"].as_i64()), "newest first");

    // All of it: each number once, oldest first, in both forms.
    let lines = history(&["--jsonl"]).ok();
    let lines: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        lines.len() >= newest.len() && lines.windows(2).all(|pair| pair[0]["seq"].as_i64() < pair[1]["seq"].as_i64())
    );
    let csv = history(&["--csv", "--user", USER]).ok();
    let file = world.scratch.file("history.csv", &csv.out);
    let read = "import csv, sys; r = list(csv.DictReader(open(sys.argv[1], encoding='utf-8-sig', newline='')))\n\
                print(len(r), {x['user ID'] for x in r}, sum(x['outcome'] == 'E-CONFIRM-PIN' for x in r))";
    let read = tests::scratch::output(world.scratch.command("python3").args(["-c", read]).arg(file));
    let of_user = lines.iter().filter(|line| line["user_id"] == USER).count();
    assert_eq!(read.trim(), format!("{of_user} {{'{USER}'}} 1"), "another program reads it");

    for (bad, said) in [
        (["--since", "yesterday"], "is not a date"),
        (["--action", "User&x=1"], "not the beginning of an action"),
        (["--user", "no body"], "is not a user ID"),
    ] {
        let refused = history(&bad);
        assert!(refused.status == 2 && refused.err.contains(said), "{bad:?}: {refused:?}");
    }
    for bad in [["--csv", "--jsonl"], ["--outcome", "maybe"], ["--limit", "0"]] {
        assert_eq!(history(&bad).status, 2, "{bad:?}");
    }
    assert!(world.authority.running.end().success());
    let down = world.by(&world.administrator, &["admin", "history"]);
    assert!(down.status == 7 && down.err.contains("cannot be reached"), "{down:?}");
}
