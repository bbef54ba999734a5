//! The authority's side: what one transaction record and one event lead to.
//!
//! These are the promises of design §7, as a pure function: the same transaction and the same key
//! get the same answer for ever; the OTP is burnt by binding it, not by the attempt; confirming is
//! idempotent and needs the proof; abandoning is idempotent and refused after confirmation. Who
//! stores records calls [`decide`] inside the database transaction that carries the decision out.

use serde::{Deserialize, Serialize};
use token::Refusal;

pub use crate::cmp::Applicant;

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Bound to applicant, key and OTP; no certificate yet (a second administrator is waited for).
    Bound,
    /// The certificate is made; its installation is not proven (取得中).
    Issued,
    /// Installed and proven (有効).
    Confirmed,
    /// Given up before it was confirmed.
    Abandoned,
}

/// What the authority keeps about one transaction, as far as deciding needs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// Who acquires.
    pub applicant: Applicant,
    /// SHA-256 of the `SubjectPublicKeyInfo` it is bound to.
    pub key: [u8; 32],
    /// SHA-256 of the certificate; `None` while [`Stage::Bound`].
    pub certificate: Option<[u8; 32]>,
    /// How far it is.
    pub stage: Stage,
}

/// What somebody asks about a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry<'a> {
    /// `certConf` with rejection (or `error`): give it up.
    Abandon,
    /// `certConf` with acceptance.
    Confirm {
        /// `certHash`: SHA-256 of the certificate that was installed.
        certificate: [u8; 32],
        /// The message was protected by a signature of the new key, and it verified.
        proved: bool,
    },
    /// `pollReq`: what became of it?
    Query,
    /// `ir`: a request for a certificate, its proof of possession verified.
    Submit {
        /// Who asks.
        applicant: &'a Applicant,
        /// SHA-256 of the `SubjectPublicKeyInfo` in the request.
        key: [u8; 32],
    },
}

/// What the authority does. Nothing is changed by any decision but [`Decision::Bind`],
/// [`Decision::Confirm`] and [`Decision::Abandon`].
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Revoke the unconfirmed certificate; the record becomes [`Stage::Abandoned`].
    Abandon,
    /// It is so already: answer as to the first time.
    AlreadyAbandoned,
    /// It is so already: answer `pkiConf` as to the first time.
    AlreadyConfirmed,
    /// A new transaction: check PIN, OTP and the open issue; when all are right, burn the OTP and
    /// store the record, in one database transaction.
    Bind,
    /// The record becomes [`Stage::Confirmed`]; the certificate becomes valid, the old one is
    /// superseded.
    Confirm,
    /// Too late to abandon: it was confirmed (CMP failInfo `certConfirmed`).
    ConfirmedBefore,
    /// Refuse.
    Refuse(Refusal),
    /// Send the stored answer again. No OTP is asked for, none is burnt.
    Repeat,
    /// There is no such transaction, and nothing was ever bound to it.
    Unknown,
    /// Bound, but not issued yet: `pollRep` with a time to check again.
    Wait,
}

/// Decides about `inquiry`, given what is `known` of the transaction that it names.
pub fn decide(known: Option<&Transaction>, inquiry: &Inquiry<'_>) -> Decision {
    let Some(known) = known else {
        return match inquiry {
            Inquiry::Submit { .. } => Decision::Bind,
            Inquiry::Query | Inquiry::Abandon => Decision::Unknown,
            Inquiry::Confirm { .. } => Decision::Refuse(Refusal::BadRequest),
        };
    };
    match inquiry {
        Inquiry::Submit { applicant, key } if known.applicant != **applicant || known.key != *key => {
            Decision::Refuse(Refusal::BadRequest)
        }
        Inquiry::Submit { .. } | Inquiry::Query => match known.stage {
            Stage::Bound => Decision::Wait,
            Stage::Issued | Stage::Confirmed => Decision::Repeat,
            Stage::Abandoned => Decision::Refuse(Refusal::Install),
        },
        Inquiry::Confirm { certificate, proved } => {
            if !proved || known.certificate != Some(*certificate) {
                return Decision::Refuse(Refusal::BadRequest);
            }
            match known.stage {
                Stage::Bound => Decision::Refuse(Refusal::BadRequest),
                Stage::Issued => Decision::Confirm,
                Stage::Confirmed => Decision::AlreadyConfirmed,
                Stage::Abandoned => Decision::Refuse(Refusal::Install),
            }
        }
        Inquiry::Abandon => match known.stage {
            Stage::Bound | Stage::Issued => Decision::Abandon,
            Stage::Abandoned => Decision::AlreadyAbandoned,
            Stage::Confirmed => Decision::ConfirmedBefore,
        },
    }
}

#[cfg(test)]
mod tests {
    use token::{ContractId, UserId};

    use super::*;

    fn applicant(user: &str) -> Applicant {
        Applicant { contract: ContractId::new("00009876543").unwrap(), user: Some(UserId::new(user).unwrap()) }
    }

    fn record(stage: Stage) -> Transaction {
        let certificate = (stage != Stage::Bound).then_some([2; 32]);
        Transaction { applicant: applicant("riyousya"), key: [1; 32], certificate, stage }
    }

    #[test]
    fn the_same_request_gets_the_same_answer() {
        let (me, other) = (applicant("riyousya"), applicant("tanin"));
        let submit = |applicant, key| Inquiry::Submit { applicant, key };
        assert_eq!(decide(None, &submit(&me, [1; 32])), Decision::Bind);
        for stage in [Stage::Issued, Stage::Confirmed] {
            assert_eq!(decide(Some(&record(stage)), &submit(&me, [1; 32])), Decision::Repeat);
            assert_eq!(decide(Some(&record(stage)), &Inquiry::Query), Decision::Repeat);
        }
        for stage in [Stage::Bound, Stage::Issued, Stage::Confirmed, Stage::Abandoned] {
            let bound = record(stage);
            assert_eq!(decide(Some(&bound), &submit(&me, [9; 32])), Decision::Refuse(Refusal::BadRequest));
            assert_eq!(decide(Some(&bound), &submit(&other, [1; 32])), Decision::Refuse(Refusal::BadRequest));
        }
    }

    #[test]
    fn confirming_needs_the_proof_and_can_be_repeated() {
        let confirm = |certificate, proved| Inquiry::Confirm { certificate, proved };
        assert_eq!(decide(Some(&record(Stage::Issued)), &confirm([2; 32], true)), Decision::Confirm);
        assert_eq!(decide(Some(&record(Stage::Confirmed)), &confirm([2; 32], true)), Decision::AlreadyConfirmed);
        for (certificate, proved) in [([2; 32], false), ([3; 32], true)] {
            for stage in [Stage::Issued, Stage::Confirmed] {
                let decision = decide(Some(&record(stage)), &confirm(certificate, proved));
                assert_eq!(decision, Decision::Refuse(Refusal::BadRequest));
            }
        }
        assert_eq!(
            decide(Some(&record(Stage::Abandoned)), &confirm([2; 32], true)),
            Decision::Refuse(Refusal::Install)
        );
    }

    #[test]
    fn abandoning_can_be_repeated_until_confirmation() {
        for (stage, decision) in [
            (Stage::Bound, Decision::Abandon),
            (Stage::Issued, Decision::Abandon),
            (Stage::Abandoned, Decision::AlreadyAbandoned),
            (Stage::Confirmed, Decision::ConfirmedBefore),
        ] {
            assert_eq!(decide(Some(&record(stage)), &Inquiry::Abandon), decision);
        }
        assert_eq!(decide(None, &Inquiry::Abandon), Decision::Unknown);
    }
}
