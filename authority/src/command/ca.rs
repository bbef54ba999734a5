//! `ca …`: the key ceremony, and the change from one issuing CA to the next.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use token::{InstitutionCode, Secret};
use x509_cert::ext::pkix::CrlReason;

use super::secrets::Secrets;
use super::unlock::{PASSPHRASE, label};
use super::{operator_name, say};
use crate::ca::ceremony::{self, Keep};
use crate::ca::{self, Ca, CaSigner, Opened};
use crate::clock::Clock;
use crate::house::{CA_FOLDER, House};
use crate::settings::{CaSettings, Pkcs11Place, Settings};
use crate::store::Event;

/// `ca …`
#[derive(Debug, Subcommand)]
pub enum CaWork {
    /// Encrypt the issuing keys that lie in plain files, those of former CAs among them. Asks for `ca_passphrase`.
    EncryptKey,
    /// Put a new issuing CA in service; the old one answers for its certificates until they end.
    ///
    /// With `--root` the new CA is under another root: clients must have pinned both roots before. Asks for what opens
    /// the new key: `ca_passphrase`, or `ca_pin`. The server's TLS certificate is made anew by the new issuing CA where
    /// the former one made it. What was interrupted is taken up by the same command. Start the server again afterwards.
    ///
    /// Where the former CA's key has another passphrase or PIN than the new one's, the server takes it as the credential
    /// `ca_passphrase.ID` or `ca_pin.ID`, with the former CA's ID as it is printed here.
    ///
    /// The key of a root that `init` made for trials goes to `ca/former/` with the rest, and where it lies is printed. It
    /// stays as dangerous as it was: move it to the machine without a network, where it makes that root's list, or, when
    /// no client has that root pinned any more and nothing under it is in use, destroy it and its backups.
    InstallIssuing {
        /// The certificate that `ca sign-issuing` made.
        #[arg(long)]
        certificate: PathBuf,
        /// The certificate of its root, where it is a new one.
        #[arg(long)]
        root: Option<PathBuf>,
        /// The SHA-256 of the new root, as `ca new-root` printed it.
        #[arg(long, requires = "root")]
        root_sha256: Option<String>,
    },
    /// Take a root's list in service: of the root of the CA that issues, or of a former one. Start the server again
    /// afterwards.
    InstallRootList {
        /// The list that `ca sign-root-list` or `ca revoke-issuing` made.
        #[arg(long)]
        list: PathBuf,
    },
    /// Make a root in a new folder, on a machine without a network: `--dir` is that folder. Asks for
    /// `root_passphrase`, or for the token's `root_pin`.
    NewRoot {
        /// The financial institution's code, 4 digits.
        #[arg(long)]
        institution_code: InstitutionCode,
        /// Keep the key in a token of this PKCS#11 module.
        #[arg(long, requires = "token")]
        pkcs11_module: Option<PathBuf>,
        /// The token's label.
        #[arg(long, requires = "pkcs11_module")]
        token: Option<String>,
    },
    /// Make the key of the next issuing CA, and the request for its certificate. Asks for `ca_passphrase`, or for
    /// `ca_pin` where `[ca] pkcs11` names a token.
    ///
    /// The passphrase may be another than that of the CA that issues now: see `ca install-issuing`.
    RequestIssuing {
        /// The label of the key in the token.
        #[arg(long, default_value = "jitsuin-issuing-ca")]
        key_label: String,
    },
    /// Put an issuing CA on the root's list: `--dir` is the root's folder. Asks for what opens the root's key.
    RevokeIssuing {
        /// The issuing CA's certificate.
        #[arg(long)]
        certificate: PathBuf,
        /// Why.
        #[arg(long, value_enum)]
        reason: RevokeReason,
        /// Where the list is written.
        #[arg(long)]
        out: PathBuf,
    },
    /// Sign an issuing CA's certificate: `--dir` is the root's folder. Asks for what opens the root's key.
    SignIssuing {
        /// The request that `ca request-issuing` made.
        #[arg(long)]
        request: PathBuf,
        /// The fingerprint of its key, as it was printed there.
        #[arg(long)]
        fingerprint: String,
        /// Where the authority serves lists: its `[revocation] url`, or its origin.
        #[arg(long)]
        revocation_url: String,
        /// How long the certificate lives.
        #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(30..=7300))]
        days: u32,
        /// Where the certificate is written.
        #[arg(long)]
        out: PathBuf,
    },
    /// Make the root's list anew before it ends: `--dir` is the root's folder. Asks for what opens the root's key.
    SignRootList {
        /// Where the list is written.
        #[arg(long)]
        out: PathBuf,
    },
}

/// Why an issuing CA is revoked (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RevokeReason {
    /// Its key may be known to somebody else.
    Compromised,
    /// It has done its work.
    Ended,
    /// Another one is in its place.
    Superseded,
}

