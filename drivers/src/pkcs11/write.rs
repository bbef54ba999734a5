//! Writing certificates, and deleting what is done with.

use ::token::{CertificateFacts, Fault, PublicKey, SlotId};
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::{Decode, Encode};
use x509_cert::Certificate;

use super::fault::{cannot, device, fault};
use super::objects;
use super::token::Token;

impl Token {
    /// Writes a certificate beside its key and reads it back. What was there before is removed only
    /// after that, so there is no moment without a certificate; done twice, it is the same.
    pub(super) fn install(&mut self, slot: &SlotId, expected: &PublicKey, certificate: &[u8]) -> Result<(), Fault> {
        let template = template(slot, certificate, expected)?;
        self.require_turn()?;
        let key = self.key(slot, expected)?.handle();
        let id = slot.to_bytes();
        let session = self.open.session()?;
        let label = objects::said(session, key, &[AttributeType::Label])?.label;
        let mut kept = None;
        let mut old = Vec::new();
        for object in objects::find_in(session, ObjectClass::CERTIFICATE, &id)? {
            if kept.is_none() && value(session, object)?.as_deref() == Some(certificate) {
                kept = Some(object);
            } else {
                old.push(object);
            }
        }
        if kept.is_none() {
            let template = [template.as_slice(), &[Attribute::Label(label.into_bytes())]].concat();
            let written = session.create_object(&template).map_err(fault)?;
            if value(session, written)?.as_deref() != Some(certificate) {
                let _ = session.destroy_object(written);
                return Err(device("C_CreateObject: the certificate read back is not the one written"));
            }
        }
        for object in old {
            session.destroy_object(object).map_err(fault)?;
        }
        Ok(())
    }

    /// Deletes certificate, private and public key of the pair `expected`. The public half goes
    /// last: by it a deletion that was cut short is known again.
    pub(super) fn delete(&mut self, slot: &SlotId, expected: &PublicKey) -> Result<(), Fault> {
        self.require_turn()?;
        self.keys.remove(slot);
        let id = slot.to_bytes();
        let session = self.open.session()?;
        let certificates = objects::find_in(session, ObjectClass::CERTIFICATE, &id)?;
        let private = objects::find_in(session, ObjectClass::PRIVATE_KEY, &id)?;
        let public = objects::find_in(session, ObjectClass::PUBLIC_KEY, &id)?;
        let mut found = Vec::new();
        for object in &private {
            let said = objects::said(session, *object, objects::PRIVATE)?;
            found.push(objects::public_key_of(session, &id, &said)?);
        }
        for object in &public {
            found.push(objects::said(session, *object, objects::PUBLIC)?.public_key());
        }
        if found.is_empty() {
            for object in &certificates {
                let key = value(session, *object)?.and_then(|der| CertificateFacts::from_der(&der).ok());
                found.push(key.map(|facts| facts.public_key));
            }
        }
        if found.iter().any(|key| key.as_ref() != Some(expected)) {
            return Err(Fault::KeyMismatch { slot: slot.clone() });
        }
        for object in certificates.into_iter().chain(private).chain(public) {
            session.destroy_object(object).map_err(fault)?;
        }
        Ok(())
    }
}

fn value(session: &Session, object: ObjectHandle) -> Result<Option<Vec<u8>>, Fault> {
    Ok(objects::said(session, object, &[AttributeType::Value])?.value)
}

/// The certificate object (§4.6.3), its label apart.
fn template(slot: &SlotId, certificate: &[u8], expected: &PublicKey) -> Result<Vec<Attribute>, Fault> {
    let facts = CertificateFacts::from_der(certificate).map_err(|_| cannot("hold what is not a certificate"))?;
    if facts.public_key != *expected {
        return Err(Fault::KeyMismatch { slot: slot.clone() });
    }
    let parsed = Certificate::from_der(certificate).map_err(|_| cannot("hold what is not a certificate"))?;
    let tbs = parsed.tbs_certificate();
    let encode = |der: der::Result<Vec<u8>>| der.map_err(|_| cannot("hold what is not a certificate"));
    Ok(vec![
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Id(slot.to_bytes()),
        Attribute::Subject(encode(tbs.subject().to_der())?),
        Attribute::Issuer(encode(tbs.issuer().to_der())?),
        Attribute::SerialNumber(encode(tbs.serial_number().to_der())?),
        Attribute::Value(certificate.to_vec()),
    ])
}
