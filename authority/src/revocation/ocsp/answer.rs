//! Making an answer.

use der::asn1::{BitString, Null, OctetString};
use der::{Decode, Encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use token::ocsp::{
    BASIC, BasicOcspResponse, CertId, CertStatus, NONCE, OcspResponse, ResponderId, ResponseBytes, ResponseData,
    ResponseStatus, RevokedInfo, SingleResponse,
};
use x509_cert::ext::Extension;

use super::responder::Responders;
use super::{Answer, Asked};
use crate::ca::{IssuingCa, generalized};
use crate::house::House;
use crate::revocation::RevocationError;
use crate::rules::certificate::Status;
use crate::rules::revocation::{Standing, standing};
use crate::store::revocations;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Makes an answer at `now`, and says whether it stays right until something is revoked, held or released.
pub(super) async fn make(
    responders: &Responders,
    house: &House,
    asked: &Asked,
    now: i64,
) -> Result<(Answer, bool), RevocationError> {
    let mut lasting = true;
    let mut found = Vec::with_capacity(asked.requests.len());
    let mut named = None;
    for request in &asked.requests {
        let id = &request.cert_id;
        let issuing = house.ca.all().find(|issuing| is_of(id, issuing));
        named = named.or(issuing);
        let signed = match issuing {
            Some(issuing) => {
                let serial = hex::encode(magnitude(id.serial_number.as_bytes()));
                revocations::signed(house.store.readers(), issuing.id(), &serial).await?
            }
            None => None,
        };
        // a certificate that is not signed yet, or not confirmed, changes without being revoked
        lasting &= signed.as_ref().is_some_and(|signed| signed.status != Status::Unconfirmed);
        found.push((id.clone(), signed.map(|signed| standing(&signed, now))));
    }
    let issuing = named.unwrap_or(house.ca.current());
    let responder = responders.of(house, issuing, now).await?;
    let until = (now + i64::from(house.settings.revocation.ocsp_minutes) * 60).min(responder.not_after());
    let responses = found
        .into_iter()
        .map(|(cert_id, standing)| {
            Ok(SingleResponse {
                cert_id,
                cert_status: status(standing)?,
                this_update: generalized(now)?,
                next_update: Some(generalized(until)?),
                extensions: None,
            })
        })
        .collect::<der::Result<Vec<_>>>()?;
    let data = ResponseData {
        version: 0,
        responder_id: ResponderId::ByKey(OctetString::new(responder.key_hash())?),
        produced_at: generalized(now)?,
        responses,
        extensions: asked.nonce.as_ref().map(|nonce| echo(nonce).map(|nonce| vec![nonce])).transpose()?,
    };
    let signature = responder.sign(&data.to_der()?)?;
    let basic = BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: responder.algorithm()?,
        signature: BitString::from_bytes(&signature)?,
        certs: Some(vec![responder.certificate().clone()]),
    };
    let response = OcspResponse {
        response_status: ResponseStatus::Successful,
        response_bytes: Some(ResponseBytes { response_type: BASIC, response: OctetString::new(basic.to_der()?)? }),
    };
    let shared = asked.nonce.is_none().then_some((now, until));
    Ok((Answer { der: response.to_der()?.into(), shared }, lasting))
}

fn status(standing: Option<Standing>) -> der::Result<CertStatus> {
    Ok(match standing {
        Some(Standing::Good) => CertStatus::Good(Null),
        Some(Standing::Revoked { at, reason }) => {
            CertStatus::Revoked(RevokedInfo { revocation_time: generalized(at)?, revocation_reason: reason })
        }
        None => CertStatus::Unknown(Null),
    })
}

fn echo(nonce: &OctetString) -> der::Result<Extension> {
    Ok(Extension { extn_id: NONCE, critical: false, extn_value: OctetString::new(nonce.to_der()?)? })
}

/// Whether a certificate is named as one of that CA's: by SHA-1, or SHA-256.
fn is_of(id: &CertId, issuing: &IssuingCa) -> bool {
    let Ok(name) = issuing.name().to_der() else { return false };
    let Ok(spki) = SubjectPublicKeyInfoRef::from_der(issuing.key().as_der()) else { return false };
    let key = spki.subject_public_key.raw_bytes();
    let (name, key) = match id.hash_algorithm.oid {
        SHA1 => (Sha1::digest(&name).to_vec(), Sha1::digest(key).to_vec()),
        SHA256 => (Sha256::digest(&name).to_vec(), Sha256::digest(key).to_vec()),
        _ => return false,
    };
    id.issuer_name_hash.as_bytes() == name && id.issuer_key_hash.as_bytes() == key
}

/// A serial number as the database has it: an INTEGER's octets without the zero that keeps it positive.
fn magnitude(octets: &[u8]) -> &[u8] {
    match octets {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    }
}
