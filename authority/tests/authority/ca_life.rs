//! The CA's life: a root that is kept apart, one issuing CA after another, and keys in files that are closed or in a
//! token that hangs, breaks and is pulled.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use authority::ca::ceremony::{self, Installed, Keep};
use authority::ca::{Ca, CaSigner, Opened, renew_under, use_worker};
use authority::settings::{CaSettings, Pkcs11Place};
use tempfile::TempDir;
use token::Refusal;

use crate::bench::{Bench, Card, USER, applicant, secret};
use crate::revocation::{Party, today};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jitsuin-authority");
pub(crate) const PASSPHRASE: &str = "a root far from any network";
const PIN: &str = "739164";

/// A root of a ceremony, and the one in whose place its issuing CA comes.
pub(crate) struct Ceremony {
    pub(crate) dir: TempDir,
    fingerprint: String,
}

impl Ceremony {
    pub(crate) fn new(bench: &Bench) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keep = secret(PASSPHRASE);
        let code = &bench.house.settings.institution_code;
        let settings = CaSettings::default();
        let root = dir.path().join("root");
        let lines = ceremony::new_root(&root, code, &Keep::Sealed(&keep), &settings, bench.clock.now()).unwrap();
        Self { fingerprint: lines[0].strip_prefix("root sha256 ").unwrap().to_owned(), dir }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(crate) fn open(&self) -> (Vec<u8>, Box<dyn CaSigner>) {
        let root = ceremony::root(&self.root(), &CaSettings::default()).unwrap();
        assert_eq!(root.1.wants(), Some("ca_passphrase"));
        assert!(root.1.open(&secret("a wrong passphrase")).is_err());
        assert_eq!(root.1.open(&secret(PASSPHRASE)).unwrap(), Opened::Ready);
        root
    }

    /// Request and signature: the certificate for the key that waits, and its root where it is a new one.
    pub(crate) fn signed(&self, bench: &Bench, keep: &Keep<'_>, days: u32) -> (Vec<u8>, Option<Vec<u8>>) {
        let folder = bench.house.directory.join("ca");
        let (code, now) = (&bench.house.settings.institution_code, bench.clock.now());
        let (request, lines) = ceremony::request_issuing(&folder, code, keep, &CaSettings::default(), now).unwrap();
        let fingerprint = lines[0].strip_prefix("key ").unwrap();
        let root = self.open();
        let sign = |fingerprint: &str| {
            ceremony::sign_issuing(&self.root(), &root, &request, fingerprint, crate::bench::ORIGIN, days, now)
        };
        assert!(sign(&"0".repeat(64)).is_err(), "another key's request");
        let (certificate, _) = sign(fingerprint).unwrap();
        (certificate, (root.0 != bench.house.ca.root()).then_some(root.0))
    }

    /// Request, signature, installation.
    pub(crate) fn install(&self, bench: &Bench, keep: &Keep<'_>) -> Installed {
        let folder = bench.house.directory.join("ca");
        let now = bench.clock.now();
        let (certificate, above) = self.signed(bench, keep, 3650);
        let root = self.open().0;
        let old = ceremony::install_issuing(&folder, bench.house.ca.issuing(), Some(&root), None, now);
        assert!(old.is_err(), "not for the key that waits");
        let installed = ceremony::install_issuing(&folder, &certificate, above.as_deref(), None, now).unwrap();
        ceremony::finish(&folder).unwrap();
        installed
    }
}

/// The bench's house with the CA as it lies in the folder now, opened.
pub(crate) async fn reopened(bench: &Bench, settings: &CaSettings, entry: &str) -> authority::house::House {
    let mut house = bench.house.clone();
    let folder = house.directory.join("ca");
    let ca = Ca::open(&folder, settings).unwrap();
    for issuing in ca.all() {
        if issuing.signer().wants().is_some() {
            assert_eq!(issuing.signer().open(&secret(entry)).unwrap(), Opened::Ready);
        }
    }
    house.ca = Arc::new(ca);
    house.revocation = Arc::default();
    authority::revocation::register(&house.store, &house.ca, &bench.clock).await.unwrap();
    house
}

async fn logs_in(bench: &Bench, card: &Card) -> bool {
    let login = authority::login::Login::new(bench.house.clone(), "test");
    let challenge = login.challenge(authority::rules::login::Door::User).await.unwrap().challenge;
    let token = card.answer(challenge.as_str(), crate::bench::ORIGIN);
    login.verify_user(challenge.as_str(), &token).await.is_ok()
}

