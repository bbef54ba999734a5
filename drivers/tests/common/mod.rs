//! A SoftHSM of the test's own: a temporary directory, and tokens made by its own tool.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use token::{
    Device, Fault, KeyAlgorithm, KeyPolicy, Op, Outcome, Pin, PublicKey, Secret, SlotId, TokenInfo, TokenKind,
};

/// Where Debian puts it.
pub(crate) const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// The PIN of every token here.
pub(crate) const PIN: &str = "739164";
/// The SO PIN.
pub(crate) const SO_PIN: &str = "88120034";

/// Tokens of this process that no test has taken yet: SoftHSM reads its directory once, when it is
/// loaded, so they are all made before.
static POOL: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

/// One token of a test.
pub(crate) struct Bench {
    pub(crate) device: Box<dyn Device>,
    pub(crate) label: String,
    pub(crate) config: PathBuf,
}

/// Takes an unused token.
pub(crate) fn bench() -> Bench {
    let pool = POOL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap().keep();
        let config = dir.join("softhsm2.conf");
        std::fs::create_dir(dir.join("tokens")).unwrap();
        std::fs::write(
            &config,
            format!("directories.tokendir = {}\nlog.level = ERROR\n", dir.join("tokens").display()),
        )
        .unwrap();
        #[expect(unsafe_code, reason = "the module reads its configuration's place from the environment")]
        // SAFETY: done once, under the lock, before the module or any thread of ours reads it.
        unsafe {
            std::env::set_var("SOFTHSM2_CONF", &config);
        }
        // nextest gives each test a process of its own.
        let wanted = if std::env::var_os("NEXTEST").is_some() { 1 } else { 24 };
        let labels: Vec<String> = (0..wanted).map(|n| format!("bench-{n}")).collect();
        for label in &labels {
            let made = Command::new("softhsm2-util")
                .args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SO_PIN])
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Mutex::new(labels)
    });
    let label = pool.lock().unwrap().pop().expect("more tokens than the pool holds");
    let module = drivers::pkcs11::Module::load(Path::new(SOFTHSM)).unwrap();
    for seen in module.present().unwrap() {
        let sighting = module.sighting(seen.slot);
        let mut device = drivers::driver_for(TokenKind::Keys, &sighting).unwrap().open(&sighting).unwrap();
        if device.info().unwrap().label == label {
            return Bench { device, label, config: std::env::var_os("SOFTHSM2_CONF").unwrap().into() };
        }
    }
    panic!("the token {label} is not there");
}

pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(Secret::new(text.as_bytes().to_vec()))
}

pub(crate) fn slot(name: &str) -> SlotId {
    SlotId::new(name).unwrap()
}

impl Bench {
    pub(crate) fn op(&mut self, op: Op) -> Result<Outcome, Fault> {
        self.device.perform(&op, &mut |_| {})
    }

    pub(crate) fn unlock(&mut self) {
        assert_eq!(self.op(Op::Unlock { pin: Some(pin(PIN)), last: false }), Ok(Outcome::Done));
    }

    pub(crate) fn lock(&mut self) {
        assert_eq!(self.op(Op::Lock), Ok(Outcome::Done));
    }

    pub(crate) fn info(&mut self) -> TokenInfo {
        self.device.info().unwrap()
    }

    pub(crate) fn generate(&mut self, name: &str, algorithm: KeyAlgorithm) -> PublicKey {
        let op =
            Op::Generate { slot: slot(name), algorithm, policy: KeyPolicy::default(), mark: format!("jitsuin {name}") };
        match self.op(op) {
            Ok(Outcome::Generated(key)) => key,
            other => panic!("{other:?}"),
        }
    }

    /// An outside judge's view of the token, logged in.
    pub(crate) fn pkcs11_tool(&self, arguments: &[&str]) -> String {
        let out = Command::new("pkcs11-tool")
            .args(["--module", SOFTHSM, "--token-label", &self.label, "--login", "--pin", PIN])
            .args(arguments)
            .env("SOFTHSM2_CONF", &self.config)
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
}

/// A certificate for that key, made by openssl.
pub(crate) fn certificate(key: &PublicKey, name: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = |file: &str| dir.path().join(file).to_str().unwrap().to_owned();
    std::fs::write(path("key.der"), key.as_der()).unwrap();
    for line in [
        format!("ecparam -name prime256v1 -genkey -noout -out {}", path("ca.pem")),
        format!("pkey -pubin -inform DER -in {} -out {}", path("key.der"), path("key.pem")),
        format!(
            "x509 -new -subj /CN={name} -force_pubkey {} -key {} -outform DER -out {}",
            path("key.pem"),
            path("ca.pem"),
            path("cert.der")
        ),
    ] {
        let out = Command::new("openssl").args(line.split(' ')).output().unwrap();
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
    }
    std::fs::read(path("cert.der")).unwrap()
}
