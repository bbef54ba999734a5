//! What the contenders share: a token with one key that needs no PIN, a certificate for it, and the programs.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::foreign_ca::ForeignCa;
use tests::scratch::Scratch;
use tests::soft_token::{SoftHsm, SoftToken};

use crate::module::{KEY_ID, Remoting};

/// Where the logins are for: the daemon signs for it unattended.
pub(crate) const ORIGIN: &str = "https://bench.example";

/// How the measuring process reaches everything.
pub(crate) struct Addresses {
    /// A part of the names of those who take part.
    pub(crate) only: String,
    pub(crate) bus: String,
    pub(crate) socket: String,
    pub(crate) key: String,
    pub(crate) p11_kit_clients: Vec<String>,
}

impl Addresses {
    pub(crate) fn from(arguments: &[&str]) -> Self {
        let [only, bus, socket, key, clients @ ..] = arguments else { panic!("inside: only bus socket key client…") };
        Self {
            only: (*only).to_owned(),
            bus: (*bus).to_owned(),
            socket: (*socket).to_owned(),
            key: (*key).to_owned(),
            p11_kit_clients: clients.iter().map(|c| (*c).to_owned()).collect(),
        }
    }
}

/// Dropped in the order of its fields: the programs first, the folder last.
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    pub(crate) bus: Bus,
    remoting: Remoting,
    token: SoftToken,
    pub(crate) hsm: SoftHsm,
    pub(crate) scratch: Scratch,
}

impl World {
    pub(crate) fn build() -> Self {
        let scratch = Scratch::new();
        let hsm = SoftHsm::new(&scratch, "hsm");
        let token = hsm.token("bench", "123456");
        let name = "00009876543 riyousya 1635";
        ForeignCa::new(&scratch).open_key(&scratch, &hsm, &token, KEY_ID, name, 2);
        let bus = Bus::start(&scratch);
        let config = Config::new()
            .soft_hsm("softhsm", &hsm)
            .and(&format!("[policy]\nunattended-origins = [\"{ORIGIN}\"]\n"))
            .quiet();
        let daemon = Daemon::start(&scratch, &bus, &config);
        let remoting = Remoting::start(&hsm.conf, &scratch.path().join("run/p11"));
        Self { daemon, bus, remoting, token, hsm, scratch }
    }

    pub(crate) fn run_inside(&self, only: &str) -> ExitStatus {
        // One copy of the client module for each client: a module has one connection for its process.
        let clients: Vec<PathBuf> = (0..8)
            .map(|n| {
                let copy = self.scratch.path().join(format!("p11-kit-client-{n}.so"));
                fs::copy(&self.remoting.client, &copy).expect("a copy of p11-kit-client.so");
                copy
            })
            .collect();
        let key = format!("pkcs11:{}/{}", self.token.serial, KEY_ID);
        myself(&self.hsm)
            .env("P11_KIT_SERVER_ADDRESS", &self.remoting.address)
            .arg("inside")
            .arg(only)
            .arg(&self.bus.address)
            .arg(&self.daemon.socket)
            .arg(key)
            .args(clients)
            .status()
            .expect("the measuring process")
    }
}

/// This program once more, with SoftHSM's store in its environment.
pub(crate) fn myself(hsm: &SoftHsm) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env("SOFTHSM2_CONF", &hsm.conf);
    command
}