/// Opens an issue for the user and acquires it, whatever certificate there was.
async fn next_card(bench: &Bench) -> Result<Card, Refusal> {
    bench.wait(60);
    let user = applicant(Some(USER));
    let rows = authority::store::certificates::of_holder(bench.house.store.readers(), &user).await.unwrap();
    assert!(rows.iter().any(|row| row.record.status == authority::rules::certificate::Status::Awaiting));
    let card = bench.acquire().await?;
    bench.confirm(&card).await.unwrap();
    Ok(card)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_issuing_ca_follows_another_and_both_are_believed() {
    let mut bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let old = bench.user_card(&office).await;
    bench.wait(60);
    office.choose(USER, "reissue", Some("pc_change")).await.ok();

    let ceremony = Ceremony::new(&bench);
    let passphrase = secret("the issuing key's own words");
    let settings = CaSettings::default();
    let installed = ceremony.install(&bench, &Keep::Sealed(&passphrase));
    assert!(installed.new_root && installed.former == bench.house.ca.current().id());
    let folder = bench.house.directory.join("ca");
    // The trial root's key is as dangerous as before: whoever holds the ceremony is told where it is.
    assert_eq!(installed.root_key, Some(folder.join("former").join(&installed.former).join("root.key")));
    assert!(!folder.join("root.key").exists() && !folder.join("next").exists());
    let key = std::fs::read_to_string(folder.join("issuing.key")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let judged = Command::new("openssl")
        .args(["pkey", "-noout", "-text", "-passin", "pass:the issuing key's own words", "-in", "issuing.key"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(judged.status.success(), "{judged:?}");

    // closed, it issues nothing, and nothing is lost by asking
    let first = bench.house.clone();
    bench.house.ca = Arc::new(Ca::open(&folder, &settings).unwrap());
    authority::revocation::register(&bench.house.store, &bench.house.ca, &bench.clock).await.unwrap();
    let before = bench.dump().await;
    assert_eq!(bench.acquire().await.err(), Some(Refusal::Issuing));
    assert_eq!(bench.dump().await, before);

    bench.house = reopened(&bench, &settings, "the issuing key's own words").await;
    assert_eq!(bench.house.ca.roots().len(), 2);
    assert_eq!(hex::encode(bench.house.ca.root_sha256()), ceremony.fingerprint);
    assert!(logs_in(&bench, &old).await, "a certificate of the former CA");
    let new = next_card(&bench).await.unwrap();
    assert!(logs_in(&bench, &new).await && !logs_in(&bench, &old).await);
    let issuers: Vec<_> = [&old, &new].map(|card| bench.house.ca.issuer_of(&card.certificate).unwrap().id()).to_vec();
    assert_eq!(issuers, [installed.former.as_str(), installed.issuer.as_str()]);

    // both CAs' lists and answers, by OpenSSL
    for (ca, card, verdict) in [(first.ca.clone(), &old, "revoked"), (bench.house.ca.clone(), &new, "good")] {
        let party = Party::under(&bench, ca.root(), ca.issuing()).await;
        let list = party.by_list(card, false).await;
        assert_eq!(list.contains("user.pem: OK"), verdict == "good", "{list}");
        let answer = party.by_ocsp(&["-cert", "user.pem"], &[]);
        assert!(answer.contains(&format!("user.pem: {verdict}")), "{answer}");
    }
    let lists = ceremony::install_root_list(&folder, &pem(&ceremony.root().join("root.crl")));
    assert_eq!(lists.unwrap(), 1);
    bench.house.ca = reopened(&bench, &settings, "the issuing key's own words").await.ca;
    let party = Party::under(&bench, bench.house.ca.root(), bench.house.ca.issuing()).await;
    let judged = party.by_list(&new, true).await;
    assert!(judged.contains("user.pem: OK"), "{judged}");

    // the server's certificate is made by the new issuing CA, and leads to the new root
    renew_under(&folder, &bench.house.settings.origin, bench.house.ca.current(), bench.clock.now()).unwrap();
    let identity = authority::ca::ServerIdentity::load(&folder).unwrap();
    assert_eq!(identity.chain.len(), 3);
    assert_eq!(identity.chain.last().unwrap(), bench.house.ca.root());

    // the root revokes its issuing CA
    let root = ceremony.open();
    let compromised = Some((bench.house.ca.issuing(), x509_cert::ext::pkix::CrlReason::CaCompromise));
    ceremony::sign_root_list(&ceremony.root(), &root, compromised, bench.clock.now()).unwrap();
    let again = ceremony::sign_root_list(&ceremony.root(), &root, compromised, bench.clock.now());
    assert!(again.is_err(), "once");
    assert_eq!(ceremony::install_root_list(&folder, &pem(&ceremony.root().join("root.crl"))).unwrap(), 2);
    assert!(ceremony::install_root_list(&folder, &pem(&ceremony.root().join("root.crl"))).is_err(), "not newer");
    bench.house.ca = reopened(&bench, &settings, "the issuing key's own words").await.ca;
    let party = Party::under(&bench, bench.house.ca.root(), bench.house.ca.issuing()).await;
    let judged = party.by_list(&new, true).await;
    assert!(judged.contains("error 23 at 1 depth"), "{judged}");
    let log = std::fs::read_to_string(ceremony.root().join("ceremony.log")).unwrap();
    assert_eq!(log.lines().count(), 3, "{log}");
}

fn pem(path: &Path) -> Vec<u8> {
    der::pem::decode_vec(&std::fs::read(path).unwrap()).unwrap().1
}

/// A SoftHSM behind the module that misbehaves, and the worker's program with their environment.
struct Hsm {
    dir: TempDir,
    settings: CaSettings,
}

impl Hsm {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("tokens")).unwrap();
        std::fs::write(at("softhsm2.conf"), format!("directories.tokendir = {}\n", at("tokens").display())).unwrap();
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "jca", "--pin", PIN, "--so-pin", "88120034"])
            .env("SOFTHSM2_CONF", at("softhsm2.conf"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let script = format!(
            "#!/bin/sh\nSOFTHSM2_CONF={} MISBEHAVE_ORDERS={} MISBEHAVE_LOG={} exec {PROGRAM} \"$@\"\n",
            at("softhsm2.conf").display(),
            at("orders").display(),
            at("log").display(),
        );
        std::fs::write(at("worker"), script).unwrap();
        std::fs::set_permissions(at("worker"), std::fs::Permissions::from_mode(0o755)).unwrap();
        use_worker(at("worker"));
        let beside = Path::new(PROGRAM).parent().unwrap();
        let file = misbehaving_module::FILE;
        let module = [beside.join("deps").join(file), beside.join(file)].into_iter().find(|p| p.exists()).unwrap();
        let place = Pkcs11Place { module, token: "jca".to_owned() };
        Self { dir, settings: CaSettings { pkcs11: Some(place), sign_seconds: 8 } }
    }

    fn order(&self, order: &str) {
        std::fs::write(self.dir.path().join("orders"), order).unwrap();
    }

    /// How often a PIN was offered to the token.
    fn verified(&self) -> usize {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default().lines().count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuing_key_lies_in_a_token_that_fails_and_comes_back() {
    let hsm = Hsm::new();
    let mut bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let ceremony = Ceremony::new(&bench);
    let (place, pin) = (hsm.settings.pkcs11.clone().unwrap(), secret(PIN));
    let keep = Keep::Token { place: &place, label: "jitsuin-issuing-ca", pin: &pin };
    ceremony.install(&bench, &keep);
    let folder = bench.house.directory.join("ca");
    assert!(!folder.join("issuing.key").exists(), "the key is in the token and nowhere else");
    bench.house = reopened(&bench, &hsm.settings, PIN).await;

    // it hangs: the worker is killed in its time, the next one is refused at once, and nothing is lost
    let before = bench.dump().await;
    hsm.order("C_Sign hang\n");
    for _ in 0..2 {
        assert_eq!(bench.acquire().await.err(), Some(Refusal::Issuing));
    }
    assert_eq!(bench.dump().await, before);
    hsm.order("");
    // the pause after a hang is five seconds
    tokio::time::sleep(std::time::Duration::from_millis(5_200)).await;
    for order in ["C_Sign abort\n", "C_Sign code:32\n", "C_GetTokenInfo code:e0\n"] {
        hsm.order(order);
        assert_eq!(bench.acquire().await.err(), Some(Refusal::Issuing), "{order}");
        assert_eq!(bench.dump().await, before, "{order}");
    }
    hsm.order("");
    let card = next_card(&bench).await.unwrap();
    assert!(logs_in(&bench, &card).await);
    let party = Party::under(&bench, bench.house.ca.root(), bench.house.ca.issuing()).await;
    let judged = party.by_list(&card, false).await;
    assert!(judged.contains("user.pem: OK"), "{judged}");
    assert!(party.by_ocsp(&["-cert", "user.pem"], &[]).contains("user.pem: good"));

    // a wrong PIN is offered once, and never again
    let ca = Ca::open(&folder, &hsm.settings).unwrap();
    let signer = ca.current().signer();
    let spent = hsm.verified();
    assert!(signer.open(&secret("111111")).is_err());
    assert_eq!(hsm.verified(), spent + 1);
    for _ in 0..3 {
        assert!(signer.sign(&[0x30; 200]).is_err());
    }
    assert_eq!(hsm.verified(), spent + 1);
    assert_eq!(signer.wants(), Some("ca_pin"));
    // the token is not there at start: the PIN waits for it
    hsm.order("C_GetSlotList code:5\n");
    assert_eq!(signer.open(&secret(PIN)).unwrap(), Opened::Later);
    hsm.order("");
    let tbs = [&[0x30, 0x81, 0x80][..], &[0x04, 0x7e], &[7; 126]].concat();
    assert!(signer.sign(&tbs).is_ok());
    assert!(signer.sign(&[7; 64]).is_err(), "what no CA signs is not signed");
}

pub(crate) fn run(directory: &Path, arguments: &[&str], secrets: &str) -> Output {
    use std::io::Write;
    let mut command = Command::new(PROGRAM);
    command.arg("--dir").arg(directory).arg("--secrets-stdin").args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(secrets.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The ceremony as two operators type it.
#[tokio::test(flavor = "multi_thread")]
async fn the_ceremony_by_commands() {
    let bench = Bench::new().await;
    let (authority, scratch) = (bench.house.directory.to_path_buf(), tempfile::tempdir().unwrap());
    let offline = scratch.path().join("offline");
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let words = format!("root_passphrase={PASSPHRASE}\n");

    let short = run(&offline, &["ca", "new-root", "--institution-code", "1635"], "root_passphrase=short\n");
    assert!(String::from_utf8_lossy(&short.stderr).contains("fewer than 12") && !offline.exists());
    let made = done(&run(&offline, &["ca", "new-root", "--institution-code", "1635"], &words));
    let root = made.trim().strip_prefix("root sha256 ").unwrap();
    let asked = done(&run(&authority, &["ca", "request-issuing"], "ca_passphrase=words for the issuing key\n"));
    let line = |text: &str, name: &str| text.lines().find_map(|l| l.strip_prefix(name)).unwrap().to_owned();
    let (request, key) = (line(&asked, "request "), line(&asked, "key "));
    let (issuing, list, next) = (at("issuing.pem"), at("root.crl"), at("next.crl"));
    let sign =
        ["ca", "sign-issuing", "--request", &request, "--revocation-url", "https://localhost:8443", "--out", &issuing];
    let wrong = run(&offline, &[&sign[..], &["--fingerprint", &"0".repeat(64)]].concat(), &words);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains(&key), "{wrong:?}");
    let signed = done(&run(&offline, &[&sign[..], &["--fingerprint", &key]].concat(), &words));
    assert_eq!(line(&signed, "key "), key);
    let root_file = offline.join("root.crt").to_str().unwrap().to_owned();
    let install = ["ca", "install-issuing", "--certificate", &issuing, "--root", &root_file];
    let open = "ca_passphrase=words for the issuing key\n";
    let unseen = run(&authority, &install, open);
    assert!(String::from_utf8_lossy(&unseen.stderr).contains(root), "{unseen:?}");
    let installed = done(&run(&authority, &[&install[..], &["--root-sha256", root]].concat(), open));
    assert!(std::path::Path::new(&line(&installed, "the former root's key lies in ")).exists(), "{installed}");
    assert!(installed.contains("or destroy it"), "{installed}");
    assert_eq!(done(&run(&authority, &["roots"], "")).trim(), made.trim());
    done(&run(&offline, &["ca", "sign-root-list", "--out", &list], &words));
    assert!(done(&run(&authority, &["ca", "install-root-list", "--list", &list], "")).contains("root list 2"));
    let revoke = ["ca", "revoke-issuing", "--certificate", &issuing, "--reason", "compromised", "--out"];
    let over = run(&offline, &[&revoke[..], &[&root_file]].concat(), &words);
    assert!(String::from_utf8_lossy(&over.stderr).contains("exists already"), "{over:?}");
    done(&run(&offline, &[&revoke[..], &[&next]].concat(), &words));
    assert!(done(&run(&authority, &["ca", "install-root-list", "--list", &next], "")).contains("root list 3"));
    let again = run(&authority, &["ca", "install-root-list", "--list", &next], "");
    assert!(String::from_utf8_lossy(&again.stderr).contains("not newer"));
    // the server's certificate goes on without the root
    assert!(done(&run(&authority, &["renew-server-certificate"], open)).contains("server certificate until"));
    // a server that cannot open its key says so and does not start
    let wrong = run(&authority, &["serve", "--listen", "127.0.0.1:0"], "ca_passphrase=not the words at all\n");
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && told.contains("does not open the key"), "{told}");
    done(&run(&authority, &["verify-audit"], ""));
}
