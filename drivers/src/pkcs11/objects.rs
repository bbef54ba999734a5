//! Objects on a token: finding them, and reading what they say.

use ::token::certificate::MAX_CERTIFICATE;
use ::token::{CertificateFacts, Fault, PublicKey};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::fault::{device, fault};

/// The curve edwards25519 by its object identifier in DER (RFC 8410 §3), as `CKA_EC_PARAMS` has it.
pub(super) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// The same by its name in DER (PKCS#11 v3.1 §6.3.3).
const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";

/// Objects that are read from one token; one that reports more is not believed.
const MAX_OBJECTS: usize = 4096;

/// The handles that match a template.
pub(super) fn find(session: &Session, template: &[Attribute]) -> Result<Vec<ObjectHandle>, Fault> {
    let mut handles = Vec::new();
    for handle in session.iter_objects(template).map_err(fault)? {
        handles.push(handle.map_err(fault)?);
        if handles.len() > MAX_OBJECTS {
            return Err(device("C_FindObjects: more objects than can be"));
        }
    }
    Ok(handles)
}

/// The token objects of a class with that `CKA_ID`.
pub(super) fn find_in(session: &Session, class: ObjectClass, id: &[u8]) -> Result<Vec<ObjectHandle>, Fault> {
    find(session, &[Attribute::Token(true), Attribute::Class(class), Attribute::Id(id.to_vec())])
}

/// What an object says of itself, as far as it was asked and as far as it says it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) class: Option<ObjectClass>,
    pub(super) id: Vec<u8>,
    pub(super) label: String,
    pub(super) local: Option<bool>,
    pub(super) sensitive: Option<bool>,
    pub(super) always_sensitive: Option<bool>,
    pub(super) extractable: Option<bool>,
    pub(super) never_extractable: Option<bool>,
    pub(super) private: Option<bool>,
    pub(super) always_authenticate: Option<bool>,
    pub(super) signs: Option<bool>,
    pub(super) value: Option<Vec<u8>>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    curve: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
    spki: Option<Vec<u8>>,
}

/// What sorts an object: asked of every object.
pub(super) const NAMING: &[AttributeType] = &[AttributeType::Class, AttributeType::Id, AttributeType::Label];

/// What identifies a public key, and what a public key object says of its origin.
pub(super) const PUBLIC: &[AttributeType] = &[
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::PublicKeyInfo,
    AttributeType::Local,
];

/// What a private key object says of how it is kept, and which key it is.
pub(super) const PRIVATE: &[AttributeType] = &[
    AttributeType::Local,
    AttributeType::Sensitive,
    AttributeType::AlwaysSensitive,
    AttributeType::Extractable,
    AttributeType::NeverExtractable,
    AttributeType::Private,
    AttributeType::AlwaysAuthenticate,
    AttributeType::Sign,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::PublicKeyInfo,
];

/// Reads attributes of an object; one it does not have stays unsaid.
pub(super) fn said(session: &Session, object: ObjectHandle, wanted: &[AttributeType]) -> Result<Said, Fault> {
    let mut said = Said::default();
    for attribute in session.get_attributes(object, wanted).map_err(fault)? {
        match attribute {
            Attribute::AlwaysAuthenticate(yes) => said.always_authenticate = Some(yes),
            Attribute::AlwaysSensitive(yes) => said.always_sensitive = Some(yes),
            Attribute::Class(class) => said.class = Some(class),
            Attribute::EcParams(curve) => said.curve = Some(curve),
            Attribute::EcPoint(point) => said.point = Some(point),
            Attribute::Extractable(yes) => said.extractable = Some(yes),
            Attribute::Id(id) => said.id = id,
            Attribute::Label(label) => said.label = text(&label),
            Attribute::Local(yes) => said.local = Some(yes),
            Attribute::Modulus(modulus) => said.modulus = Some(modulus),
            Attribute::NeverExtractable(yes) => said.never_extractable = Some(yes),
            Attribute::Private(yes) => said.private = Some(yes),
            Attribute::PublicExponent(exponent) => said.exponent = Some(exponent),
            Attribute::PublicKeyInfo(spki) => said.spki = Some(spki),
            Attribute::Sensitive(yes) => said.sensitive = Some(yes),
            Attribute::Sign(yes) => said.signs = Some(yes),
            Attribute::Value(value) => said.value = Some(value),
            _ => {}
        }
    }
    Ok(said)
}

impl Said {
    /// The public key that the object holds or belongs to; `None` where it does not say, or where
    /// it is of a kind that Jitsuin does not accept.
    pub(super) fn public_key(&self) -> Option<PublicKey> {
        if let (Some(modulus), Some(exponent)) = (&self.modulus, &self.exponent) {
            return PublicKey::from_rsa(modulus, exponent).ok();
        }
        let edwards = self.curve.as_deref().is_some_and(|curve| curve == ED25519 || curve == ED25519_NAME);
        if let (Some(point), true) = (&self.point, edwards) {
            return PublicKey::from_ed25519(bare_point(point)).ok();
        }
        if let Some(point) = &self.point {
            return PublicKey::from_point(bare_point(point)).ok();
        }
        self.spki.as_deref().and_then(|spki| PublicKey::from_der(spki).ok())
    }

    /// The certificate in `CKA_VALUE`, if it is not longer than any certificate that is read.
    pub(super) fn certificate(self) -> Option<Vec<u8>> {
        self.value.filter(|der| !der.is_empty() && der.len() <= MAX_CERTIFICATE)
    }
}

/// The public key of the key pair `id`, from whichever of its objects says it: the private key,
/// the public key, the certificate.
pub(super) fn public_key_of(session: &Session, id: &[u8], private: &Said) -> Result<Option<PublicKey>, Fault> {
    if let Some(key) = private.public_key() {
        return Ok(Some(key));
    }
    for object in find_in(session, ObjectClass::PUBLIC_KEY, id)? {
        if let Some(key) = said(session, object, PUBLIC)?.public_key() {
            return Ok(Some(key));
        }
    }
    for object in find_in(session, ObjectClass::CERTIFICATE, id)? {
        if let Some(der) = said(session, object, &[AttributeType::Value])?.certificate()
            && let Ok(facts) = CertificateFacts::from_der(&der)
        {
            return Ok(Some(facts.public_key));
        }
    }
    Ok(None)
}

/// `CKA_EC_POINT` is an OCTET STRING around the point (§6.3.3); some modules leave the wrapping out.
fn bare_point(point: &[u8]) -> &[u8] {
    match point {
        [0x04, 0x20, inner @ ..] if inner.len() == 0x20 => inner,
        [0x04, 0x41, inner @ ..] if inner.len() == 0x41 => inner,
        [0x04, 0x61, inner @ ..] if inner.len() == 0x61 => inner,
        _ => point,
    }
}

/// A label as text for people: no control characters, not overlong.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_taken_with_and_without_its_wrapping() {
        let mut raw = vec![0x04];
        raw.resize(65, 7);
        let wrapped = [&[0x04, 0x41], raw.as_slice()].concat();
        assert_eq!(bare_point(&wrapped), raw);
        assert_eq!(bare_point(&raw), raw);
        assert!(bare_point(&[]).is_empty());
    }

    #[test]
    fn labels_carry_no_control_characters() {
        assert_eq!(text(b"a\x1b[2Jb\n"), "a[2Jb");
    }
}
