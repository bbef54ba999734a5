//! The files that are shipped beside the daemon, checked by what reads them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tests::daemon::{Config, NAME};
use tests::foreign_ca::ForeignCa;
use tests::running::{Running, built, wait_for};
use tests::scratch::{Scratch, any_output, output, text};
use tests::soft_token::SoftHsm;
use tests::tree;
use zbus::Variant;

use crate::bench::{Agent, Caller, ORIGIN, PIN, USER, challenge, vardict, verify};

fn shipped(path: &str) -> String {
    fs::read_to_string(tree::root().join(path)).unwrap()
}

#[test]
fn the_example_configuration_is_accepted() {
    let checked =
        any_output(Command::new(built("jitsuind")).arg("check-config").arg(tree::root().join("systemd/jitsuind.toml")));
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let scratch = Scratch::new();
    // Every default that is only shown is accepted too, once it stands there.
    let shown = shipped("systemd/jitsuind.toml").replace("# [[authority]]", "[[authority]]");
    let commented = |line: &str| line.starts_with("# ") && line.contains(" = ");
    let all: Vec<&str> = shown.lines().map(|l| if commented(l) { l.trim_start_matches("# ") } else { l }).collect();
    let file = scratch.file("jitsuind.toml", &all.join("\n"));
    let checked = any_output(Command::new(built("jitsuind")).arg("check-config").arg(&file));
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let broken = scratch.file("broken.toml", "[log]\nfilter = 7\n");
    let checked = any_output(Command::new(built("jitsuind")).arg("check-config").arg(&broken));
    assert!(!checked.status.success() && text(&checked.stderr).contains("broken.toml:2:"), "{}", text(&checked.stderr));
}

#[test]
fn systemd_understands_the_units() {
    let scratch = Scratch::new();
    let here = |unit: &str| -> PathBuf {
        let mut written = shipped(&format!("systemd/{unit}"));
        for program in ["jitsuind", "jitsuin-authority", "jitsuin"] {
            let ours = built(program).display().to_string();
            written = written.replace(&format!("=/usr/bin/{program} "), &format!("={ours} "));
            written = written.replace(&format!("=/usr/bin/{program}\n"), &format!("={ours}\n"));
        }
        scratch.file(unit.rsplit('/').next().unwrap(), &written)
    };
    let system = ["jitsuind.service", "jitsuind.socket", "jitsuin-authority.service"].map(here);
    verified(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(system));
    // Units of the user's manager may have the names of the system's.
    let user = ["user/jitsuind.service", "user/jitsuin-agent.service"].map(here);
    verified(
        Command::new("systemd-analyze")
            .args(["verify", "--user", "--man=no"])
            .args(user)
            .env("XDG_RUNTIME_DIR", scratch.folder("run")),
    );
    // It says what it would do.
    let users = any_output(
        Command::new("systemd-sysusers").arg("--dry-run").arg(tree::root().join("systemd/jitsuin.sysusers")),
    );
    let said = text(&users.stderr);
    assert!(users.status.success() && !said.contains("jitsuin.sysusers:"), "{said}");
}

/// It succeeds over keys that it does not know, and only says so.
fn verified(command: &mut Command) {
    let done = any_output(command);
    assert_eq!((done.status.success(), text(&done.stderr).trim()), (true, ""), "{command:?}");
}

#[test]
fn the_bus_policy_names_every_interface() {
    let (contract, policy) = (shipped("dbus/org.jitsuin.Jitsuin1.xml"), shipped("dbus/org.jitsuin.Jitsuin1.conf"));
    let interfaces: Vec<_> =
        contract.split("<interface name=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(interfaces.len() > 5, "{interfaces:?}");
    for interface in interfaces {
        assert!(policy.contains(&format!("send_interface=\"{interface}\"/>")), "{interface} is in no rule");
    }
}

/// The system bus as it comes: nothing is allowed but what a service's own file allows.
#[tokio::test(flavor = "multi_thread")]
async fn the_bus_policy_allows_what_is_needed() {
    let scratch = Scratch::new();
    let hsm = SoftHsm::new(&scratch, "hsm");
    let token = hsm.token("card", PIN);
    ForeignCa::new(&scratch).key(&scratch, &hsm, &token, "01", USER, 2);
    let me = output(Command::new("id").arg("-un"));
    let ours =
        shipped("dbus/org.jitsuin.Jitsuin1.conf").replace("user=\"jitsuin\"", &format!("user=\"{}\"", me.trim()));
    let policy = scratch.file("policy.conf", &ours);
    let socket = scratch.path().join("run/bus");
    let config = scratch.file(
        "bus.conf",
        &format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  <include>{}</include>
</busconfig>
"#,
            socket.display(),
            policy.display()
        ),
    );
    let mut command = scratch.command("dbus-daemon");
    command.arg("--nofork").arg("--nopidfile").arg("--config-file").arg(&config);
    let bus = Running::start(&scratch, "bus", &command);
    wait_for("the bus", || socket.exists().then_some(()));
    let address = format!("unix:path={}", socket.display());

    let folder = scratch.folder("config/jitsuin");
    let file = folder.join("jitsuind.toml");
    fs::write(&file, Config::new().soft_hsm("softhsm", &hsm).text()).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = scratch.command(built("jitsuind"));
    command.arg("--user").env("DBUS_SESSION_BUS_ADDRESS", &address);
    let _daemon = Running::start(&scratch, "jitsuind", &command);
    let connection = zbus::connection::Builder::address(address.as_str()).build().await.unwrap();
    let bus_itself = zbus::fdo::DBusProxy::new(&connection).await.unwrap();
    while !bus_itself.name_has_owner(NAME.try_into().unwrap()).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let caller = Caller { connection };
    caller.certificates("all").await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    let path = caller.agent(&agent).await;
    let nonce = challenge();
    let options = vardict([("agent", Variant::ObjectPath(path.into()))]);
    verify(&caller.login(ORIGIN, &nonce, options).await.unwrap(), ORIGIN, &nonce);
    let managed = caller
        .connection
        .call_method(
            Some(NAME),
            "/org/jitsuin/Jitsuin1",
            Some("org.freedesktop.DBus.ObjectManager"),
            "GetManagedObjects",
            &(),
        )
        .await;
    assert!(managed.is_ok());
    assert!(!bus.printed().contains("policy"), "{}", bus.printed());
}
