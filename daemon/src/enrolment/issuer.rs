//! Whether an authority has issued a certificate: before a key says anything to it about that certificate.
//!
//! The rule is that of the acquisition: the certificate leads over the authority's own CA certificates to a root that is
//! pinned for its profile (`docs/decisions/0033`). The certificates come from the authority at that moment, so that it
//! holds on a workstation that has never seen the acquisition, and for certificates of a former CA.

use std::sync::Arc;

use token::CertificateFacts;

use super::Enrolments;
use super::api::Refused;
use super::authority::{Authority, now};
use super::status::{self, Shown};

/// An authority with the certificates of its CAs, as it has just told them.
#[derive(Clone)]
pub struct Issuer {
    pub(super) profile: String,
    pub(super) authority: Arc<dyn Authority>,
    certificates: Vec<Vec<u8>>,
}

/// Why nothing is known about what an authority has issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoIssuer {
    /// The request cannot be made.
    Refused(Refused),
    /// The authority did not tell: the interfaces' name of the error, and two sentences.
    Authority(Shown),
}

impl Enrolments {
    /// Asks the authority `profile` for the certificates of its CAs.
    ///
    /// # Errors
    /// [`NoIssuer`].
    pub async fn issuer(&self, profile: &str) -> Result<Issuer, NoIssuer> {
        let authority = self.shared.authorities.get(profile).cloned();
        let authority = authority.ok_or_else(|| NoIssuer::Refused(Refused::UnknownProfile(profile.to_owned())))?;
        match authority.ca_certificates().await {
            Ok(Ok(certificates)) => Ok(Issuer { profile: profile.to_owned(), authority, certificates }),
            Ok(Err(refused)) => Err(NoIssuer::Authority(status::refusal(refused.refusal, &refused.english))),
            Err(trouble) => Err(NoIssuer::Authority(status::trouble(&trouble))),
        }
    }
}

impl Issuer {
    /// Whether this authority has issued the certificate.
    ///
    /// Who signed it is asked, not whether it is valid: one that has expired may be renewed, and a workstation whose
    /// clock is wrong must be able to stop one. So the time that counts lies within the certificate's own.
    #[must_use]
    pub fn has_issued(&self, facts: &CertificateFacts) -> bool {
        let time = now().max(facts.not_before).min(facts.not_after);
        self.authority.trusts(&facts.der, &self.certificates, time)
    }

    /// # Errors
    /// [`Refused::OtherIssuer`] where it has not.
    pub(super) fn must_have_issued(&self, facts: &CertificateFacts) -> Result<(), Refused> {
        if self.has_issued(facts) { Ok(()) } else { Err(Refused::OtherIssuer(self.profile.clone())) }
    }
}
