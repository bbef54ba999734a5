//! Opening the CA's keys that are closed, before the server serves.

use std::path::Path;

use anyhow::Context;
use token::Secret;

use super::secrets::Secrets;
use crate::ca::{Ca, CaSigner, Opened};

/// The secret that opens a key in a file, as a credential and as a line of standard input.
pub(super) const PASSPHRASE: &str = "ca_passphrase";

/// Opens what is closed of the keys that serve: from the service's credentials, or as the operator says. A former CA may
/// have a secret of its own, whose name has the CA's ID behind a full stop. Where its key stays closed the authority does
/// its work all the same, but for the lists and answers of that CA.
pub(super) fn unlock(ca: &Ca, secrets: &mut Option<Secrets>) -> anyhow::Result<()> {
    let mut known = Known::default();
    for issuing in ca.all() {
        let Some(name) = issuing.signer().wants() else { continue };
        let former = issuing.id() != ca.current().id();
        let opened = known.open(issuing.signer(), name, issuing.id(), former, secrets).with_context(|| {
            format!("{name} does not open the key of the issuing CA {}. It was tried once; check it", issuing.id())
        });
        match opened {
            Ok(Opened::Ready) => {}
            Ok(Opened::Later) => {
                tracing::warn!(issuer = issuing.id(), "the CA's token is not there: nothing is signed until it is");
            }
            Err(error) if former => {
                let why = format!("{error:#}");
                tracing::error!(
                    issuer = issuing.id(),
                    why,
                    "the key of a former CA stays closed: its lists and answers are not made anew. Give {name}.ID"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Opens the issuing key where it is closed and what opens it is given; nobody is asked.
pub(super) fn open_current(ca: &Ca, secrets: &mut Option<Secrets>) -> anyhow::Result<()> {
    let (signer, id) = (ca.current().signer(), ca.current().id());
    let Some(name) = signer.wants() else { return Ok(()) };
    let secret = match given(&format!("{name}.{id}"), secrets)? {
        Some(own) => Some(own),
        None => given(name, secrets)?,
    };
    if let Some(secret) = secret {
        let opened = signer.open(&secret);
        opened.with_context(|| {
            format!("{name} does not open the key of the issuing CA {id}. It was tried once; check it")
        })?;
    }
    Ok(())
}

/// The secrets that several keys may share.
#[derive(Default)]
struct Known(Vec<Shared>);

struct Shared {
    name: &'static str,
    secret: Secret,
    refused: bool,
}

impl Known {
    fn open(
        &mut self,
        signer: &dyn CaSigner,
        name: &'static str,
        id: &str,
        former: bool,
        secrets: &mut Option<Secrets>,
    ) -> anyhow::Result<Opened> {
        let own = format!("{name}.{id}");
        if let Some(secret) = given(&own, secrets)? {
            return Ok(signer.open(&secret)?);
        }
        let at = match self.0.iter().position(|shared| shared.name == name) {
            Some(at) => at,
            None => {
                self.0.push(Shared { name, secret: credential(name, secrets)?, refused: false });
                self.0.len() - 1
            }
        };
        let shared = self.0.get_mut(at).context("no secret")?;
        // a PIN that is refused is not offered for another key of the token either; a passphrase has no tries
        if shared.refused && name != PASSPHRASE {
            anyhow::bail!("{name} was refused before");
        }
        let opened = signer.open(&shared.secret);
        shared.refused = opened.is_err();
        match (opened, secrets) {
            (Err(_), Some(terminal @ Secrets::Terminal)) if former && name == PASSPHRASE => {
                let secret = terminal.take(&own, &format!("passphrase of the former CA {id}"), false)?;
                Ok(signer.open(&secret)?)
            }
            (opened, _) => Ok(opened?),
        }
    }
}

/// A secret of the service: a credential (systemd.exec(5)), a line on standard input, or the terminal.
fn credential(name: &'static str, secrets: &mut Option<Secrets>) -> anyhow::Result<Secret> {
    if let Some(secret) = given(name, secrets)? {
        return Ok(secret);
    }
    let secrets = secrets.get_or_insert_with(Secrets::from_terminal);
    secrets.take(name, label(name), false).with_context(|| {
        format!("the CA's key is closed. Give the service the credential {name}, or start it with --secrets-stdin")
    })
}

/// The same, where nobody is to be asked.
fn given(name: &str, secrets: &mut Option<Secrets>) -> anyhow::Result<Option<Secret>> {
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let path = Path::new(&folder).join(name);
        match std::fs::read(&path) {
            Ok(mut content) => {
                while content.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
                    content.pop();
                }
                return Ok(Some(Secret::new(content)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
    Ok(secrets.as_mut().and_then(|secrets| secrets.given(name)))
}

pub(super) fn label(name: &str) -> &'static str {
    match name {
        "ca_pin" => "PIN of the CA's token",
        _ => "passphrase of the CA's key",
    }
}
