//! PSKC: OTP tokens as their makers hand them over (RFC 6030).
//!
//! Taken are HOTP (§10.1) and TOTP tokens of 6 to 8 decimal digits, with secrets in plain or under AES-CBC and a MAC, the
//! key pre-shared or derived from a password. What this program does not understand is refused in words, never skipped:
//! a token that works otherwise than its maker said locks its user out.

mod crypto;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod token_key;
mod xml;

pub use crypto::{Key, Need};

use token::Secret;

use crate::jst;
use crate::otp::TokenState;

/// Longest file, in bytes.
pub const MAX_FILE: usize = 32 * 1024 * 1024;
/// Most tokens in one file.
const MAX_TOKENS: usize = 20_000;
const NAMESPACE: &str = "urn:ietf:params:xml:ns:keyprov:pskc";

/// Why a file, or a token in it, is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum PskcError {
    #[error("the keys are encrypted for a certificate. Ask for the file with a pre-shared key or a password")]
    Asymmetric,
    #[error("the file has a document type, which PSKC has no use for. Do not take files from this sender")]
    Doctype,
    #[error("it may be used from {0} on only. Import it then")]
    Early(String),
    #[error("the file has entities or processing instructions of its own. Do not take files from this sender")]
    Entity,
    #[error("the key or password is not of the kind or length that the file needs. Ask the sender for it")]
    Key,
    #[error("a MAC or a key does not fit: the key is another one, or the file was changed on the way")]
    Mac,
    #[error("{0} is missing. Ask the sender for a file that has it")]
    Missing(&'static str),
    #[error("this is no PSKC file of version 1 (RFC 6030)")]
    NotPskc,
    #[error(
        "the file is signed, and XML signatures are not verified here. Verify it with pskctool --verify --verify-crt, then import it with --signature-verified"
    )]
    Signed,
    #[error("the file is larger or deeper than any that is taken: 32 MiB, 20000 tokens, 24 levels")]
    TooMuch,
    #[error("{0} {1} is not known here. Ask the sender for a file without it")]
    Unknown(&'static str, String),
    #[error("a value is no {0}. Ask the sender for a correct file")]
    Value(&'static str),
    #[error("the file is not well-formed XML in UTF-8")]
    Xml,
}

/// A token of a file, read or not.
#[derive(Debug)]
pub struct Entry {
    /// Its serial number, or what stands in its place.
    pub name: String,
    /// What it is, or why it is not taken.
    pub token: Result<Imported, PskcError>,
}

/// A token as the file has it.
#[derive(Debug)]
pub struct Imported {
    /// トークンのシリアル番号.
    pub serial: String,
    /// What its entries are checked against.
    pub state: TokenState,
    /// Its secret in raw bytes.
    pub secret: Secret,
    /// From when on its maker lets it be used; Unix time in seconds.
    pub counts_from: Option<i64>,
    /// When its maker says that it ends, the key or the device; Unix time in seconds.
    pub ends_at: Option<i64>,
}

impl Imported {
    /// That it may be used at `now`; Unix time in seconds.
    ///
    /// # Errors
    /// [`PskcError::Early`] before its maker's date.
    pub fn counting_at(self, now: i64) -> Result<Self, PskcError> {
        match self.counts_from.filter(|from| now < *from) {
            Some(from) => Err(PskcError::Early(jst::english(from))),
            None => Ok(self),
        }
    }
}

/// A file that was read and not yet opened.
#[derive(Debug)]
pub struct Container(xml::Element);

impl Container {
    /// Reads a file. A signed one is taken only from whoever says that the signature was verified.
    ///
    /// # Errors
    /// [`PskcError`] for the file as a whole.
    pub fn read(bytes: &[u8], signature_verified: bool) -> Result<Self, PskcError> {
        if bytes.len() > MAX_FILE {
            return Err(PskcError::TooMuch);
        }
        let root = xml::parse(std::str::from_utf8(bytes).map_err(|_| PskcError::Xml)?)?;
        let version = root.attribute("Version").unwrap_or_default();
        if root.name != "KeyContainer" || root.space != NAMESPACE || version.split('.').next() != Some("1") {
            return Err(PskcError::NotPskc);
        }
        if root.child("Signature").is_some() && !signature_verified {
            return Err(PskcError::Signed);
        }
        let known = ["EncryptionKey", "MACMethod", "KeyPackage", "Signature", "Extensions"];
        if let Some(other) = root.children.iter().find(|child| !known.contains(&child.name.as_str())) {
            return Err(PskcError::Unknown("element", crypto::short(&other.name)));
        }
        if root.children.iter().filter(|child| child.name == "KeyPackage").count() > MAX_TOKENS {
            return Err(PskcError::TooMuch);
        }
        Ok(Self(root))
    }

    /// What is needed to open it.
    ///
    /// # Errors
    /// [`PskcError::Asymmetric`].
    pub fn need(&self) -> Result<Need, PskcError> {
        crypto::need(&self.0)
    }

    /// Opens every token.
    ///
    /// # Errors
    /// [`PskcError`] for the file as a whole: a key that does not fit, or no token in it.
    pub fn open(&self, key: Option<&Key>) -> Result<Vec<Entry>, PskcError> {
        let opener = match (self.need()?, key) {
            (Need::Nothing, _) => None,
            (_, Some(key)) => Some(crypto::Opener::new(&self.0, key)?),
            (_, None) => return Err(PskcError::Key),
        };
        let packages = self.0.children.iter().filter(|child| child.name == "KeyPackage");
        let tokens: Vec<_> =
            packages.enumerate().map(|(n, package)| token_key::read(package, n + 1, opener.as_ref())).collect();
        if tokens.is_empty() { Err(PskcError::Missing("KeyPackage")) } else { Ok(tokens) }
    }
}

#[cfg(test)]
mod tests;
