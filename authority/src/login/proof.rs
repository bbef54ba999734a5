//! The certificate step: which record answers a challenge (D-604, in that order: path, time, usage,
//! state, name, signature).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256};
use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};
use der::{Decode, Encode};
use spki::SubjectPublicKeyInfoRef;
use token::login::signed_bytes;
use token::{AuthToken, CertificateFacts, Challenge, KeyAlgorithm, PublicKey, Refusal, Standing as InTime};
use x509_cert::Certificate;

use super::{Login, Standing, refuse, standing};
use crate::denial::Denial;
use crate::rules::login::{Door, at_door};
use crate::store::certificates::{self, CertificateRow};
use crate::store::{Change, handles};

/// Longest token text, in bytes.
const MAX_TOKEN: usize = 7 * 1024;

/// A token that was read, with what can be computed from it alone.
struct Examined {
    facts: CertificateFacts,
    issued_by_us: bool,
    signature_fits: bool,
}

/// A certificate step that succeeded, in the change that took the challenge.
pub(super) struct Proven {
    pub(super) change: Change,
    pub(super) row: CertificateRow,
    pub(super) standing: Standing,
}

impl Login {
    /// Checks an answer to a challenge. The challenge is used up whatever comes of it.
    pub(super) async fn prove(&self, door: Door, challenge: &str, token: &str) -> Result<Proven, Denial> {
        let action = "login.certificate";
        let examined = self.examine(challenge, token);
        let mut change = self.house.store.change(self.house.clock.now()).await?;
        let now = change.now();
        if !handles::take_challenge(change.db(), challenge, door, now).await? {
            return refuse(change, self.event(door, None, action), Refusal::Origin).await;
        }
        let Examined { facts, issued_by_us, signature_fits } = match examined {
            Ok(examined) => examined,
            Err(refusal) => return refuse(change, self.event(door, None, action), refusal).await,
        };
        let found = certificates::by_certificate(change.db(), &facts.sha256()).await?;
        let Some(row) = found.filter(|_| issued_by_us && !facts.ca) else {
            return refuse(change, self.event(door, None, action), Refusal::Auth).await;
        };
        let holder = row.record.holder.clone();
        let event = self.event(door, Some((&holder, row.record.administrator)), action).on(&row.record.id);
        match facts.standing(now) {
            InTime::Valid => {}
            InTime::Expired => {
                return refuse(change, event, Denial::dated(Refusal::CertExpired, facts.not_after)).await;
            }
            InTime::NotYetValid => {
                return refuse(change, event, Denial::dated(Refusal::CertNotYet, facts.not_before)).await;
            }
        }
        if !facts.may_sign || !facts.may_authenticate {
            return refuse(change, event, Refusal::Auth).await;
        }
        let standing = match standing(change.db(), &row, now).await? {
            Ok(standing) => Ok(standing),
            // The state of the certificate comes before its name, that of its holder after the
            // signature.
            Err(denial) if matches!(denial.refusal, Refusal::LockContract | Refusal::LockUser) => Err(denial),
            Err(denial) => return refuse(change, event, denial).await,
        };
        let named = facts.name.as_ref().is_some_and(|name| {
            name.contract == holder.contract
                && name.user == holder.user
                && name.institution == self.house.settings.institution_code
        });
        if !named {
            return refuse(change, event, Refusal::Auth).await;
        }
        if let Err(refusal) = at_door(door, holder.user.is_some()) {
            return refuse(change, event, refusal).await;
        }
        if !signature_fits {
            return refuse(change, event, Refusal::Origin).await;
        }
        match standing {
            Ok(standing) => Ok(Proven { change, row, standing }),
            Err(denial) => refuse(change, event, denial).await,
        }
    }

    /// Reads the token. Origin and challenge are ours, never the token's (D-602).
    fn examine(&self, challenge: &str, token: &str) -> Result<Examined, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::BadRequest);
        }
        let challenge = Challenge::new(challenge).map_err(|_| Refusal::Origin)?;
        let token: AuthToken = serde_json::from_str(token).map_err(|_| Refusal::BadRequest)?;
        let (certificate, algorithm, signature) = token.parts().ok_or(Refusal::BadRequest)?;
        let facts = CertificateFacts::from_der(&certificate).map_err(|_| Refusal::BadRequest)?;
        let signed = signed_bytes(&self.house.settings.origin, &challenge, algorithm);
        Ok(Examined {
            issued_by_us: is_issued_by(&certificate, self.house.ca.issuing_key()),
            signature_fits: facts.public_key.verify(algorithm, &signed, &signature).is_ok(),
            facts,
        })
    }
}

/// Whether `key` signed the certificate.
fn is_issued_by(certificate: &[u8], key: &PublicKey) -> bool {
    let scheme: &'static dyn VerificationAlgorithm = match key.algorithm() {
        KeyAlgorithm::P256 => &ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::P384 => &ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => &RSA_PKCS1_2048_8192_SHA256,
    };
    let Ok(parsed) = Certificate::from_der(certificate) else { return false };
    let Ok(signed) = parsed.tbs_certificate().to_der() else { return false };
    let Ok(spki) = SubjectPublicKeyInfoRef::from_der(key.as_der()) else { return false };
    UnparsedPublicKey::new(scheme, spki.subject_public_key.raw_bytes())
        .verify(&signed, parsed.signature().raw_bytes())
        .is_ok()
}
