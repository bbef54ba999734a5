//! The check of a login.

use der::Decode;
use rustls_pki_types::CertificateDer;
use token::login::signed_bytes;
use token::{AuthToken, CertificateFacts, Challenge, SignatureAlgorithm, SubjectName};
use webpki::{
    Error, ExpirationPolicy, RevocationCheckDepth, RevocationOptionsBuilder, RevocationReason, UnknownStatusPolicy,
    anchor_from_trusted_cert,
};
use x509_cert::Certificate;

use crate::answer::{self, Asked};
use crate::evidence::{Evidence, RevocationList, seconds};
use crate::path::{Purpose, Trust};
use crate::{BadParty, ChallengeStore, Demand, Holders, Party, Reason, Rejection};

/// Longest token text, in bytes.
const MAX_TOKEN: usize = 24 * 1024;
/// The authority's clock may be a little ahead of ours.
const SKEW: i64 = 300;

/// Somebody who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Contract, user and institution.
    pub subject: SubjectName,
    /// The certificate.
    pub certificate: CertificateFacts,
    /// How the login was signed.
    pub algorithm: SignatureAlgorithm,
}

/// Checks logins for one relying party.
#[derive(Debug)]
pub struct Verifier {
    party: Party,
    trust: Trust,
}

impl Verifier {
    /// Prepares the checks.
    ///
    /// # Errors
    /// [`BadParty`].
    pub fn new(party: Party) -> Result<Self, BadParty> {
        if party.roots.is_empty() {
            return Err(BadParty::NoRoot);
        }
        if party.algorithms.is_empty() {
            return Err(BadParty::NoAlgorithm);
        }
        let anchors = party
            .roots
            .iter()
            .map(|root| {
                let root = CertificateDer::from(root.as_slice());
                anchor_from_trusted_cert(&root)
                    .map(|anchor| anchor.to_owned())
                    .map_err(|e| BadParty::Root(e.to_string()))
            })
            .collect::<Result<_, _>>()?;
        let issuing = party.issuing.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let trust = Trust { anchors, issuing, roots: party.roots.clone() };
        Ok(Self { party, trust })
    }

    /// Takes the challenge of `session` out of the store and checks the token, a JSON text, against it at `now` (Unix
    /// time in seconds). The challenge is used up whatever comes of it.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn log_in<S: ChallengeStore>(
        &self,
        store: &S,
        session: &str,
        token: &str,
        evidence: &Evidence,
        now: i64,
    ) -> Result<Login, Rejection> {
        let challenge = store.take(session, now).map_err(|error| Rejection::Store(error.to_string()))?;
        self.verify(&challenge.ok_or(Rejection::Challenge)?, token, evidence, now)
    }

    /// Checks a token against a challenge that the caller has taken out of its store: once it was given here it must
    /// never be given again.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(
        &self,
        challenge: &Challenge,
        token: &str,
        evidence: &Evidence,
        now: i64,
    ) -> Result<Login, Rejection> {
        if token.len() > MAX_TOKEN {
            return Err(Rejection::Format);
        }
        let token: AuthToken = serde_json::from_str(token).map_err(|_| Rejection::Format)?;
        let named = token.algorithm.clone();
        let (der, algorithm, signature) = token.parts().ok_or(Rejection::Format)?;
        let facts = CertificateFacts::from_der(&der).map_err(|_| Rejection::Certificate)?;
        let leaf = Certificate::from_der(&der).map_err(|_| Rejection::Certificate)?;
        if !self.party.algorithms.contains(&algorithm) || !algorithm.fits(facts.public_key.algorithm()) {
            return Err(Rejection::Algorithm(named.chars().filter(|c| c.is_ascii_alphanumeric()).take(16).collect()));
        }
        let checked = self.trust.check(&der, Purpose::ClientAuth, now, None).map_err(|error| path(error, &facts))?;
        if facts.ca || !facts.may_sign || !facts.may_authenticate {
            return Err(Rejection::Usage);
        }
        self.revocation(&der, &leaf, &checked.issuer, evidence, now)?;
        let subject = facts.name.clone().ok_or(Rejection::Name)?;
        if subject.institution != self.party.institution {
            return Err(Rejection::Name);
        }
        let admitted = match self.party.holders {
            Holders::All => true,
            Holders::Administrators => subject.user.is_none(),
            Holders::Users => subject.user.is_some(),
        };
        if !admitted {
            return Err(Rejection::Holder);
        }
        let signed = signed_bytes(&self.party.origin, challenge, algorithm);
        facts.public_key.verify(algorithm, &signed, &signature).map_err(|_| Rejection::Signature)?;
        Ok(Login { subject, certificate: facts, algorithm })
    }

    /// Looks for evidence. One sound and young piece that speaks for the certificate is enough; one that speaks against
    /// it is enough too, whatever the others say.
    fn revocation(
        &self,
        der: &[u8],
        leaf: &Certificate,
        issuer: &[u8],
        evidence: &Evidence,
        now: i64,
    ) -> Result<(), Rejection> {
        let (hours, whole) = match self.party.demand {
            Demand::Nothing => return Ok(()),
            Demand::Revocation { hours } => (hours, false),
            Demand::WholeChain { hours } => (hours, true),
        };
        let age = i64::from(hours) * 3600;
        let asked = Asked { leaf, issuer, nonce: evidence.nonce.as_deref(), now, age };
        let mut shown = false;
        let mut unsound = None;
        for answer in &evidence.answers {
            match answer::judge(answer, &asked, &self.trust) {
                Ok(said) => shown |= said.is_some(),
                Err(Rejection::BadEvidence(what)) => unsound = Some(what),
                Err(against) => return Err(against),
            }
        }
        let mut lists: Vec<&RevocationList> =
            evidence.lists.iter().filter(|list| list.this_update <= now.saturating_add(SKEW)).collect();
        // webpki looks at the first list that fits
        lists.sort_by_key(|list| std::cmp::Reverse(list.this_update));
        let young: Vec<_> = lists.iter().filter(|list| now.saturating_sub(list.this_update) <= age).collect();
        let by_list = self.by_lists(der, leaf, young.iter().map(|list| **list), false, now);
        match by_list {
            Ok(said) => shown |= said,
            Err(Rejection::BadEvidence(what)) => unsound = Some(what),
            Err(against) => return Err(against),
        }
        if !shown {
            return Err(unsound.map_or(Rejection::NoEvidence, Rejection::BadEvidence));
        }
        if whole && !self.by_lists(der, leaf, lists.into_iter(), true, now)? {
            return Err(Rejection::NoEvidence);
        }
        Ok(())
    }

    /// Whether the lists show that the certificate, or its issuer's, is not revoked; `false` where none is for it.
    fn by_lists<'a>(
        &self,
        der: &[u8],
        leaf: &Certificate,
        lists: impl Iterator<Item = &'a RevocationList>,
        chain: bool,
        now: i64,
    ) -> Result<bool, Rejection> {
        let lists: Vec<_> = lists.map(|list| &list.list).collect();
        let Ok(options) = RevocationOptionsBuilder::new(&lists) else { return Ok(false) };
        let (depth, policy) = if chain {
            // the leaf was judged before: a list for it may be missing where an answer spoke for it
            (RevocationCheckDepth::Chain, UnknownStatusPolicy::Allow)
        } else {
            (RevocationCheckDepth::EndEntity, UnknownStatusPolicy::Deny)
        };
        let options = options
            .with_depth(depth)
            .with_status_policy(policy)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build();
        match self.trust.check(der, Purpose::ClientAuth, now, Some(options)) {
            Ok(path) if chain => Ok(all_have_lists(&path.above, &lists)),
            Ok(_) => Ok(true),
            Err(Error::UnknownRevocationStatus | Error::CrlExpired { .. }) => Ok(false),
            Err(Error::CertRevoked) => Err(revoked(&lists, leaf, chain)),
            Err(error) => Err(Rejection::BadEvidence(error.to_string())),
        }
    }
}

