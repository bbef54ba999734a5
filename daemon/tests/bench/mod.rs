//! A supervisor of one module in a scratch directory, started as the daemon starts it.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use daemon::actor::{TokenHandle, Tokens};
use daemon::config::ModuleConfig;
use daemon::worker::{ModuleStatus, Settings, Supervisor, Timing};
use token::{
    Challenge, KeyAlgorithm, KeyPolicy, Op, Origin, Outcome, Pin, PublicKey, Secret, SignatureAlgorithm, SlotId,
    Statement,
};
use tokio_util::sync::CancellationToken;

/// Where Debian puts it.
pub(crate) const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// The PIN of every token here.
pub(crate) const PIN: &str = "739164";

/// The deadline of every operation here, instead of minutes.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) config: ModuleConfig,
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    pub(crate) shutdown: CancellationToken,
}

impl Bench {
    /// A scratch SoftHSM with tokens of these labels; nothing is started yet.
    pub(crate) fn new(labels: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("tokens");
        let conf = dir.path().join("softhsm2.conf");
        std::fs::create_dir(&store).unwrap();
        std::fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", store.display())).unwrap();
        let environment = BTreeMap::from([("SOFTHSM2_CONF".to_owned(), conf.to_str().unwrap().to_owned())]);
        let config = ModuleConfig {
            name: "bench".into(),
            path: SOFTHSM.into(),
            readable: vec![conf],
            writable: vec![store],
            environment,
        };
        let timing = Timing {
            limit: Some(LIMIT),
            start: LIMIT,
            first_pause: Duration::from_millis(20),
            longest_pause: Duration::from_millis(100),
            healthy: Duration::from_secs(60),
        };
        let settings = Settings { program: env!("CARGO_BIN_EXE_jitsuind").into(), timing };
        let bench = Self { dir, config, settings, tokens: Tokens::new(), shutdown: CancellationToken::new() };
        for label in labels {
            bench.make_token(label);
        }
        bench
    }

    /// The same through the module that misbehaves, with a place for its orders and reports.
    pub(crate) fn misbehaving(labels: &[&str]) -> Self {
        let mut bench = Self::new(labels);
        bench.config.path = built(misbehaving_module::FILE);
        let out = bench.path("out");
        std::fs::create_dir(&out).unwrap();
        for (name, file) in [("ORDERS", "orders"), ("LOG", "log")] {
            std::fs::write(out.join(file), "").unwrap();
            let value = out.join(file).to_str().unwrap().to_owned();
            bench.config.environment.insert(format!("MISBEHAVE_{name}"), value);
        }
        bench.config.writable.push(out);
        bench
    }

    /// From now on, this function does that; an empty order is none.
    pub(crate) fn order(&self, orders: &str) {
        std::fs::write(self.path("out/orders"), orders).unwrap();
    }

    /// How often a PIN was sent to the module to be verified.
    pub(crate) fn verifications(&self) -> usize {
        std::fs::read_to_string(self.path("out/log")).unwrap().lines().count()
    }

    pub(crate) fn make_token(&self, label: &str) {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "88120034"])
            .envs(&self.config.environment)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts it, without waiting for anything.
    pub(crate) fn start(&self) -> Supervisor {
        Supervisor::start_with(&self.settings, vec![self.config.clone()], self.tokens.clone(), self.shutdown.clone())
            .unwrap()
    }

    /// Starts it and waits until its tokens are there.
    pub(crate) async fn started(&self) -> Supervisor {
        let supervisor = self.start();
        supervisor.refresh().await;
        assert!(matches!(supervisor.states()[0].status, ModuleStatus::Running { .. }), "{:?}", supervisor.states());
        supervisor
    }

    pub(crate) async fn stop(&self, supervisor: Supervisor) {
        self.shutdown.cancel();
        supervisor.finished().await;
    }

    /// The token of that label, waited for.
    pub(crate) async fn token(&self, label: &str) -> TokenHandle {
        until(|| self.tokens.list().into_iter().find(|t| t.info().label == label)).await
    }
}

/// Waits until something is so; a test that waits ten seconds has failed.
pub(crate) async fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = found() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be");
}

pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(Secret::new(text.as_bytes().to_vec()))
}

pub(crate) fn slot(name: &str) -> SlotId {
    SlotId::new(name).unwrap()
}

pub(crate) fn statement() -> Statement {
    let origin = Origin::new("https://bank.example").unwrap();
    Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).unwrap(), SignatureAlgorithm::Es256)
}

pub(crate) fn generate(name: &str) -> Op {
    Op::Generate {
        slot: slot(name),
        algorithm: KeyAlgorithm::P256,
        policy: KeyPolicy::default(),
        mark: format!("jitsuin {name}"),
    }
}

pub(crate) fn sign(name: &str, expected: &PublicKey) -> Op {
    let algorithm = SignatureAlgorithm::Es256;
    Op::Sign { slot: slot(name), expected: expected.clone(), algorithm, statement: statement() }
}

/// Makes a key in a turn of its own.
pub(crate) async fn make_key(token: &TokenHandle, name: &str) -> PublicKey {
    let mut turn = token.turn(Some(pin(PIN))).await.unwrap();
    match turn.perform(generate(name)).await {
        Ok(Outcome::Generated(key)) => key,
        other => panic!("{other:?}"),
    }
}

/// A library that was built for these tests: beside the daemon's program, or among what it is
/// built from.
fn built(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_BIN_EXE_jitsuind")).parent().unwrap();
    let places = [dir.join("deps").join(name), dir.join(name)];
    places.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name} was not built")).clone()
}

/// A certificate for that key, made by openssl.
pub(crate) fn certificate(key: &PublicKey) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = |file: &str| dir.path().join(file).to_str().unwrap().to_owned();
    std::fs::write(path("key.der"), key.as_der()).unwrap();
    for line in [
        format!("ecparam -name prime256v1 -genkey -noout -out {}", path("ca.pem")),
        format!("pkey -pubin -inform DER -in {} -out {}", path("key.der"), path("key.pem")),
        format!(
            "x509 -new -subj /CN=bench -force_pubkey {} -key {} -outform DER -out {}",
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