impl From<RevokeReason> for CrlReason {
    fn from(reason: RevokeReason) -> Self {
        match reason {
            RevokeReason::Compromised => Self::CaCompromise,
            RevokeReason::Ended => Self::CessationOfOperation,
            RevokeReason::Superseded => Self::Superseded,
        }
    }
}

pub(super) async fn work(directory: &Path, work: CaWork, mut secrets: Secrets) -> anyhow::Result<()> {
    let now = Clock::system().now();
    let elsewhere = CaSettings::default();
    match work {
        CaWork::NewRoot { institution_code, pkcs11_module, token } => {
            let lines = match pkcs11_module.zip(token) {
                Some((module, token)) => {
                    let (place, pin) =
                        (Pkcs11Place { module, token }, secrets.take("root_pin", "PIN of the token", false)?);
                    let keep = Keep::Token { place: &place, label: "jitsuin-root-ca", pin: &pin };
                    ceremony::new_root(directory, &institution_code, &keep, &elsewhere, now)?
                }
                None => {
                    let passphrase =
                        passphrase(&mut secrets, "root_passphrase", "passphrase for the root's key", true)?;
                    ceremony::new_root(directory, &institution_code, &Keep::Sealed(&passphrase), &elsewhere, now)?
                }
            };
            say_all(&lines)
        }
        CaWork::SignIssuing { request, fingerprint, revocation_url, days, out } => {
            fresh(&out)?;
            let root = open_root(directory, &mut secrets)?;
            let (certificate, lines) =
                ceremony::sign_issuing(directory, &root, &request, &fingerprint, &revocation_url, days, now)?;
            write_pem(&out, "CERTIFICATE", &certificate)?;
            say_all(&lines)
        }
        CaWork::SignRootList { out } => {
            fresh(&out)?;
            let root = open_root(directory, &mut secrets)?;
            let (list, lines) = ceremony::sign_root_list(directory, &root, None, now)?;
            write_pem(&out, "X509 CRL", &list)?;
            say_all(&lines)
        }
        CaWork::RevokeIssuing { certificate, reason, out } => {
            fresh(&out)?;
            let issuing = read_pem(&certificate, "CERTIFICATE")?;
            let root = open_root(directory, &mut secrets)?;
            let (list, lines) = ceremony::sign_root_list(directory, &root, Some((&issuing, reason.into())), now)?;
            write_pem(&out, "X509 CRL", &list)?;
            say_all(&lines)
        }
        CaWork::RequestIssuing { key_label } => {
            let settings = Settings::load(directory)?;
            let folder = directory.join(CA_FOLDER);
            let code = &settings.institution_code;
            let (path, lines) = match &settings.ca.pkcs11 {
                Some(place) => {
                    let pin = secrets.take("ca_pin", "PIN of the CA's token", false)?;
                    let keep = Keep::Token { place, label: &key_label, pin: &pin };
                    ceremony::request_issuing(&folder, code, &keep, &settings.ca, now)?
                }
                None => {
                    let passphrase = passphrase(&mut secrets, "ca_passphrase", "passphrase for the issuing key", true)?;
                    ceremony::request_issuing(&folder, code, &Keep::Sealed(&passphrase), &settings.ca, now)?
                }
            };
            say(&format!("request {}", path.display()))?;
            say_all(&lines)
        }
        CaWork::InstallIssuing { certificate, root, root_sha256 } => {
            let certificate = read_pem(&certificate, "CERTIFICATE")?;
            let root = root.map(|path| read_pem(&path, "CERTIFICATE")).transpose()?;
            if let Some(root) = &root {
                use sha2::Digest;
                let found = hex::encode(sha2::Sha256::digest(root));
                if root_sha256.as_deref() != Some(found.as_str()) {
                    bail!(
                        "the root has the SHA-256 {found}. Compare it with what `ca new-root` printed, and give it as --root-sha256"
                    );
                }
            }
            install(directory, &certificate, root.as_deref(), &mut secrets, now).await
        }
        CaWork::InstallRootList { list } => {
            let list = read_pem(&list, "X509 CRL")?;
            let number = ceremony::install_root_list(&directory.join(CA_FOLDER), &list)?;
            record(directory, "ca.root_list", "", &number.to_string()).await?;
            say(&format!("root list {number} installed\nstart the server again to serve it"))
        }
        CaWork::EncryptKey => {
            let passphrase = passphrase(&mut secrets, "ca_passphrase", "passphrase for the issuing key", true)?;
            let keys = ceremony::encrypt_keys(&directory.join(CA_FOLDER), &passphrase)?;
            record(directory, "ca.encrypt_key", "plain", "encrypted").await?;
            say(&format!(
                "{keys} keys of issuing CAs are encrypted\ngive {PASSPHRASE} as a credential of the service before it starts again"
            ))
        }
    }
}

