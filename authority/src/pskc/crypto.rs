//! Encrypted values (RFC 6030 §6): AES-CBC with a pre-shared key or one derived from a password, each under a MAC that is
//! checked first.

use std::num::NonZeroU32;

use aes::{Aes128, Aes192, Aes256};
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use token::Secret;
use zeroize::Zeroizing;

use super::PskcError;
use super::xml::Element;

/// Most rounds of PBKDF2: some seconds.
pub(super) const MAX_ROUNDS: u32 = 10_000_000;
const BLOCK: usize = 16;

/// What the operator has got besides the file.
#[derive(Debug)]
pub enum Key {
    /// The pre-shared key, 16, 24 or 32 bytes.
    Shared(Secret),
    /// The password.
    Password(Secret),
}

/// What a file says about its encryption, with the key to it.
pub(super) struct Opener {
    key: Zeroizing<Vec<u8>>,
    mac: Option<(MacMethod, Zeroizing<Vec<u8>>)>,
}

#[derive(Debug, Clone, Copy)]
enum MacMethod {
    Sha1,
    Sha256,
    Sha512,
}

/// Whether the file needs a key, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing is encrypted.
    Nothing,
    /// A password.
    Password,
    /// A pre-shared key.
    SharedKey,
}

/// What the file needs.
pub(super) fn need(container: &Element) -> Result<Need, PskcError> {
    let Some(encryption) = container.child("EncryptionKey") else { return Ok(Need::Nothing) };
    if encryption.child("DerivedKey").is_some() {
        return Ok(Need::Password);
    }
    if encryption.child("X509Data").is_some() || encryption.child("KeyValue").is_some() {
        return Err(PskcError::Asymmetric);
    }
    Ok(Need::SharedKey)
}

impl Opener {
    /// The opener of a container that has an `EncryptionKey`.
    pub(super) fn new(container: &Element, key: &Key) -> Result<Self, PskcError> {
        let encryption = container.child("EncryptionKey").ok_or(PskcError::Missing("EncryptionKey"))?;
        let key = match (need(container)?, key) {
            (Need::SharedKey, Key::Shared(key)) => Zeroizing::new(key.expose().to_vec()),
            (Need::Password, Key::Password(password)) => derive(encryption, password)?,
            _ => return Err(PskcError::Key),
        };
        let mut opener = Self { key, mac: None };
        if let Some(method) = container.child("MACMethod") {
            let algorithm = match method.attribute("Algorithm").unwrap_or_default() {
                "http://www.w3.org/2000/09/xmldsig#hmac-sha1" => MacMethod::Sha1,
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" => MacMethod::Sha256,
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512" => MacMethod::Sha512,
                other => return Err(PskcError::Unknown("MACMethod", short(other))),
            };
            let key = match method.child("MACKey") {
                Some(key) => opener.decrypt(key)?,
                // Without one of its own the MAC has the encryption's (§6.2).
                None => opener.key.clone(),
            };
            opener.mac = Some((algorithm, key));
        }
        Ok(opener)
    }

    /// Opens an `EncryptedValue` that stands beside its `ValueMAC` in `data`.
    pub(super) fn open(&self, data: &Element, encrypted: &Element) -> Result<Zeroizing<Vec<u8>>, PskcError> {
        // CBC without a MAC is whatever somebody on the way made of it (§6.2).
        let (method, key) = self.mac.as_ref().ok_or(PskcError::Missing("MACMethod"))?;
        let mac = base64(data.child("ValueMAC").ok_or(PskcError::Missing("ValueMAC"))?)?;
        let ciphertext = cipher_value(encrypted)?;
        let good = match method {
            MacMethod::Sha1 => holds::<Hmac<sha1::Sha1>>(key, &ciphertext, &mac),
            MacMethod::Sha256 => holds::<Hmac<sha2::Sha256>>(key, &ciphertext, &mac),
            MacMethod::Sha512 => holds::<Hmac<sha2::Sha512>>(key, &ciphertext, &mac),
        };
        if good { self.decrypt(encrypted) } else { Err(PskcError::Mac) }
    }

