//! A key in a file that a passphrase opens: PKCS#8 with PBES2, PBKDF2 of HMAC-SHA-256 and AES-256-CBC (RFC 8018 §6.2),
//! which OpenSSL reads.

use std::num::NonZeroU32;
use std::sync::OnceLock;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use der::Encode;
use der::asn1::OctetStringRef;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use token::{PublicKey, Secret};
use zeroize::Zeroizing;

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
    let info = EncryptedPrivateKeyInfoRef::try_from(encrypted).ok()?;
    let parameters = info.encryption_algorithm.pbes2()?;
    let (pbes2::Kdf::Pbkdf2(kdf), pbes2::EncryptionScheme::Aes256Cbc { iv }) = (&parameters.kdf, parameters.encryption)
    else {
        // another program wrote it
        let pkcs8 = info.decrypt(passphrase.expose()).ok()?;
        return FileSigner::from_pkcs8(pkcs8.as_bytes());
    };
    if kdf.prf != pbes2::Pbkdf2Prf::HmacWithSha256 {
        return None;
    }
    let key = derive(kdf.iteration_count, kdf.salt.as_ref(), passphrase)?;
    let mut pkcs8 = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key.as_ref()).ok()?).ok()?;
    let pkcs8 = cipher.decrypt(&mut pkcs8, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    FileSigner::from_pkcs8(pkcs8)
}

/// Encrypts a key in PKCS#8. Yields DER of an `EncryptedPrivateKeyInfo`.
pub(super) fn encrypt(key: &[u8], passphrase: &Secret) -> Result<Vec<u8>, CaError> {
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    Ok(seal(key, passphrase, &salt, iv).ok_or(CannotSign)?)
}

fn seal(key: &[u8], passphrase: &Secret, salt: &[u8; 16], iv: [u8; 16]) -> Option<Vec<u8>> {
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, salt, iv).ok()?;
    let derived = derive(ROUNDS, salt, passphrase)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, derived.as_ref()).ok()?).ok()?;
    let mut sealed = Zeroizing::new(key.to_vec());
    cipher.less_safe_encrypt(&mut *sealed, EncryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&sealed).ok()?,
    };
    info.to_der().ok()
}

/// PBKDF2, by aws-lc: hundreds of thousands of rounds are slow in what was not optimised.
fn derive(rounds: u32, salt: &[u8], passphrase: &Secret) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(PBKDF2_HMAC_SHA256, NonZeroU32::new(rounds)?, salt, passphrase.expose(), key.as_mut());
    Some(key)
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
