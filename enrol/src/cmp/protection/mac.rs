//! Protection with a shared secret: PBMAC1 (RFC 9481 §6.1.2, RFC 8018 §7.1), and the older
//! PasswordBasedMac (RFC 9810 §5.1.3.1, RFC 4211 §4.4), which is what OpenSSL 3.0 speaks.

use aws_lc_rs::{digest, hmac, pbkdf2};
use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use spki::AlgorithmIdentifierRef;
use std::num::NonZeroU32;
use token::Secret;
use zeroize::Zeroizing;

use crate::cmp::wire::{encode, oid};

/// Rounds that are written. The secret is random, not chosen, and crosses TLS only.
const PBMAC1_ROUNDS: u32 = 20_000;
const PASSWORD_BASED_ROUNDS: u32 = 10_000;

/// Rounds that are read: below, the sender is broken; above, the sender wants us to be busy.
const ROUNDS: std::ops::RangeInclusive<u32> = 100..=100_000;

/// Salts that are read, in bytes.
const SALT: std::ops::RangeInclusive<usize> = 8..=128;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacKind {
    /// PBMAC1 with PBKDF2 and HMAC-SHA-256.
    Pbmac1,
    /// PasswordBasedMac with SHA-256 and HMAC-SHA-256.
    PasswordBased,
}

/// The MAC's parameters are not acceptable, or it is not the right MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadMac;

impl From<der::Error> for BadMac {
    fn from(_: der::Error) -> Self {
        Self
    }
}

/// `PBMAC1-params`.
#[derive(Sequence)]
struct Pbmac1Params<'a> {
    key_derivation: AlgorithmIdentifierRef<'a>,
    mac: AlgorithmIdentifierRef<'a>,
}

/// `PBKDF2-params`, with the salt as octets (the only form in use).
#[derive(Sequence)]
struct Pbkdf2Params<'a> {
    salt: &'a OctetStringRef,
    rounds: u32,
    key_length: Option<u16>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

/// `PBMParameter`.
#[derive(Sequence)]
struct PbmParameter<'a> {
    salt: &'a OctetStringRef,
    one_way: AlgorithmIdentifierRef<'a>,
    rounds: u32,
    mac: AlgorithmIdentifierRef<'a>,
}

impl MacKind {
    /// Which kind a message's `protectionAlg` is.
    pub(crate) fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<Self> {
        [(oid::PBMAC1, Self::Pbmac1), (oid::PASSWORD_BASED_MAC, Self::PasswordBased)]
            .into_iter()
            .find_map(|(oid, kind)| (oid == algorithm.oid).then_some(kind))
    }

    /// The parameters of `protectionAlg` in DER, with a salt that must be fresh.
    pub(crate) fn parameters(self, salt: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
        let salt = OctetStringRef::new(salt)?;
        match self {
            Self::Pbmac1 => {
                let derivation =
                    Pbkdf2Params { salt, rounds: PBMAC1_ROUNDS, key_length: Some(32), prf: Some(hmac_sha256()) };
                let derivation = encode(&derivation)?;
                encode(&Pbmac1Params {
                    key_derivation: AlgorithmIdentifierRef {
                        oid: oid::PBKDF2,
                        parameters: Some(AnyRef::try_from(derivation.as_slice())?),
                    },
                    mac: hmac_sha256(),
                })
            }
            Self::PasswordBased => encode(&PbmParameter {
                salt,
                one_way: AlgorithmIdentifierRef { oid: oid::SHA256, parameters: None },
                rounds: PASSWORD_BASED_ROUNDS,
                mac: hmac_sha256(),
            }),
        }
    }

    /// The `protectionAlg` with `parameters` from [`Self::parameters`].
    pub(crate) fn algorithm(self, parameters: &[u8]) -> der::Result<AlgorithmIdentifierRef<'_>> {
        let oid = match self {
            Self::Pbmac1 => oid::PBMAC1,
            Self::PasswordBased => oid::PASSWORD_BASED_MAC,
        };
        Ok(AlgorithmIdentifierRef { oid, parameters: Some(AnyRef::try_from(parameters)?) })
    }
}

/// The MAC over a protected part.
pub(crate) fn compute(
    algorithm: &AlgorithmIdentifierRef<'_>,
    secret: &Secret,
    protected: &[u8],
) -> Result<Vec<u8>, BadMac> {
    Ok(hmac::sign(&key(algorithm, secret)?, protected).as_ref().to_vec())
}

/// Compares in constant time.
pub(crate) fn verify(
    algorithm: &AlgorithmIdentifierRef<'_>,
    secret: &Secret,
    protected: &[u8],
    mac: &[u8],
) -> Result<(), BadMac> {
    hmac::verify(&key(algorithm, secret)?, protected, mac).map_err(|_| BadMac)
}

