//! A key in a file that a passphrase opens: PKCS#8 with PBES2, PBKDF2 of HMAC-SHA-256 and AES-256-CBC (RFC 8018 §6.2),
//! which OpenSSL reads.

use std::sync::OnceLock;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use token::{PublicKey, Secret};

use super::{CaError, CaSigner, CannotSign, FileSigner, Opened};

/// Rounds of PBKDF2 (OWASP's recommendation when this was written).
const ROUNDS: u32 = 600_000;

/// A closed key. Its public half is known from its certificate.
pub struct SealedSigner {
    public: PublicKey,
    encrypted: Vec<u8>,
    open: OnceLock<FileSigner>,
}

impl SealedSigner {
    pub(super) fn new(public: PublicKey, encrypted: Vec<u8>) -> Self {
        Self { public, encrypted, open: OnceLock::new() }
    }
}

impl CaSigner for SealedSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        self.open.get().ok_or(CannotSign)?.sign(message)
    }

    fn wants(&self) -> Option<&'static str> {
        self.open.get().is_none().then_some("ca_passphrase")
    }

    fn open(&self, secret: &Secret) -> Result<Opened, CannotSign> {
        let signer = decrypt(&self.encrypted, secret).filter(|signer| *signer.public_key() == self.public);
        let _ = self.open.set(signer.ok_or(CannotSign)?);
        Ok(Opened::Ready)
    }
}

/// The key in an `EncryptedPrivateKeyInfo`; `None` where the passphrase is wrong.
pub(super) fn decrypt(encrypted: &[u8], passphrase: &Secret) -> Option<FileSigner> {
    let pkcs8 = EncryptedPrivateKeyInfoRef::try_from(encrypted).ok()?.decrypt(passphrase.expose()).ok()?;
    FileSigner::from_pkcs8(pkcs8.as_bytes())
}

/// Encrypts a key in PKCS#8. Yields DER of an `EncryptedPrivateKeyInfo`.
pub(super) fn encrypt(key: &[u8], passphrase: &Secret) -> Result<Vec<u8>, CaError> {
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    let sealed = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).ok().and_then(|parameters| {
        let key = pkcs8::PrivateKeyInfoRef::try_from(key).ok()?;
        key.encrypt_with_params(parameters, passphrase.expose()).ok()
    });
    Ok(sealed.ok_or(CannotSign)?.as_bytes().to_vec())
}

fn random<const N: usize>() -> Result<[u8; N], CannotSign> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CannotSign)?;
    Ok(bytes)
}

impl std::fmt::Debug for SealedSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedSigner({:?})", self.public)
    }
}
