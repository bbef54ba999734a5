//! A TPM of the test's own: swtpm on a Unix socket, and the tokens that libtpm2-pkcs11 keeps with it.

use std::path::PathBuf;
use std::process::Command;

use crate::bus::Bus;
use crate::running::{Running, wait_for};
use crate::scratch::{Scratch, output};
use crate::soft_token::SoftToken;

/// The resource manager's name on its bus.
const MANAGER: &str = "com.intel.tss2.Tabrmd";

/// The module, where Debian installs it for this architecture.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn module() -> PathBuf {
    let path = PathBuf::from(format!("/usr/lib/{}-linux-gnu/libtpm2_pkcs11.so.1", std::env::consts::ARCH));
    assert!(path.exists(), "{} is missing: scripts/setup --test installs it", path.display());
    path
}

/// A TPM that runs, with an empty store of tokens. It ends when dropped.
#[derive(Debug)]
pub struct Tpm {
    /// The folder in which the module keeps what belongs to its tokens but the keys' secrets.
    pub store: PathBuf,
    /// The TPM's process.
    pub swtpm: Running,
    manager: Option<(Running, Bus)>,
    socket: PathBuf,
}

impl Tpm {
    /// Makes a TPM and starts it. It has room for three keys at a time, and the module leaves each that is used in a
    /// turn there until the turn ends.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(scratch: &Scratch) -> Self {
        let (folder, store) = (scratch.folder("tpm"), scratch.folder("tpm-store"));
        // The module expects the control socket beside the other, under this name.
        let (socket, control) = (folder.join("tpm"), folder.join("tpm.ctrl"));
        let mut command = scratch.command("swtpm");
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
        command.arg("--tpmstate").arg(format!("dir={}", folder.display()));
        command.arg("--server").arg(format!("type=unixio,path={}", socket.display()));
        command.arg("--ctrl").arg(format!("type=unixio,path={}", control.display()));
        let mut swtpm = Running::start(scratch, "swtpm", &command);
        wait_for("the TPM", || {
            assert!(swtpm.is_running(), "swtpm did not start. Install swtpm.\n{}", swtpm.printed());
            (socket.exists() && control.exists()).then_some(())
        });
        Self { store, swtpm, manager: None, socket }
    }

    /// The same behind a resource manager, which swaps keys in and out as the kernel does for a TPM that is in the
    /// machine.
    #[must_use]
    pub fn managed(scratch: &Scratch) -> Self {
        let mut tpm = Self::start(scratch);
        let bus = Bus::start_named(scratch, "tpm-bus");
        let mut command = scratch.command("tpm2-abrmd");
        // It lies where ordinary users do not look for programs.
        command.env("PATH", std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin");
        command.args(["--session", "--allow-root"]).arg(format!("--tcti=swtpm:path={}", tpm.socket.display()));
        let manager = Running::start(scratch, "tpm2-abrmd", bus.on(&mut command));
        bus.wait_for_name(scratch, MANAGER);
        tpm.manager = Some((manager, bus));
        tpm
    }

    /// What the module's environment says: where the TPM and the store are, and that no other store is looked for.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment =
            vec![("TPM2_PKCS11_BACKEND", "esysdb".to_owned()), ("TPM2_PKCS11_STORE", self.store.display().to_string())];
        match &self.manager {
            None => environment.push(("TPM2_PKCS11_TCTI", format!("swtpm:path={}", self.socket.display()))),
            Some((_, bus)) => environment.extend([
                ("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session".to_owned()),
                ("DBUS_SESSION_BUS_ADDRESS", bus.address.clone()),
            ]),
        }
        environment
    }

    /// Makes a token with this label and PIN. All tokens of this module have the same serial number.
    pub fn token(&self, label: &str, pin: &str) -> SoftToken {
        let so_pin = "12345678";
        // There is always one slot that waits for a token, the last.
        let slots = output(self.pkcs11_tool().arg("--list-slots"));
        let free = slots.lines().filter(|line| line.starts_with("Slot ")).count() - 1;
        let slot = ["--slot-index", &free.to_string()];
        output(self.pkcs11_tool().args(slot).args(["--init-token", "--label", label, "--so-pin", so_pin]));
        let init = ["--init-pin", "--pin", pin, "--login", "--so-pin", so_pin];
        output(self.pkcs11_tool().args(["--token-label", label]).args(init));
        SoftToken { label: label.to_owned(), serial: "0000000000000000".to_owned(), pin: pin.to_owned() }
    }

    /// pkcs11-tool over this TPM, which without a manager serves one program at a time.
    #[must_use]
    pub fn pkcs11_tool(&self) -> Command {
        let mut command = Command::new("pkcs11-tool");
        command.envs(self.environment()).arg("--module").arg(module());
        command
    }
}
