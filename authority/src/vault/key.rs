//! One key.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::VaultError;
use crate::{credential, owner};

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// What a key is called: 8 bytes that follow from it and tell nothing of it. Shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 8]> for KeyId {
    fn from(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for KeyId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// A key in memory.
pub(super) struct Key {
    id: KeyId,
    cipher: RandomizedNonceKey,
}

impl Key {
    /// Makes a new key file, readable by its owner only: whoever has the folder, also where root makes it.
    pub(super) fn create(path: &Path) -> Result<KeyId, VaultError> {
        let file_error = |source| VaultError::File { path: path.to_owned(), source };
        let mut key = Zeroizing::new([0u8; KEY_LEN]);
        aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| file_error(std::io::Error::other("no random numbers")))?;
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file_error)?;
        owner::inherit(&file, path.parent().unwrap_or(Path::new("."))).map_err(file_error)?;
        file.write_all(key.as_ref()).and_then(|()| file.sync_all()).map_err(file_error)?;
        Ok(id(key.as_ref()))
    }

    /// Reads a key file.
    pub(super) fn read(path: &Path) -> Result<Self, VaultError> {
        let file_error = |source| VaultError::File { path: path.to_owned(), source };
        let Some(file) = credential::open_private(path).map_err(file_error)? else {
            return Err(VaultError::Mode(path.to_owned()));
        };
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
        file.take(KEY_LEN as u64 + 1).read_to_end(&mut key).map_err(file_error)?;
        if key.len() != KEY_LEN {
            return Err(VaultError::Length(path.to_owned()));
        }
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::Length(path.to_owned()))?;
        Ok(Self { id: id(&key), cipher })
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// Nonce ‖ ciphertext ‖ tag.
    pub(super) fn seal(&self, row: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        // One allocation, tag included: a growing buffer would leave a copy of the secret behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(secret.len() + TAG_LEN));
        buffer.extend_from_slice(secret);
        let nonce = self
            .cipher
            .seal_in_place_append_tag(Aad::from(row.as_bytes()), &mut *buffer)
            .map_err(|_| VaultError::Sealed)?;
        Ok([nonce.as_ref().as_slice(), buffer.as_slice()].concat())
    }

    pub(super) fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Sealed)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self
            .cipher
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row.as_bytes()), &mut buffer)
            .map_err(|_| VaultError::Sealed)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// The first half of the first half of an HMAC under the key, which is never used for anything else.
fn id(key: &[u8]) -> KeyId {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"jitsuin vault key identifier");
    let mut id = [0; 8];
    id.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    KeyId(id)
}