async fn install(
    directory: &Path,
    certificate: &[u8],
    root: Option<&[u8]>,
    secrets: &mut Secrets,
    now: i64,
) -> anyhow::Result<()> {
    let settings = Settings::load(directory)?;
    let folder = directory.join(CA_FOLDER);
    // the new key is tried before anything is moved
    let waiting = ceremony::waiting_key(&folder, &settings.ca)?;
    let wanted = waiting.wants();
    let secret = wanted.map(|name| secrets.take(name, label(name), false)).transpose()?;
    open(waiting.as_ref(), secret.as_ref())?;
    if !ca::signs(waiting.as_ref()) {
        bail!("the key that waits does not sign. Nothing was changed: check its token");
    }
    drop(waiting);
    let passphrase = secret.as_ref().filter(|_| wanted == Some(PASSPHRASE));
    let installed = ceremony::install_issuing(&folder, certificate, root, passphrase, now)?;
    let renewed = !ca::is_current(&folder)?;
    if renewed {
        // clients find no way from a certificate of the former CA to a root that is served no more
        let ca = Ca::open(&folder, &settings.ca)?;
        open(ca.current().signer(), secret.as_ref())?;
        ca::renew_under(&folder, &settings.origin, ca.current(), now)?;
    }
    record(directory, "ca.install", &installed.former, &installed.issuer).await?;
    ceremony::finish(&folder)?;
    let mut lines =
        vec![format!("issuing CA {} installed, {} answers for its certificates", installed.issuer, installed.former)];
    if renewed {
        lines.push("the server has a new TLS certificate of the new issuing CA".to_owned());
    }
    if installed.other_passphrase {
        lines.push(format!(
            "the former CA's key has a passphrase of its own: give it as {PASSPHRASE}.{}",
            installed.former
        ));
    }
    if let Some(path) = installed.root_key {
        lines.push(format!("the former root's key lies in {}", path.display()));
        lines.push(
            "move it to the machine without a network, or destroy it with its backups once nobody has that root pinned"
                .to_owned(),
        );
    }
    lines.push("start the server again".to_owned());
    say_all(&lines)
}

/// Writes an event of the CA's life. Opening the house makes a new CA known to the database.
async fn record(directory: &Path, action: &'static str, before: &str, after: &str) -> anyhow::Result<()> {
    let house = House::open(directory, Clock::system()).await?;
    let event = Event::new("bank_operator", &operator_name(), "terminal", action).changed(before, after);
    house.store.change(&house.clock).await?.commit(event).await?;
    house.store.close().await;
    Ok(())
}

fn open_root(directory: &Path, secrets: &mut Secrets) -> anyhow::Result<(Vec<u8>, Box<dyn CaSigner>)> {
    let root = ceremony::root(directory, &CaSettings::default())?;
    let name = match root.1.wants() {
        Some("ca_pin") => Some(("root_pin", "PIN of the root's token")),
        Some(_) => Some(("root_passphrase", "passphrase of the root's key")),
        None => None,
    };
    if let Some((name, label)) = name {
        let secret = secrets.take(name, label, false)?;
        let opened = root.1.open(&secret).with_context(|| format!("{name} is refused. It was tried once; check it"))?;
        if opened == Opened::Later {
            bail!("the root's token is not there. Insert it and try again");
        }
    }
    Ok(root)
}

/// Opens a key, before anything is done with it.
fn open(signer: &dyn CaSigner, secret: Option<&Secret>) -> anyhow::Result<()> {
    let Some((name, secret)) = signer.wants().zip(secret) else { return Ok(()) };
    let opened = signer
        .open(secret)
        .with_context(|| format!("{name} is refused. It was tried once; check it, and do this again"))?;
    if opened == Opened::Later {
        bail!("the CA's token is not there. Insert it, and do this again");
    }
    Ok(())
}

/// A new passphrase: long enough to withstand guessing where the file is stolen.
fn passphrase(secrets: &mut Secrets, name: &str, label: &str, new: bool) -> anyhow::Result<Secret> {
    let secret = secrets.take(name, label, new)?;
    if secret.len() < 12 {
        bail!("{name} has fewer than 12 bytes. Nothing was changed; choose a longer one");
    }
    Ok(secret)
}

fn say_all(lines: &[String]) -> anyhow::Result<()> {
    lines.iter().try_for_each(|line| say(line))
}

fn read_pem(path: &Path, label: &str) -> anyhow::Result<Vec<u8>> {
    let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    match der::pem::decode_vec(&pem) {
        Ok((found, der)) if found == label => Ok(der),
        _ => bail!("{} is not PEM of {label}. Name the file that the other side wrote", path.display()),
    }
}

/// What is brought to the other side is written into a new file: a root's own must not be hit.
fn fresh(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} exists already. Nothing was signed; name a new file", path.display());
    }
    Ok(())
}

fn write_pem(path: &Path, label: &str, der: &[u8]) -> anyhow::Result<()> {
    let pem = der::pem::encode_string(label, der::pem::LineEnding::LF, der).context("PEM cannot be written")?;
    File::create_new(path)
        .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("{} cannot be written", path.display()))
}
