//! A public key: the identity of a key pair, whatever the card's serial says.

use std::fmt;

use aws_lc_rs::signature::{self, UnparsedPublicKey};
use der::Decode;
use serde::{Deserialize, Serialize};
use spki::SubjectPublicKeyInfoRef;

use crate::{KeyAlgorithm, SignatureAlgorithm};

/// `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1.2.7), of a kind and size that Jitsuin accepts.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct PublicKey {
    spki: Vec<u8>,
    algorithm: KeyAlgorithm,
}

/// Why a public key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPublicKey {
    /// Not a `SubjectPublicKeyInfo`.
    #[error("the public key is not DER")]
    Encoding(#[source] der::Error),
    /// Another algorithm, curve or size.
    #[error("the public key is not one of p256, p384, rsa2048, rsa3072, rsa4096, ed25519")]
    Kind,
}

/// The signature does not fit the key and the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl PublicKey {
    /// Parses a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`BadPublicKey`] for what is not one, and for kinds and sizes that are not accepted
    /// (RSA below 2048 bits among them: D-906).
    pub fn from_der(spki: &[u8]) -> Result<Self, BadPublicKey> {
        let parsed = SubjectPublicKeyInfoRef::from_der(spki).map_err(BadPublicKey::Encoding)?;
        let oid = parsed.algorithm.oid.to_string();
        let key = parsed.subject_public_key.raw_bytes();
        let algorithm = match oid.as_str() {
            "1.2.840.10045.2.1" => {
                let curve = parsed
                    .algorithm
                    .parameters
                    .and_then(|p| p.decode_as::<der::asn1::ObjectIdentifier>().ok())
                    .ok_or(BadPublicKey::Kind)?;
                match (curve.to_string().as_str(), key.len(), key.first()) {
                    ("1.2.840.10045.3.1.7", 65, Some(4)) => KeyAlgorithm::P256,
                    ("1.3.132.0.34", 97, Some(4)) => KeyAlgorithm::P384,
                    _ => return Err(BadPublicKey::Kind),
                }
            }
            "1.2.840.113549.1.1.1" => match rsa_bits(key).ok_or(BadPublicKey::Kind)? {
                2048 => KeyAlgorithm::Rsa2048,
                3072 => KeyAlgorithm::Rsa3072,
                4096 => KeyAlgorithm::Rsa4096,
                _ => return Err(BadPublicKey::Kind),
            },
            // Without parameters (RFC 8410 §3).
            "1.3.101.112" if parsed.algorithm.parameters.is_none() && key.len() == 32 => KeyAlgorithm::Ed25519,
            _ => return Err(BadPublicKey::Kind),
        };
        Ok(Self { spki: spki.to_vec(), algorithm })
    }

    /// From an uncompressed point `04 ‖ x ‖ y` on P-256 or P-384 (SEC 1 §2.3.3).
    ///
    /// # Errors
    /// [`BadPublicKey::Kind`] for any other length or form.
    pub fn from_point(point: &[u8]) -> Result<Self, BadPublicKey> {
        // SubjectPublicKeyInfo up to the BIT STRING's content: the lengths are fixed per curve.
        const P256: &[u8] = &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        const P384: &[u8] = &[
            0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
            0x00, 0x22, 0x03, 0x62, 0x00,
        ];
        let prefix = match point.len() {
            65 => P256,
            97 => P384,
            _ => return Err(BadPublicKey::Kind),
        };
        Self::from_der(&[prefix, point].concat())
    }

    /// From the 32 bytes of an Ed25519 key (RFC 8032 §5.1.2).
    ///
    /// # Errors
    /// [`BadPublicKey::Kind`] for any other length.
    pub fn from_ed25519(point: &[u8]) -> Result<Self, BadPublicKey> {
        // SubjectPublicKeyInfo up to the BIT STRING's content (RFC 8410 §4).
        const PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        if point.len() != 32 {
            return Err(BadPublicKey::Kind);
        }
        Self::from_der(&[PREFIX, point].concat())
    }

    /// From an RSA modulus and public exponent, big-endian.
    ///
    /// # Errors
    /// [`BadPublicKey`] for sizes that are not accepted.
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, BadPublicKey> {
        use der::Encode;
        let uint = |bytes| der::asn1::Uint::new(bytes).and_then(|u| u.to_der()).map_err(BadPublicKey::Encoding);
        let body = [uint(modulus)?, uint(exponent)?].concat();
        let sequence =
            der::Any::new(der::Tag::Sequence, body).and_then(|a| a.to_der()).map_err(BadPublicKey::Encoding)?;
        let bits = der::asn1::BitString::from_bytes(&sequence).map_err(BadPublicKey::Encoding)?;
        let spki = spki::SubjectPublicKeyInfoOwned {
            algorithm: spki::AlgorithmIdentifierOwned {
                oid: der::asn1::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
                parameters: Some(der::Any::null()),
            },
            subject_public_key: bits,
        };
        Self::from_der(&spki.to_der().map_err(BadPublicKey::Encoding)?)
    }

    /// The `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.spki
    }

    /// What kind of key it is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`: 32 bytes.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(&self.spki).into()
    }

    /// The fingerprint as two people compare it: the first 20 hexadecimal digits in four groups of
    /// five (requirements §4.2, `device_fingerprint`).
    #[must_use]
    pub fn spoken_fingerprint(&self) -> String {
        let digits = hex::encode(self.fingerprint());
        let groups: Vec<&str> = (0..4).filter_map(|i| digits.get(i * 5..i * 5 + 5)).collect();
        groups.join("-")
    }

    /// Verifies `signature` over `message` (not over its hash).
    ///
    /// # Errors
    /// [`BadSignature`] also when the algorithm does not fit the key.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if !algorithm.fits(self.algorithm) {
            return Err(BadSignature);
        }
        let scheme: &'static dyn signature::VerificationAlgorithm = match algorithm {
            SignatureAlgorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            SignatureAlgorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            SignatureAlgorithm::EdDsa => &signature::ED25519,
            SignatureAlgorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            SignatureAlgorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        };
        let parsed = SubjectPublicKeyInfoRef::from_der(&self.spki).map_err(|_| BadSignature)?;
        UnparsedPublicKey::new(scheme, parsed.subject_public_key.raw_bytes())
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.algorithm, self.spoken_fingerprint())
    }
}

