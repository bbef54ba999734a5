//! Secrets stay where they belong: a whole story with secrets that are recognised again, and then the search for them
//! in everything that the story left behind or that others could have seen of it.
//!
//! Two places may hold them, and are left out: the answer files of the people (a person has to know what they type;
//! the acquisition code, which is shown to the administrator once by design, goes to a file there), and the store of
//! SoftHSM, which stands for the inside of a card.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, kill_process, setrlimit};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use tests::bus::Bus;
use tests::canary::{Canaries, Sighting, files};
use tests::daemon::{Config, Daemon};
use tests::person::{HOLD, Window};
use tests::relay::Relay;
use tests::running::{Running, wait_for};
use tests::scratch::{Scratch, any_output, fed_output, output};
use tests::soft_token::SoftHsm;
use tests::watch::{BusWatch, ProcessWatch, children};
use tests::world::{CONTRACT, Secrets, USER, World};

const SECRETS: Secrets = Secrets {
    administrators_card_pin: "62840917",
    card_pin: "73119942",
    contract_pin: "kokawa4189",
    confirm_pin: "kisagi7263",
    user_pin: "tsubame3508",
};
const WRONG_CARD_PIN: &str = "73119924";
const NEW_CARD_PIN: &str = "84600357";
const WRONG_USER_PIN: &str = "tsubame5380";
const NEW_USER_PIN: &str = "hibari9471";
const OWN_USER_PIN: &str = "suzume2806";
/// The OTP token's secret, hexadecimal. Its values have 8 digits: 6 occur in logs by chance.
const OTP_SECRET: &str = "a3c91f5b7e02d46813fa9b65c07de2418fb35a90";
const WRONG_OTP: &str = "59038264";

/// Tools of the bench that play cards and displays: what they are told is no secret of our programs' keeping.
const PLAYED: &[&str] = &["oathtool", "softhsm2-util", "pkcs11-tool"];

/// The story's world, and who watches it.
struct Watched {
    world: World,
    canaries: Canaries,
    processes: ProcessWatch,
    bus: BusWatch,
    presses: u32,
}

impl Watched {
    fn new() -> Self {
        let processes = ProcessWatch::start(PLAYED);
        let mut world = World::with(SECRETS, Config::new().loud());
        let bus = BusWatch::start(&world.scratch, &world.bus);
        let settings = world.authority.folder.join("authority.toml");
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(&settings, text.replace("filter = \"info\"", "filter = \"trace\"")).unwrap();
        world.authority.again(&world.scratch, &[("RUST_LOG", "trace")]);

        let mut canaries = Canaries::default();
        for (name, value) in [
            ("the administrator's card PIN", SECRETS.administrators_card_pin),
            ("the card PIN", SECRETS.card_pin),
            ("the wrong card PIN", WRONG_CARD_PIN),
            ("the new card PIN", NEW_CARD_PIN),
            ("the contract PIN", SECRETS.contract_pin),
            ("the confirmation PIN", SECRETS.confirm_pin),
            ("the user PIN", SECRETS.user_pin),
            ("the wrong user PIN", WRONG_USER_PIN),
            ("the new user PIN", NEW_USER_PIN),
            ("the user's own new PIN", OWN_USER_PIN),
            ("the OTP secret as it was typed", OTP_SECRET),
            ("the wrong OTP", WRONG_OTP),
            ("the administrator's acquisition code", &world.administrators_code),
        ] {
            canaries.add(name, value);
        }
        canaries.add("the OTP secret", hex::decode(OTP_SECRET).unwrap());

        let operator = |secrets: &str, arguments: &[&str]| {
            let _ = world.authority.operator(&world.scratch, secrets, arguments).unwrap();
        };
        let add = ["token", "add", "--serial", "4712", "--kind", "hotp", "--digits", "8"];
        operator(&format!("secret={OTP_SECRET}\n"), &add);
        operator("", &["token", "assign", "--serial", "4712", "--contract-id", CONTRACT, "--user-id", USER]);
        Self { world, canaries, processes, bus, presses: 0 }
    }

    /// The next value on the OTP token's display.
    fn otp(&mut self) -> String {
        let value = output(Command::new("oathtool").args([
            "--hotp",
            "--digits",
            "8",
            "--counter",
            &self.presses.to_string(),
            OTP_SECRET,
        ]));
        let value = value.trim().to_owned();
        self.presses += 1;
        self.canaries.add(&format!("OTP {}", self.presses), &value);
        value
    }