/// Whether each of the issuers has a list for all of its certificates among them: without it nothing was said of the CA
/// that it certified. webpki has checked the signature of whichever list it took, and takes none only where none fits.
fn all_have_lists(issuers: &[Vec<u8>], lists: &[&webpki::CertRevocationList<'_>]) -> bool {
    issuers.iter().all(|name| {
        lists.iter().any(|list| list.issuer() == name.as_slice() && list.issuing_distribution_point().is_none())
    })
}

/// What the lists say of a certificate that is in one of them.
fn revoked(lists: &[&webpki::CertRevocationList<'_>], leaf: &Certificate, chain: bool) -> Rejection {
    let serial = leaf.tbs_certificate().serial_number().as_bytes();
    let entry = lists.iter().find_map(|list| list.find_serial(serial).ok().flatten()).filter(|_| !chain);
    let Some(entry) = entry else {
        // the issuing CA's certificate is the one in the list
        return Rejection::Path("the issuing CA was revoked".to_owned());
    };
    let at = seconds(entry.revocation_date.as_secs());
    match entry.reason_code {
        Some(RevocationReason::CertificateHold) => Rejection::OnHold { since: at },
        other => Rejection::Revoked { at, reason: reason(other) },
    }
}

fn reason(reason: Option<RevocationReason>) -> Reason {
    match reason {
        Some(RevocationReason::KeyCompromise) => Reason::KeyCompromise,
        Some(RevocationReason::CaCompromise) => Reason::CaCompromise,
        Some(RevocationReason::AffiliationChanged) => Reason::AffiliationChanged,
        Some(RevocationReason::Superseded) => Reason::Superseded,
        Some(RevocationReason::CessationOfOperation) => Reason::CessationOfOperation,
        Some(RevocationReason::PrivilegeWithdrawn) => Reason::PrivilegeWithdrawn,
        Some(RevocationReason::AaCompromise) => Reason::AaCompromise,
        _ => Reason::Unspecified,
    }
}

fn path(error: Error, facts: &CertificateFacts) -> Rejection {
    match error {
        Error::CertExpired { .. } => Rejection::Expired { until: facts.not_after },
        Error::CertNotValidYet { .. } => Rejection::NotYetValid { from: facts.not_before },
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension | Error::CaUsedAsEndEntity => Rejection::Usage,
        other => Rejection::Path(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_party_trusts_somebody_and_allows_something() {
        let party = || Party::new("https://shop.example".parse().unwrap(), "1635".parse().unwrap());
        assert!(matches!(Verifier::new(party()), Err(BadParty::NoRoot)));
        assert!(matches!(Verifier::new(party().trust(vec![1, 2, 3])), Err(BadParty::Root(_))));
        assert!(matches!(Verifier::new(party().trust(vec![1]).sign_with(&[])), Err(BadParty::NoAlgorithm)));
    }

    proptest! {
        #[test]
        fn rubbish_is_refused(token in ".{0,200}", answer in proptest::collection::vec(any::<u8>(), 0..100)) {
            let party = Party::new("https://shop.example".parse().unwrap(), "1635".parse().unwrap());
            let trust = Trust { anchors: Vec::new(), issuing: Vec::new(), roots: Vec::new() };
            let verifier = Verifier { party, trust };
            let evidence = Evidence { answers: vec![answer], ..Evidence::default() };
            let challenge = Challenge::from_bytes(&[7; 32]).unwrap();
            prop_assert!(verifier.verify(&challenge, &token, &evidence, 0).is_err());
        }
    }
}
