//! What relying parties are told of a certificate: good, on hold, or revoked, since when and why.

use x509_cert::ext::pkix::CrlReason;

use super::certificate::Status;
use super::ended::Ended;

/// What the rules look at of a record whose certificate was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// 電子証明書ステータス.
    pub status: Status,
    /// `cert_ended_reason`.
    pub ended_reason: Option<String>,
    /// When it ended, or was put on hold; Unix time in seconds.
    pub since: Option<i64>,
    /// Until when it must be confirmed as installed; Unix time in seconds.
    pub deadline: i64,
}

/// How a certificate stands (RFC 6960 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not revoked.
    Good,
    /// Revoked, for good or on hold.
    Revoked {
        /// Since when; Unix time in seconds.
        at: i64,
        /// Why; `None` where nothing more precise is known (RFC 5280 §5.3.1: `unspecified` is left out).
        reason: Option<CrlReason>,
    },
}

/// How a certificate stands at `now`. One that waits for its confirmation is good; left behind, it is revoked.
#[must_use]
pub fn standing(signed: &Signed, now: i64) -> Standing {
    let at = signed.since.unwrap_or(now);
    match signed.status {
        Status::Revoked => Standing::Revoked { at, reason: told(signed) },
        Status::Suspended => Standing::Revoked { at, reason: Some(CrlReason::CertificateHold) },
        Status::Unconfirmed if now > signed.deadline => {
            Standing::Revoked { at: signed.deadline, reason: Some(CrlReason::CessationOfOperation) }
        }
        Status::Awaiting | Status::Expired | Status::Lapsed | Status::Unconfirmed | Status::Valid => Standing::Good,
    }
}

/// Why, in relying parties' words.
fn told(signed: &Signed) -> Option<CrlReason> {
    Ended::from_key(signed.ended_reason.as_deref()?)?.told()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(status: Status, reason: Option<&str>) -> Signed {
        Signed { status, ended_reason: reason.map(str::to_owned), since: Some(50), deadline: 100 }
    }

    #[test]
    fn what_is_revoked_and_why() {
        for (status, ended, now, expected) in [
            (Status::Valid, None, 1_000, Standing::Good),
            (Status::Expired, None, 1_000, Standing::Good),
            (Status::Unconfirmed, None, 100, Standing::Good),
            (
                Status::Unconfirmed,
                None,
                101,
                Standing::Revoked { at: 100, reason: Some(CrlReason::CessationOfOperation) },
            ),
            (Status::Suspended, None, 60, Standing::Revoked { at: 50, reason: Some(CrlReason::CertificateHold) }),
            (Status::Revoked, Some("lost"), 60, Standing::Revoked { at: 50, reason: Some(CrlReason::KeyCompromise) }),
            (Status::Revoked, Some("other"), 60, Standing::Revoked { at: 50, reason: None }),
            (Status::Revoked, Some("of another version"), 60, Standing::Revoked { at: 50, reason: None }),
            (Status::Revoked, None, 60, Standing::Revoked { at: 50, reason: None }),
        ] {
            assert_eq!(standing(&signed(status, ended), now), expected, "{status:?} {ended:?} at {now}");
        }
    }
}