fn key(algorithm: &AlgorithmIdentifierRef<'_>, secret: &Secret) -> Result<hmac::Key, BadMac> {
    let parameters = algorithm.parameters.ok_or(BadMac)?;
    match MacKind::of(algorithm).ok_or(BadMac)? {
        MacKind::Pbmac1 => {
            let parameters: Pbmac1Params<'_> = parameters.decode_as()?;
            if parameters.key_derivation.oid != oid::PBKDF2 {
                return Err(BadMac);
            }
            let derivation: Pbkdf2Params<'_> = parameters.key_derivation.parameters.ok_or(BadMac)?.decode_as()?;
            let rounds = rounds(derivation.rounds)?;
            let salt = salt(derivation.salt)?;
            let mac = hmac_of(parameters.mac.oid)?;
            let prf = match derivation.prf.map_or(oid::HMAC_SHA1, |p| p.oid) {
                oid::HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
                oid::HMAC_SHA384 => pbkdf2::PBKDF2_HMAC_SHA384,
                oid::HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
                oid::HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
                _ => return Err(BadMac),
            };
            let length = derivation.key_length.map_or(mac.digest_algorithm().output_len(), usize::from);
            if !(16..=64).contains(&length) {
                return Err(BadMac);
            }
            let mut derived = Zeroizing::new(vec![0; length]);
            pbkdf2::derive(prf, rounds, salt, secret.expose(), &mut derived);
            Ok(hmac::Key::new(mac, &derived))
        }
        MacKind::PasswordBased => {
            let parameters: PbmParameter<'_> = parameters.decode_as()?;
            let rounds = rounds(parameters.rounds)?;
            let salt = salt(parameters.salt)?;
            let one_way = match parameters.one_way.oid {
                oid::SHA256 => &digest::SHA256,
                oid::SHA384 => &digest::SHA384,
                oid::SHA512 => &digest::SHA512,
                oid::SHA1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                _ => return Err(BadMac),
            };
            let mut first = digest::Context::new(one_way);
            first.update(secret.expose());
            first.update(salt);
            let mut derived = Zeroizing::new(first.finish().as_ref().to_vec());
            for _ in 1..rounds.get() {
                let next = digest::digest(one_way, &derived);
                derived.copy_from_slice(next.as_ref());
            }
            Ok(hmac::Key::new(hmac_of(parameters.mac.oid)?, &derived))
        }
    }
}

fn rounds(given: u32) -> Result<NonZeroU32, BadMac> {
    NonZeroU32::new(given).filter(|r| ROUNDS.contains(&r.get())).ok_or(BadMac)
}

fn salt(given: &OctetStringRef) -> Result<&[u8], BadMac> {
    if SALT.contains(&given.as_bytes().len()) { Ok(given.as_bytes()) } else { Err(BadMac) }
}

fn hmac_of(oid: ObjectIdentifier) -> Result<hmac::Algorithm, BadMac> {
    match oid {
        oid::HMAC_SHA256 => Ok(hmac::HMAC_SHA256),
        oid::HMAC_SHA384 => Ok(hmac::HMAC_SHA384),
        oid::HMAC_SHA512 => Ok(hmac::HMAC_SHA512),
        // OpenSSL's default; as a MAC it is still sound
        oid::HMAC_SHA1 | oid::HMAC_SHA1_PKIX => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        _ => Err(BadMac),
    }
}

fn hmac_sha256() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: oid::HMAC_SHA256, parameters: Some(AnyRef::NULL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn both_kinds_verify_only_with_the_secret_and_the_bytes() {
        for kind in [MacKind::Pbmac1, MacKind::PasswordBased] {
            let parameters = kind.parameters(&[9; 16]).unwrap();
            let algorithm = kind.algorithm(&parameters).unwrap();
            assert_eq!(MacKind::of(&algorithm), Some(kind));
            let mac = compute(&algorithm, &secret("code"), b"protected").unwrap();
            assert_eq!(verify(&algorithm, &secret("code"), b"protected", &mac), Ok(()));
            assert_eq!(verify(&algorithm, &secret("Code"), b"protected", &mac), Err(BadMac));
            assert_eq!(verify(&algorithm, &secret("code"), b"protectee", &mac), Err(BadMac));
            assert_eq!(verify(&algorithm, &secret("code"), b"protected", &mac[..31]), Err(BadMac));
            assert_eq!(verify(&algorithm, &secret("code"), b"protected", b""), Err(BadMac));
        }
    }

    #[test]
    fn password_based_mac_is_the_hash_of_secret_and_salt_then_hmac() {
        // RFC 4211 §4.4 by hand, 100 rounds
        let parameters = encode(&PbmParameter {
            salt: OctetStringRef::new(&[1; 16]).unwrap(),
            one_way: AlgorithmIdentifierRef { oid: oid::SHA1, parameters: Some(AnyRef::NULL) },
            rounds: 100,
            mac: AlgorithmIdentifierRef { oid: oid::HMAC_SHA1_PKIX, parameters: Some(AnyRef::NULL) },
        })
        .unwrap();
        let algorithm = MacKind::PasswordBased.algorithm(&parameters).unwrap();
        let mut basekey = {
            use sha1::Digest;
            let mut k = sha1::Sha1::digest([b"secret".as_slice(), &[1; 16]].concat());
            for _ in 1..100 {
                k = sha1::Sha1::digest(k);
            }
            k.to_vec()
        };
        basekey.truncate(20);
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &basekey), b"m");
        assert_eq!(compute(&algorithm, &secret("secret"), b"m").unwrap(), expected.as_ref());
    }

    #[test]
    fn rounds_and_salt_are_bounded() {
        for (rounds, salt_length) in
            [(0, 16), (99, 16), (100_001, 16), (u32::MAX, 16), (1000, 7), (1000, 129), (1000, 0)]
        {
            let salt = vec![7; salt_length];
            let parameters = encode(&PbmParameter {
                salt: OctetStringRef::new(&salt).unwrap(),
                one_way: AlgorithmIdentifierRef { oid: oid::SHA256, parameters: None },
                rounds,
                mac: hmac_sha256(),
            })
            .unwrap();
            let algorithm = MacKind::PasswordBased.algorithm(&parameters).unwrap();
            assert_eq!(compute(&algorithm, &secret("x"), b"m"), Err(BadMac), "{rounds} {salt_length}");
        }
    }
}