    /// The administrator reissues; the code is a secret too.
    fn reissue(&mut self) {
        self.world.reissue();
        let code = fs::read_to_string(self.world.administrator.folder().join("code")).unwrap();
        self.canaries.add("an acquisition code", code.trim());
    }

    /// Everything of ours that can be seen now.
    fn sightings(&self) -> BTreeSet<Sighting> {
        let mut found = self.canaries.in_files(self.world.scratch.path(), &|path| self.may_hold(path));
        found.extend(self.canaries.sightings("the bus", &self.bus.seen()));
        for (what, bytes) in self.processes.seen() {
            found.extend(self.canaries.sightings(&what, &bytes));
        }
        found
    }

    /// Files that may hold secrets: what people know but not what they were shown, and SoftHSM's store.
    fn may_hold(&self, path: &Path) -> bool {
        let people = [self.world.administrator.folder(), self.world.user.folder()];
        let shown = path.file_name().is_some_and(|name| name == "windows.log");
        (people.iter().any(|folder| path.parent() == Some(folder)) && !shown) || path == self.world.hsm.store
    }

    /// Stops at the first secret that got out.
    fn nothing_is_seen(&self, after: &str) {
        let found = self.sightings();
        assert!(found.is_empty(), "after {after}: {found:#?}");
    }
}

#[test]
fn no_secret_of_a_whole_story_is_found_anywhere() {
    let mut watched = Watched::new();
    watched.nothing_is_seen("the first day");
    watched.reissue();
    watched.nothing_is_seen("a reissue");

    let otp = watched.otp();
    let user = watched.world.user.clone();
    user.answers(Window::CardPin, &[WRONG_CARD_PIN, SECRETS.card_pin]).answers(Window::Otp, &[WRONG_OTP, &otp]);
    let _ = watched.world.enrol_as_told().ok();
    assert_eq!(user.count("one-time password"), 2, "the wrong one was tried");
    assert_eq!(watched.world.issue(), "001 valid");
    user.answers(Window::UserPin, &[WRONG_USER_PIN]);
    assert_ne!(watched.world.by(&user, &["login"]).status, 0);
    user.answers(Window::UserPin, &[SECRETS.user_pin]);
    let _ = watched.world.by(&user, &["login"]).ok();
    watched.nothing_is_seen("acquisition and login");

    // The daemon is killed while it waits for the PIN to install with.
    watched.reissue();
    let otp = watched.otp();
    let pins = user.count("card PIN");
    user.answers(Window::CardPin, &[SECRETS.card_pin, HOLD]).answers(Window::Otp, &[&otp]);
    let enrol = watched.world.enrol_arguments();
    let command = watched.world.command(&user, &enrol.iter().map(String::as_str).collect::<Vec<_>>());
    let mut enrolling = Running::start(&watched.world.scratch, "enrolling", &command);
    wait_for("the second window for the card PIN", || (user.count("card PIN") >= pins + 2).then_some(()));
    watched.world.daemon.running.kill();
    watched.nothing_is_seen("the daemon's death in the middle");
    user.let_go();
    let _ = enrolling.ended();
    user.answers(Window::CardPin, &[SECRETS.card_pin]);
    watched.world.start_daemon(&[("RUST_LOG", "trace")]);
    wait_for("the enrolment", || (watched.world.issue() == "002 valid").then_some(()));
    watched.nothing_is_seen("an enrolment that went on");

    user.answers(Window::NewCardPin, &[NEW_CARD_PIN]);
    let token = format!("pkcs11:{}", watched.world.card.serial);
    let _ = watched.world.by(&user, &["pin", "change", "--token", &token]).ok();
    watched.world.administrator.answers(Window::NewUserPin, &[NEW_USER_PIN]);
    let _ = watched.world.by(&watched.world.administrator, &["admin", "pin", USER]).ok();
    user.answers(Window::CardPin, &[NEW_CARD_PIN]).answers(Window::UserPin, &[NEW_USER_PIN]);
    let _ = watched.world.by(&user, &["login"]).ok();
    watched.nothing_is_seen("new PINs");

    what_people_do_alone(&mut watched);
    every_eye_was_open(&mut watched);
}

