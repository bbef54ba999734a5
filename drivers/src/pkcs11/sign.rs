//! Signing: one `C_SignInit` and one `C_Sign` with a key whose handle is remembered.

use ::token::{Fault, KeyAlgorithm, PublicKey, SignatureAlgorithm, SlotId, Statement};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{ObjectClass, ObjectHandle};

use super::fault::{cannot, device, fault};
use super::objects;
use super::token::Token;

/// `DigestInfo` of SHA-256 up to the digest (RFC 8017 §9.2, note 1).
const DIGEST_INFO_SHA256: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A private key that was found and compared.
#[derive(Clone, Debug)]
pub(super) struct KnownKey {
    handle: ObjectHandle,
    public: PublicKey,
    own_login: bool,
}

impl Token {
    /// Signs a statement with the key in `slot`, if it is `expected`.
    pub(super) fn sign(
        &mut self,
        slot: &SlotId,
        expected: &PublicKey,
        algorithm: SignatureAlgorithm,
        statement: &Statement,
    ) -> Result<Vec<u8>, Fault> {
        if !algorithm.fits(expected.algorithm()) {
            return Err(cannot(&format!("sign {algorithm} with a {} key", expected.algorithm())));
        }
        let (mechanism, input) = recipe(algorithm, &self.mechanisms, statement)?;
        let mut key = self.key(slot, expected)?;
        let mut begun = self.open.session()?.sign_init(&mechanism, key.handle);
        if matches!(begun, Err(Error::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid, _))) {
            // Somebody changed the token: the key is looked up again. Nothing was signed yet.
            self.keys.remove(slot);
            key = self.key(slot, expected)?;
            begun = self.open.session()?.sign_init(&mechanism, key.handle);
        }
        begun.map_err(fault)?;
        let signed = self.finish(&key, &input);
        if signed.is_err() {
            // A signature that was begun can only be given up with its session, and the turn with it.
            self.forget();
        }
        let signature = signed?;
        if signature.len() != length(expected.algorithm()) {
            return Err(device("C_Sign: a signature of another length than its key makes"));
        }
        Ok(signature)
    }

    /// From `C_SignInit` on: the key's own login, where it wants one, and `C_Sign`.
    fn finish(&mut self, key: &KnownKey, input: &[u8]) -> Result<Vec<u8>, Fault> {
        if key.own_login {
            self.login_for_key()?;
        }
        let raw = self.open.module.raw().clone();
        raw.sign(self.open.session()?, input)
    }

    /// The private key in `slot`, if its public key is `expected`.
    pub(super) fn key(&mut self, slot: &SlotId, expected: &PublicKey) -> Result<KnownKey, Fault> {
        if let Some(known) = self.keys.get(slot).filter(|known| known.public == *expected) {
            return Ok(known.clone());
        }
        let id = slot.to_bytes();
        let session = self.open.session()?;
        let mut another = false;
        for handle in objects::find_in(session, ObjectClass::PRIVATE_KEY, &id)? {
            let said = objects::said(session, handle, objects::PRIVATE)?;
            if objects::public_key_of(session, &id, &said)?.as_ref() == Some(expected) {
                let own_login = said.always_authenticate == Some(true);
                let known = KnownKey { handle, public: expected.clone(), own_login };
                self.keys.insert(slot.clone(), known.clone());
                return Ok(known);
            }
            another = true;
        }
        if another {
            return Err(Fault::KeyMismatch { slot: slot.clone() });
        }
        self.require_turn()?;
        Err(Fault::SlotEmpty { slot: slot.clone() })
    }
}

impl KnownKey {
    pub(super) fn handle(&self) -> ObjectHandle {
        self.handle
    }
}

/// The mechanism, and what it is given: the hash where the token lets us hash, the message where
/// it wants to hash by itself.
fn recipe(
    algorithm: SignatureAlgorithm,
    has: &[MechanismType],
    statement: &Statement,
) -> Result<(Mechanism<'static>, Vec<u8>), Fault> {
    let message = statement.bytes();
    let hash = || algorithm.hash(message);
    let pss = PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 32.into() };
    let can = |mechanism| has.contains(&mechanism);
    match algorithm {
        SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 if can(MechanismType::ECDSA) => {
            Ok((Mechanism::Ecdsa, hash()))
        }
        SignatureAlgorithm::EdDsa if can(MechanismType::EDDSA) => {
            Ok((Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), message.to_vec()))
        }
        SignatureAlgorithm::Es256 if can(MechanismType::ECDSA_SHA256) => Ok((Mechanism::EcdsaSha256, message.to_vec())),
        SignatureAlgorithm::Es384 if can(MechanismType::ECDSA_SHA384) => Ok((Mechanism::EcdsaSha384, message.to_vec())),
        SignatureAlgorithm::Rs256 if can(MechanismType::RSA_PKCS) => {
            Ok((Mechanism::RsaPkcs, [DIGEST_INFO_SHA256.as_slice(), &hash()].concat()))
        }
        SignatureAlgorithm::Rs256 if can(MechanismType::SHA256_RSA_PKCS) => {
            Ok((Mechanism::Sha256RsaPkcs, message.to_vec()))
        }
        SignatureAlgorithm::Ps256 if can(MechanismType::RSA_PKCS_PSS) => Ok((Mechanism::RsaPkcsPss(pss), hash())),
        SignatureAlgorithm::Ps256 if can(MechanismType::SHA256_RSA_PKCS_PSS) => {
            Ok((Mechanism::Sha256RsaPkcsPss(pss), message.to_vec()))
        }
        _ => Err(cannot(&format!("sign {algorithm}"))),
    }
}

/// Bytes of a signature by such a key.
fn length(key: KeyAlgorithm) -> usize {
    match key {
        KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 => 64,
        KeyAlgorithm::P384 => 96,
        KeyAlgorithm::Rsa2048 => 256,
        KeyAlgorithm::Rsa3072 => 384,
        KeyAlgorithm::Rsa4096 => 512,
    }
}
