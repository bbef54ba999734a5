//! A private bus, a daemon that only asks, and a pinentry that answers from a script.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, interface};

/// Found nowhere but in the window and the datagram.
pub const CANARY: &str = "73119942";

/// Long enough for a busy machine; nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program of the test's own, ended with it.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Bus {
    _daemon: Running,
    pub address: String,
}

impl Bus {
    pub fn start() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { _daemon: Running(daemon), address: address.trim().to_owned() }
    }

    /// Writes every byte that passes over the bus to `file`.
    pub fn capture(&self, file: &Path) -> Running {
        let output = fs::File::create(file).unwrap();
        let monitor = Command::new("dbus-monitor")
            .args(["--address", &self.address, "--binary"])
            .stdout(output)
            .spawn()
            .expect("dbus-monitor");
        Running(monitor)
    }

    pub async fn connect(&self) -> Connection {
        zbus::connection::Builder::address(self.address.as_str()).build().await.unwrap()
    }

    pub fn jitsuin(&self, home: &Path) -> Command {
        let mut command = jitsuin(home);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

/// The command in an environment of its own.
pub fn jitsuin(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jitsuin"));
    let path = std::env::var("PATH").unwrap();
    command.env_clear().env("PATH", path).env("HOME", home).env("LC_ALL", "C.UTF-8");
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    command
}

/// A pinentry that keeps a protocol of its requests and answers by window title:
/// files `folder/<title>` hold `secret`, `!cancel`, `!no` or `!hold`.
pub fn pinentry(folder: &Path) -> PathBuf {
    let program = folder.join("pinentry");
    let script = format!(
        r#"#!/bin/bash
cd '{}'
echo "OK hello"
while IFS= read -r line; do
  printf '%s\n' "$line" >> requests
  case "$line" in
    "SETTITLE "*) title=${{line#SETTITLE Jitsuin: }}; echo OK ;;
    GETPIN|CONFIRM|MESSAGE)
      answer=$(head -n 1 "$title" 2>/dev/null || echo '!cancel')
      echo "${{title}}" >> windows
      case "$answer" in
        '!cancel') echo "ERR 83886179 Operation cancelled <Pinentry>" ;;
        '!no') echo "ERR 83886194 Not confirmed <Pinentry>" ;;
        '!hold') exec sleep 600 ;;
        *) [ "$line" = GETPIN ] && [ -n "$answer" ] && echo "D $answer"; echo OK ;;
      esac ;;
    SETREPEAT*) echo "ERR 83886355 Unknown command" ;;
    OPTION*) echo "ERR 83886254 Unknown option" ;;
    *) echo OK ;;
  esac
done
"#,
        folder.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

pub fn answer(folder: &Path, title: &str, answer: &str) {
    fs::write(folder.join(title), format!("{answer}\n")).unwrap();
}

/// The registering side of the daemon.
struct AgentManager(mpsc::UnboundedSender<(String, OwnedObjectPath)>);

#[interface(name = "org.jitsuin.Jitsuin1.AgentManager")]
impl AgentManager {
    fn register_agent(
        &self,
        #[zbus(header)] header: Header<'_>,
        path: OwnedObjectPath,
        options: std::collections::HashMap<String, OwnedVariant>,
    ) {
        let _ = options;
        let _ = self.0.send((header.sender().unwrap().to_string(), path));
    }

    fn unregister_agent(&self, path: OwnedObjectPath) {
        let _ = path;
    }
}

/// The asking side of the daemon.
#[zbus::proxy(interface = "org.jitsuin.Jitsuin1.Agent", assume_defaults = false)]
pub trait Agent {
    fn request_secret(
        &self,
        request: &zbus::ObjectPath<'_>,
        kind: &str,
        sink: zbus::Fd<'_>,
        info: client::bus::Options<'_>,
    ) -> zbus::Result<String>;
    fn request_consent(
        &self,
        request: &zbus::ObjectPath<'_>,
        info: client::bus::Options<'_>,
    ) -> zbus::Result<(String, client::bus::Vardict)>;
    fn choose_certificate(
        &self,
        request: &zbus::ObjectPath<'_>,
        candidates: Vec<client::bus::Options<'_>>,
        info: client::bus::Options<'_>,
    ) -> zbus::Result<i32>;
    fn show_notice(
        &self,
        request: &zbus::ObjectPath<'_>,
        kind: &str,
        info: client::bus::Options<'_>,
    ) -> zbus::Result<()>;
    fn dismiss(&self, request: &zbus::ObjectPath<'_>, reason: &str) -> zbus::Result<()>;
    fn release(&self) -> zbus::Result<()>;
}

/// A daemon that does nothing but ask.
pub struct Daemon {
    pub connection: Connection,
    registered: mpsc::UnboundedReceiver<(String, OwnedObjectPath)>,
}

impl Daemon {
    pub async fn start(bus: &Bus) -> Self {
        let (sender, registered) = mpsc::unbounded_channel();
        let connection = zbus::connection::Builder::address(bus.address.as_str())
            .serve_at(client::bus::PATH, AgentManager(sender))
            .name(client::bus::NAME)
            .build()
            .await
            .unwrap();
        Self { connection, registered }
    }

    pub async fn registration(&mut self) -> (String, OwnedObjectPath) {
        tokio::time::timeout(PATIENCE, self.registered.recv()).await.expect("a registration").unwrap()
    }

    /// The agent that registers next.
    pub async fn agent(&mut self) -> AgentProxy<'static> {
        let (sender, path) = self.registration().await;
        AgentProxy::builder(&self.connection).destination(sender).path(path).build().await.unwrap()
    }
}

/// Our end of a secret's way, and the one to pass.
pub fn sink() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

/// What has arrived, without waiting: the agent answers after it has sent.
pub fn received(sink: &std::os::fd::OwnedFd) -> Option<String> {
    let mut buffer = [0u8; 512];
    let (read, _) = rustix::net::recv(sink, &mut buffer[..], rustix::net::RecvFlags::DONTWAIT).ok()?;
    Some(String::from_utf8(buffer[..read].to_vec()).unwrap())
}

pub fn request(number: u32) -> zbus::ObjectPath<'static> {
    zbus::ObjectPath::try_from(format!("/org/jitsuin/Jitsuin1/request/x/{number}")).unwrap()
}

/// Waits for a file to hold `text`. Other programs write it, and tell nobody.
pub async fn file_holds(file: &Path, text: &str) -> String {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let content = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
        if content.contains(text) {
            return content;
        }
        assert!(std::time::Instant::now() < deadline, "{text:?} in {content:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
