//! What the contenders share: a token with one key that needs no PIN, a certificate for it, and the programs.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::scratch::{Scratch, output};
use tests::soft_token::{MODULE, SoftHsm, SoftToken};

use crate::module::{KEY_ID, Module, Remoting};

/// Where the logins are for: the daemon signs for it unattended.
pub(crate) const ORIGIN: &str = "https://bench.example";

/// 32 bytes.
pub(crate) const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// DER of the object identifier of P-256.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// How the measuring process reaches everything.
pub(crate) struct Addresses {
    pub(crate) bus: String,
    pub(crate) socket: String,
    pub(crate) key: String,
    pub(crate) p11_kit_clients: Vec<String>,
}

impl Addresses {
    pub(crate) fn from(arguments: &[&str]) -> Self {
        let [bus, socket, key, clients @ ..] = arguments else { panic!("inside: bus socket key client…") };
        Self {
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
        self::inside(&hsm, &["make-key"]);
        certify(&scratch, &hsm, &token);
        let bus = Bus::start(&scratch);
        let config = Config::new()
            .soft_hsm("softhsm", &hsm)
            .and(&format!("[policy]\nunattended-origins = [\"{ORIGIN}\"]\n"))
            .quiet();
        let daemon = Daemon::start(&scratch, &bus, &config);
        let remoting = Remoting::start(&hsm.conf, &scratch.path().join("run/p11"));
        Self { daemon, bus, remoting, token, hsm, scratch }
    }

    pub(crate) fn run_inside(&self) -> ExitStatus {
        // One copy of the client module for each client: a module has one connection for its process.
        let clients: Vec<PathBuf> = (0..8)
            .map(|n| {
                let copy = self.scratch.path().join(format!("p11-kit-client-{n}.so"));
                fs::copy(&self.remoting.client, &copy).expect("a copy of p11-kit-client.so");
                copy
            })
            .collect();
        let key = format!("pkcs11:{}/{}", self.token.serial, hex::encode(KEY_ID));
        myself(&self.hsm)
            .env("P11_KIT_SERVER_ADDRESS", &self.remoting.address)
            .arg("inside")
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

fn inside(hsm: &SoftHsm, arguments: &[&str]) {
    output(myself(hsm).args(arguments));
}

/// Generates the key, without `CKA_PRIVATE`: it can be used without a login.
pub(crate) fn make_key() {
    let session = Module::load(MODULE).session(true);
    let id = Attribute::Id(KEY_ID.to_vec());
    session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &[Attribute::Token(true), Attribute::Private(false), Attribute::EcParams(P256.to_vec()), id.clone()],
            &[
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
                id,
            ],
        )
        .expect("a key pair");
}

/// Has openssl make a certificate for the key, and pkcs11-tool write it to the token.
fn certify(scratch: &Scratch, hsm: &SoftHsm, token: &SoftToken) {
    let id = hex::encode(KEY_ID);
    let file = |name: &str| scratch.path().join(name).display().to_string();
    let (public, ca_key, ca, leaf) = (file("public.der"), file("ca.key"), file("ca.pem"), file("leaf.der"));
    let on_token = ["--token-label", token.label.as_str(), "--id", id.as_str()];
    output(hsm.pkcs11_tool().args(on_token).args(["--read-object", "--type", "pubkey", "--output-file", &public]));
    let extensions =
        scratch.file("extensions", "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n");
    let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    output(
        scratch
            .command("openssl")
            .args(["req", "-x509", "-subj", "/CN=bench CA", "-keyout", &ca_key, "-out", &ca])
            .args(ec),
    );
    let ca_options =
        ["-CA", ca.as_str(), "-CAkey", ca_key.as_str(), "-days", "2", "-outform", "DER", "-out", leaf.as_str()];
    output(
        scratch
            .command("openssl")
            .args(["x509", "-new", "-subj", "/CN=00009876543 riyousya 1635", "-force_pubkey", &public, "-extfile"])
            .arg(extensions)
            .args(ca_options),
    );
    output(hsm.pkcs11_tool().args(on_token).args([
        "--login",
        "--pin",
        &token.pin,
        "--write-object",
        &leaf,
        "--type",
        "cert",
    ]));
}