/// The newer ways: one's own user PIN and history, a renewal, the console, and the stop code of a notice.
fn what_people_do_alone(watched: &mut Watched) {
    let relay = Relay::start(&watched.world.scratch);
    relay.serves(&watched.world.scratch, &mut watched.world.authority, CONTRACT);
    let user = watched.world.user.clone();
    user.answers(Window::NewUserPin, &[OWN_USER_PIN]);
    let _ = watched.world.by(&user, &["user-pin"]).ok();
    user.answers(Window::UserPin, &[OWN_USER_PIN]);
    let _ = watched.world.by(&user, &["history"]).ok();
    watched.nothing_is_seen("the user's own PIN and history");

    let soon = "unixepoch() + 10 * 86400";
    let change = format!("UPDATE certificates SET cert_valid_until = {soon}, due_at = {soon} WHERE user_id = '{USER}'");
    output(
        watched.world.scratch.command("sqlite3").arg(watched.world.authority.folder.join("authority.db")).arg(change),
    );
    // The administrator's certificate is at the same workstation.
    let listed = watched.world.by(&user, &["--json", "certificates", "--usage", "user-login"]).ok().json();
    let usable = listed.as_array().unwrap().iter().find(|certificate| certificate["usable"] == true).unwrap();
    let _ = watched.world.by(&user, &["renew", "--certificate", usable["key-id"].as_str().unwrap()]).ok();
    assert_eq!(watched.world.issue(), "003 valid");
    watched.nothing_is_seen("a renewal");

    let link = watched.world.by(&watched.world.administrator, &["console", "--print"]).ok().out;
    let (_, login) = link.trim().rsplit_once('/').unwrap();
    watched.canaries.add("the login of a link", login);
    let form = curl(&watched.world, &format!("/console/enter/{login}"), &[]);
    let csrf = form.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let entered = [("csrf", csrf), ("login", login), ("contract_pin", SECRETS.contract_pin)];
    let _ = curl(&watched.world, "/console/enter", &entered);
    let menu = curl(&watched.world, "/console", &[]);
    assert!(menu.contains("/console/logout"), "the console is open: {menu}");
    let jar = fs::read_to_string(watched.world.administrator.folder().join("cookies")).unwrap();
    let sessions = jar.lines().filter_map(|line| line.split('\t').nth(6)).filter(|value| value.len() >= 16);
    let sessions: Vec<&str> = sessions.collect();
    assert!(!sessions.is_empty(), "{jar}");
    sessions.iter().for_each(|session| watched.canaries.add("a session of the console", session));
    watched.nothing_is_seen("the console");

    watched.reissue();
    let code = relay.stop_code(&["User ID: riyousya", "Done by: administrator"]);
    watched.canaries.add("a stop code", &code);
    watched.canaries.add("a stop code as it counts", code.replace('-', ""));
    user.answers(Window::StopCode, &[&code]);
    let _ = watched.world.by(&user, &["stop"]).ok();
    watched.nothing_is_seen("a stop");
}

/// A browser of the administrator's, whose cookies lie with what else that person holds. What it is told comes by its
/// standard input: POST with these form fields, GET without any.
fn curl(world: &World, path: &str, fields: &[(&str, &str)]) -> String {
    let quoted = |path: &Path| format!("\"{}\"", path.display());
    let jar = quoted(&world.administrator.folder().join("cookies"));
    let mut told = format!("url = \"{0}{path}\"\nheader = \"Origin: {0}\"\n", world.authority.origin);
    told += &format!(
        "cacert = {}\ncookie = {jar}\ncookie-jar = {jar}\nsilent\nshow-error\n",
        quoted(&world.authority.root)
    );
    for (name, value) in fields {
        told += &format!("data-urlencode = \"{name}={value}\"\n");
    }
    let done = fed_output(world.scratch.command("curl").args(["--config", "-"]), &told);
    assert!(done.status.success(), "{done:?}");
    tests::scratch::text(&done.stdout)
}

