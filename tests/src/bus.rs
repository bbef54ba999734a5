//! A message bus of the test's own.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use crate::running::{Running, wait_for};
use crate::scratch::{Scratch, output};

/// A dbus-daemon with a configuration of its own: no activation, nobody else on it.
#[derive(Debug)]
pub struct Bus {
    /// What `DBUS_SESSION_BUS_ADDRESS` says.
    pub address: String,
    running: Running,
}

impl Bus {
    /// Starts it and waits until it listens.
    #[must_use]
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_named(scratch, "bus")
    }

    /// The same, where a test needs two.
    #[must_use]
    pub fn start_named(scratch: &Scratch, name: &str) -> Self {
        let socket: PathBuf = scratch.path().join("run").join(name);
        let config = scratch.file(
            &format!("{name}.conf"),
            &format!(
                r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
                socket.display()
            ),
        );
        let mut command = scratch.command("dbus-daemon");
        command.arg("--nofork").arg("--nopidfile").arg("--config-file").arg(&config);
        let running = Running::start(scratch, name, &command);
        // The socket is there before anybody listens on it.
        wait_for("the bus", || UnixStream::connect(&socket).ok());
        Self { address: format!("unix:path={}", socket.display()), running }
    }

    /// Points a command at this bus.
    pub fn on<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// Waits until somebody owns this name.
    pub fn wait_for_name(&self, scratch: &Scratch, name: &str) {
        output(self.on(&mut scratch.command("gdbus")).args(["wait", "--session", "--timeout", "30", name]));
    }

    /// The bus's own process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.id()
    }
}