    fn decrypt(&self, encrypted: &Element) -> Result<Zeroizing<Vec<u8>>, PskcError> {
        let method = encrypted.child("EncryptionMethod").and_then(|method| method.attribute("Algorithm"));
        let length = match method.unwrap_or_default() {
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => 16,
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => 24,
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => 32,
            other => return Err(PskcError::Unknown("EncryptionMethod", short(other))),
        };
        if self.key.len() != length {
            return Err(PskcError::Key);
        }
        let ciphertext = cipher_value(encrypted)?;
        let (iv, rest) = ciphertext.split_at_checked(BLOCK).ok_or(PskcError::Mac)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let bad = |_| PskcError::Mac;
        match length {
            16 => {
                cbc::Decryptor::<Aes128>::new_from_slices(&self.key, iv).map_err(bad).and_then(|c| run(c, &mut plain))
            }
            24 => {
                cbc::Decryptor::<Aes192>::new_from_slices(&self.key, iv).map_err(bad).and_then(|c| run(c, &mut plain))
            }
            _ => cbc::Decryptor::<Aes256>::new_from_slices(&self.key, iv).map_err(bad).and_then(|c| run(c, &mut plain)),
        }?;
        // XML Encryption §5.2: the last byte is how many were added; what the others are says nobody.
        let added = plain.last().copied().map_or(0, usize::from);
        if added == 0 || added > BLOCK || added > plain.len() {
            return Err(PskcError::Mac);
        }
        let left = plain.len() - added;
        plain.truncate(left);
        Ok(plain)
    }
}

fn run<C: BlockModeDecrypt>(cipher: C, buffer: &mut [u8]) -> Result<(), PskcError> {
    cipher.decrypt_padded::<NoPadding>(buffer).map(drop).map_err(|_| PskcError::Mac)
}

fn holds<M: Mac + KeyInit>(key: &[u8], text: &[u8], mac: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut keyed| {
        keyed.update(text);
        keyed.verify_slice(mac).is_ok()
    })
}

/// PBKDF2 (RFC 8018 §5.2), as XML Encryption 1.1 §5.4.2 writes it.
fn derive(encryption: &Element, password: &Secret) -> Result<Zeroizing<Vec<u8>>, PskcError> {
    let method =
        encryption.at(&["DerivedKey", "KeyDerivationMethod"]).ok_or(PskcError::Missing("KeyDerivationMethod"))?;
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    if !algorithm.ends_with("#pbkdf2") {
        return Err(PskcError::Unknown("KeyDerivationMethod", short(algorithm)));
    }
    let parameters = method.child("PBKDF2-params").ok_or(PskcError::Missing("PBKDF2-params"))?;
    let salt = base64(parameters.at(&["Salt", "Specified"]).ok_or(PskcError::Missing("Salt"))?)?;
    let rounds = number(parameters, "IterationCount")?.and_then(|n| u32::try_from(n).ok());
    let rounds = rounds.filter(|n| *n <= MAX_ROUNDS).and_then(NonZeroU32::new).ok_or(PskcError::TooMuch)?;
    let length = number(parameters, "KeyLength")?.unwrap_or(16);
    let length = usize::try_from(length).ok().filter(|n| matches!(n, 16 | 24 | 32)).ok_or(PskcError::Key)?;
    let prf = parameters.child("PRF").and_then(|prf| prf.attribute("Algorithm")).unwrap_or_default();
    let prf = match prf.rsplit(['#', '-']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return Err(PskcError::Unknown("PRF", short(prf))),
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(prf, rounds, &salt, password.expose(), &mut key);
    Ok(key)
}

fn cipher_value(encrypted: &Element) -> Result<Zeroizing<Vec<u8>>, PskcError> {
    base64(encrypted.at(&["CipherData", "CipherValue"]).ok_or(PskcError::Missing("CipherValue"))?)
}

/// The bytes of an element's base 64, in lines or not.
pub(super) fn base64(element: &Element) -> Result<Zeroizing<Vec<u8>>, PskcError> {
    let text: Zeroizing<String> = Zeroizing::new(element.text().split_ascii_whitespace().collect());
    STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| PskcError::Value("base 64"))
}

/// The number in a child, where there is one.
pub(super) fn number(element: &Element, child: &str) -> Result<Option<u64>, PskcError> {
    element.child(child).map(|child| child.text().parse().map_err(|_| PskcError::Value("number"))).transpose()
}

/// What a file says, as far as it is repeated to people.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(80).collect()
}