/// What was searched is what there was, and the same search finds a secret wherever one is put.
fn every_eye_was_open(watched: &mut Watched) {
    let Watched { world, processes, bus, .. } = &*watched;
    // Each program's log says what only its most verbose level says; each store is there.
    let read = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let log = |name: &str| read(world.scratch.path().join("log").join(name));
    for name in ["jitsuind", "authority"] {
        assert!(log(name).contains(" TRACE "), "{name} was to log everything:\n{}", log(name));
    }
    assert!(read(world.daemon.state.join("audit.jsonl")).contains("\"enrol"));
    let searched = files(world.scratch.path(), &|path| watched.may_hold(path));
    let searched: Vec<_> = searched.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    for file in ["audit.jsonl", "/enrolments/", ".db", ".db-wal", "windows.log", "jitsuind.toml", "/log/agent"] {
        assert!(searched.iter().any(|path| path.contains(file)), "{file} is not among {searched:#?}");
    }
    for passed in [
        "RequestSecret",
        "card-pin",
        "new-card-pin",
        "user-pin",
        "otp",
        "acquisition-code",
        "ChangePin",
        "StartRenewal",
    ] {
        assert!(bus.has(passed.as_bytes()), "{passed} did not pass over the bus");
    }
    let seen = processes.seen();
    for (program, word) in [
        ("jitsuind cmdline", "--user"),
        (" cmdline", "\0worker\0pkcs11"), // it calls itself by its module's name
        ("jitsuind environ", "RUST_LOG=trace"),
        ("jitsuin cmdline", "certificate"),
        ("jitsuin cmdline", "console"),
        ("jitsuin cmdline", "history"),
        ("jitsuin cmdline", "renew"),
        ("jitsuin cmdline", "stop"),
        ("jitsuin cmdline", "user-pin"),
        ("jitsuin-authori cmdline", "contract"),
    ] {
        let there =
            seen.iter().any(|(what, bytes)| what.ends_with(program) && tests::scratch::text(bytes).contains(word));
        // A process that is not dumpable keeps its environment from its own user; root sees it.
        let names: BTreeSet<_> = seen.iter().map(|(what, _)| what).collect();
        assert!(there || (program.ends_with("environ") && !geteuid().is_root()), "{word} in {program}: {names:?}");
    }

    // A secret in each place, in each way that a mistake would write it.
    let plain = SECRETS.user_pin;
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("pin={plain};"));
    let wide: Vec<u8> = format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let listed = format!("{:?}", plain.as_bytes());
    for (place, bytes, spelling) in [
        ("log/jitsuind", plain.as_bytes(), "plain"),
        ("log/authority", encoded.as_bytes(), "base64"),
        ("state/jitsuin/audit.jsonl", hex::encode(plain).as_bytes(), "hexadecimal"),
        ("authority/planted", &wide, "UTF-16, little end first"),
        ("tmp/planted", listed.as_bytes(), "list of numbers"),
    ] {
        let path = world.scratch.path().join(place);
        let before = fs::read(&path).unwrap_or_default();
        fs::write(&path, [&before, bytes].concat()).unwrap();
        let found = watched.sightings();
        let hit = |s: &Sighting| s.secret == "the user PIN" && s.spelling == spelling && s.place.ends_with(place);
        assert!(found.len() == 1 && found.iter().all(hit), "{place}: {found:?}");
        fs::write(&path, before).unwrap();
    }
    watched.nothing_is_seen("what was planted is taken away");
    bus.shout(&world.scratch, &world.bus, plain);
    wait_for("the secret on the bus", || watched.sightings().iter().any(|s| s.place == "the bus").then_some(()));
    let mut sleep = world.scratch.command("sh");
    let _sleeping = Running::start(&world.scratch, "sleep", sleep.args(["-c", "sleep 60", plain]).env("PIN", plain));
    for place in ["sh cmdline", "sh environ"] {
        wait_for(place, || watched.sightings().iter().any(|s| s.place == place).then_some(()));
    }
    assert!(watched.bus.is_running(), "the bus was watched to the end");
}

/// Whether `id` may leave a core, and whether its user may read its memory: what `/proc` says about it.
fn keeps_its_memory(id: u32) -> (bool, bool) {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let no_core = core.split_whitespace().filter(|word| *word == "0").count() == 2;
    // The kernel answers this by the rule for reading memory (ptrace(2), PTRACE_MODE_READ).
    let closed = !any_output(Command::new("readlink").arg(format!("/proc/{id}/exe"))).status.success();
    (no_core, closed)
}

/// Root may read every process's memory. What a test starts from now on is a user like others in this respect.
fn without_roots_eyes() {
    if geteuid().is_root() {
        remove_capability_from_bounding_set(CapabilitySet::SYS_PTRACE).unwrap();
    }
}

fn signal(id: u32, signal: Signal) {
    // It may be gone already.
    let _ = kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), signal);
}

fn cores(scratch: &Scratch) -> Vec<PathBuf> {
    let core = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core"));
    files(scratch.path(), &|_| false).into_iter().filter(core).collect()
}