impl TryFrom<Vec<u8>> for PublicKey {
    type Error = BadPublicKey;

    fn try_from(spki: Vec<u8>) -> Result<Self, BadPublicKey> {
        Self::from_der(&spki)
    }
}

impl From<PublicKey> for Vec<u8> {
    fn from(key: PublicKey) -> Self {
        key.spki
    }
}

/// Bits of the modulus of an `RSAPublicKey` (RFC 8017 A.1.1).
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let sequence = der::asn1::AnyRef::from_der(key).ok()?;
    let modulus: der::asn1::UintRef<'_> = sequence
        .sequence(|r: &mut der::SliceReader<'_>| -> der::Result<der::asn1::UintRef<'_>> {
            use der::Reader;
            let modulus = r.decode()?;
            let _exponent: der::asn1::UintRef<'_> = r.decode()?;
            Ok(modulus)
        })
        .ok()?;
    let bytes = modulus.as_bytes();
    let top = bytes.first()?;
    Some(bytes.len() * 8 - usize::try_from(top.leading_zeros()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_makes_a_key_that_verifies() {
        use aws_lc_rs::signature::KeyPair;
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let pair = signature::EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = PublicKey::from_point(pair.public_key().as_ref()).unwrap();
        assert_eq!(key.algorithm(), KeyAlgorithm::P256);
        let signed = pair.sign(&rng, b"message").unwrap();
        assert_eq!(key.verify(SignatureAlgorithm::Es256, b"message", signed.as_ref()), Ok(()));
        assert_eq!(key.verify(SignatureAlgorithm::Es256, b"massage", signed.as_ref()), Err(BadSignature));
        assert_eq!(key.verify(SignatureAlgorithm::Es384, b"message", signed.as_ref()), Err(BadSignature));
        assert_eq!(key.spoken_fingerprint().len(), 23);
    }

    #[test]
    fn ed25519_verifies_and_its_neighbour_is_none() {
        use aws_lc_rs::signature::KeyPair;
        let pair = signature::Ed25519KeyPair::generate().unwrap();
        let key = PublicKey::from_ed25519(pair.public_key().as_ref()).unwrap();
        assert_eq!(key.algorithm(), KeyAlgorithm::Ed25519);
        let signed = pair.sign(b"message");
        assert_eq!(key.verify(SignatureAlgorithm::EdDsa, b"message", signed.as_ref()), Ok(()));
        assert_eq!(key.verify(SignatureAlgorithm::EdDsa, b"massage", signed.as_ref()), Err(BadSignature));
        assert_eq!(key.verify(SignatureAlgorithm::Es256, b"message", signed.as_ref()), Err(BadSignature));
        // X25519 differs in one number and signs nothing.
        let mut x25519 = key.as_der().to_vec();
        x25519[8] = 0x6e;
        assert_eq!(PublicKey::from_der(&x25519), Err(BadPublicKey::Kind));
    }

    #[test]
    fn rsa_sizes_are_told_apart() {
        for (bits, kind) in [(2048, Some(KeyAlgorithm::Rsa2048)), (3072, Some(KeyAlgorithm::Rsa3072)), (1024, None)] {
            let mut modulus = vec![0xff; bits / 8];
            *modulus.last_mut().unwrap() = 0x01;
            assert_eq!(PublicKey::from_rsa(&modulus, &[1, 0, 1]).ok().map(|k| k.algorithm()), kind);
        }
    }
}
