//! Making a key pair on the token, and making sure that it was made there.

use ::token::{Fault, KeyAlgorithm, KeyPolicy, PublicKey, SlotId};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;

use super::fault::{cannot, device, fault};
use super::objects;
use super::token::Token;

/// Curves by object identifier in DER (RFC 5480 §2.1.1.1).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

const ED25519: &[u8] = objects::ED25519;

/// Longest mark, in bytes (`CKA_LABEL`).
const MAX_MARK: usize = 64;

impl Token {
    /// Makes a key pair in an empty slot. A pair that does not keep what was asked is destroyed.
    ///
    /// PKCS#11 knows no touch, and no PIN policy that every module would keep: `policy` is the default, or refused.
    pub(super) fn generate(
        &mut self,
        slot: &SlotId,
        algorithm: KeyAlgorithm,
        policy: KeyPolicy,
        mark: &str,
    ) -> Result<PublicKey, Fault> {
        if !policy.is_default() {
            return Err(cannot(&policy.to_string()));
        }
        if mark.len() > MAX_MARK || !mark.is_ascii() {
            return Err(cannot("bear a mark longer than 64 ASCII characters"));
        }
        self.require_turn()?;
        let id = slot.to_bytes();
        let session = self.open.session()?;
        if !objects::find(session, &[Attribute::Token(true), Attribute::Id(id.clone())])?.is_empty() {
            return Err(Fault::SlotTaken { slot: slot.clone() });
        }
        let (mechanism, kind) = match algorithm {
            KeyAlgorithm::P256 => (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P256.to_vec())]),
            KeyAlgorithm::P384 => (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P384.to_vec())]),
            KeyAlgorithm::Ed25519 => (Mechanism::EccEdwardsKeyPairGen, vec![Attribute::EcParams(ED25519.to_vec())]),
            KeyAlgorithm::Rsa2048 => (Mechanism::RsaPkcsKeyPairGen, rsa(2048)),
            KeyAlgorithm::Rsa3072 => (Mechanism::RsaPkcsKeyPairGen, rsa(3072)),
            KeyAlgorithm::Rsa4096 => return Err(cannot("be asked for rsa4096 keys")),
        };
        let name = [Attribute::Token(true), Attribute::Id(id), Attribute::Label(mark.as_bytes().to_vec())];
        let public = [name.as_slice(), &kind, &[Attribute::Private(false), Attribute::Verify(true)]].concat();
        let private = [
            name.as_slice(),
            &[
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ],
        ]
        .concat();
        let (public, private) = session.generate_key_pair(&mechanism, &public, &private).map_err(fault)?;
        check(session, public, private, algorithm).inspect_err(|_| {
            for object in [private, public] {
                if let Err(error) = session.destroy_object(object) {
                    tracing::warn!(reason = %fault(error), "a refused key pair could not be destroyed");
                }
            }
        })
    }
}

fn rsa(bits: u64) -> Vec<Attribute> {
    vec![Attribute::ModulusBits(bits.into()), Attribute::PublicExponent(vec![0x01, 0x00, 0x01])]
}

/// Reads back what was made: here, sensitive from the first, and not to be had out; and of the
/// kind that was asked.
fn check(
    session: &Session,
    public: ObjectHandle,
    private: ObjectHandle,
    algorithm: KeyAlgorithm,
) -> Result<PublicKey, Fault> {
    let said = objects::said(session, private, objects::PRIVATE)?;
    for (told, wanted, name) in [
        (said.local, true, "CKA_LOCAL"),
        (said.sensitive, true, "CKA_SENSITIVE"),
        (said.always_sensitive, true, "CKA_ALWAYS_SENSITIVE"),
        (said.extractable, false, "CKA_EXTRACTABLE"),
        (said.never_extractable, true, "CKA_NEVER_EXTRACTABLE"),
    ] {
        if told != Some(wanted) {
            return Err(device(&format!("C_GenerateKeyPair: {name} is not {wanted}, so the key was destroyed")));
        }
    }
    let key = objects::said(session, public, objects::PUBLIC)?
        .public_key()
        .ok_or_else(|| device("C_GenerateKeyPair: the public key cannot be read"))?;
    // Where the private half says which key it is, both halves must agree.
    let agrees = said.public_key().is_none_or(|own| own == key);
    if key.algorithm() != algorithm || !agrees {
        return Err(device("C_GenerateKeyPair: another key than was asked for"));
    }
    Ok(key)
}