#[test]
fn a_crash_leaves_no_core() {
    without_roots_eyes();
    // As generous as this system lets us be: it is the programs that have to say no.
    let most = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: most, maximum: most }).unwrap();
    let scratch = Scratch::new();

    // What an ordinary program leaves, so that nothing would be noticed.
    let mut ordinary = Running::start(&scratch, "sleep", scratch.command("sleep").arg("60"));
    wait_for("the program", || {
        (fs::read_to_string(format!("/proc/{}/comm", ordinary.id())).ok()? == "sleep\n").then_some(())
    });
    let open = keeps_its_memory(ordinary.id());
    assert!(!open.1, "a user may read an ordinary program's memory");
    signal(ordinary.id(), Signal::SEGV);
    let status = ordinary.ended();
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let here = most != Some(0) && !pattern.starts_with(['|', '/']) && pattern.starts_with("core");
    if here {
        assert!(status.core_dumped(), "{status}");
        assert_eq!(cores(&scratch).len(), 1, "an ordinary program leaves a core");
        fs::remove_file(&cores(&scratch)[0]).unwrap();
    }

    let hsm = SoftHsm::new(&scratch, "hsm");
    let _ = hsm.token("card", SECRETS.card_pin);
    let bus = Bus::start(&scratch);
    let mut daemon = Daemon::start(&scratch, &bus, &Config::new().soft_hsm("softhsm", &hsm));
    let worker = |daemon: &Daemon| {
        wait_for("the worker", || children(daemon.running.id()).into_iter().find(|id| keeps_its_memory(*id).1))
    };
    let first = worker(&daemon);
    for id in [daemon.running.id(), first] {
        assert_eq!(keeps_its_memory(id), (true, true), "{id}");
    }
    signal(first, Signal::ABORT);
    let second = wait_for("a new worker", || children(daemon.running.id()).into_iter().find(|id| *id != first));
    wait_for("its hardening", || (keeps_its_memory(second) == (true, true)).then_some(()));
    // Rust's own handler takes the first SIGSEGV for a stack overflow, and leaves the next one to the kernel.
    wait_for("its end", || {
        signal(second, Signal::SEGV);
        (!children(daemon.running.id()).contains(&second)).then_some(())
    });
    assert!(daemon.running.is_running());
    for (n, deadly) in [Signal::SEGV, Signal::ABORT].into_iter().enumerate() {
        if n > 0 {
            daemon = Daemon::again(&scratch, &bus, &[]);
        }
        wait_for("the daemon's end", || {
            signal(daemon.running.id(), deadly);
            (!daemon.running.is_running()).then_some(())
        });
        let status = daemon.running.ended();
        assert_eq!((status.signal(), status.core_dumped()), (Some(deadly.as_raw()), false), "{status}");
    }
    assert_eq!(cores(&scratch), Vec::<PathBuf>::new());
    for id in [first, second] {
        assert!(!Path::new(&format!("/core.{id}")).exists());
    }
}

#[test]
fn the_other_programs_keep_their_memory_too() {
    without_roots_eyes();
    let world = World::new();
    for (name, id) in [("agent", world.agent.id()), ("authority", world.authority.running.id())] {
        assert_eq!(keeps_its_memory(id), (true, true), "{name}");
    }
    // A command that holds a PIN for a moment.
    world.user.answers(Window::CardPin, &[HOLD]);
    let command = world.command(&world.user, &["login", "--token-only", "https://bank.example", CHALLENGE]);
    let login = Running::start(&world.scratch, "login", &command);
    wait_for("the login", || {
        (fs::read_to_string(format!("/proc/{}/comm", login.id())).ok()? == "jitsuin\n").then_some(())
    });
    wait_for("its hardening", || (keeps_its_memory(login.id()) == (true, true)).then_some(()));
    world.user.let_go();
}

const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn secrets_do_not_come_by_argument_or_environment() {
    let scratch = Scratch::new();
    let authority = tests::running::built("jitsuin-authority");
    // A secret on the command line is not taken, and not repeated.
    for option in ["--user-pin", "--contract-pin", "--pin", "--secret"] {
        for program in ["jitsuin", "jitsuin-authority"] {
            let mut command = scratch.command(tests::running::built(program));
            let done = any_output(command.args([option, SECRETS.user_pin]));
            assert_eq!(done.status.code(), Some(2), "{program} {option}");
            assert!(!tests::scratch::text(&done.stdout).contains(SECRETS.user_pin));
        }
    }
    // A secret that is refused is not repeated either.
    let mut init = scratch.command(&authority);
    init.args(["init", "--institution-code", "1635", "--origin", "https://localhost:1", "--listen", "127.0.0.1:1"]);
    output(init.arg("--dir").arg(scratch.path().join("authority")));
    for secrets in ["contract_pin=73119942731199427311994273119942\n", "73119942\n", "contract_pin 73119942\n"] {
        let mut open = scratch.command(&authority);
        open.args(["contract", "open", "--contract-id", CONTRACT, "--secrets-stdin", "--dir"]);
        let done = fed_output(open.arg(scratch.path().join("authority")), secrets);
        let said = tests::scratch::text(&done.stdout) + &tests::scratch::text(&done.stderr);
        assert!(!done.status.success() && !said.contains("73119942"), "{said}");
    }
}
