//! Why a certificate ended: `cert_ended_reason`, and what relying parties are told of it (RFC 5280 §5.3.1). A row here is
//! the only way into the database, so that no reason is without its word for them.

use x509_cert::ext::pkix::CrlReason;

use super::choice::Reason;

macro_rules! ended {
    ($($(#[$doc:meta])+ $name:ident, $key:literal, $told:expr;)+) => {
        /// Why a certificate ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Ended {
            $($(#[$doc])+ $name,)+
        }

        impl Ended {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The key in the database and in the record of events.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)+
                }
            }

            /// In the words of RFC 5280 §5.3.1; `None` where nothing more precise is known: `unspecified` is left out.
            #[must_use]
            pub fn told(self) -> Option<CrlReason> {
                match self {
                    $(Self::$name => $told,)+
                }
            }
        }
    };
}

ended! {
    /// It was not acquired in time. It was never signed, and stands in no list.
    AcquireDeadline, "acquire_deadline", Some(CrlReason::CessationOfOperation);
    /// Its time is over. That stands in itself, and in no list.
    CertValidUntil, "cert_valid_until", None;
    /// Somebody else may have the key.
    Compromised, "compromised", Some(CrlReason::KeyCompromise);
    /// 登録抹消: its user is one no more.
    Deregistered, "deregistered", Some(CrlReason::AffiliationChanged);
    /// Its holder does not need it any more.
    Discarded, "discarded", Some(CrlReason::CessationOfOperation);
    /// It was about to end.
    Expired, "expired", Some(CrlReason::CessationOfOperation);
    /// It was acquired and never confirmed.
    InstallFailed, "install_failed", Some(CrlReason::CessationOfOperation);
    /// The token is lost.
    Lost, "lost", Some(CrlReason::KeyCompromise);
    /// Anything else.
    Other, "other", None;
    /// Another PC or token.
    PcChange, "pc_change", Some(CrlReason::CessationOfOperation);
    /// Its administrator is one no more.
    Removed, "removed", Some(CrlReason::AffiliationChanged);
    /// A renewal of it was confirmed.
    Renewed, "renewed", Some(CrlReason::Superseded);
    /// The certificate that it was to renew was revoked. It was never confirmed.
    Revoked, "revoked", Some(CrlReason::CessationOfOperation);
    /// The token was stolen.
    Stolen, "stolen", Some(CrlReason::KeyCompromise);
    /// Somebody stopped its holder, or all of the contract, while it was being acquired. Whose key it is nobody has said:
    /// `cessationOfOperation` would say that there is nothing to suspect.
    Stopped, "stopped", None;
    /// Another issue took its place.
    Superseded, "superseded", Some(CrlReason::Superseded);
    /// It was on hold for as long as that may last, and nobody lifted it. Whether the key is safe nobody has said: no word
    /// of the list says that, `cessationOfOperation` the contrary (X.509 §9.5.3.1), and no privilege was withdrawn.
    SuspendMax, "suspend_max", None;
    /// The certificate that it was to renew was put on hold. It was never confirmed.
    Suspended, "suspended", Some(CrlReason::CessationOfOperation);
    /// 解約: the contract ended.
    Terminated, "terminated", Some(CrlReason::CessationOfOperation);
}

impl Ended {
    /// The reason with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ended| ended.key() == key)
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Compromised => Self::Compromised,
            Reason::Expired => Self::Expired,
            Reason::InstallFailed => Self::InstallFailed,
            Reason::Lost => Self::Lost,
            Reason::Other => Self::Other,
            Reason::PcChange => Self::PcChange,
            Reason::Stolen => Self::Stolen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_key_and_is_told_as_what_may_end_a_certificate_for_good() {
        for ended in Ended::ALL {
            assert_eq!(Ended::from_key(ended.key()), Some(*ended));
            // a hold is no end, and no CA or attribute authority is spoken of
            let wrong = [
                CrlReason::Unspecified,
                CrlReason::CertificateHold,
                CrlReason::RemoveFromCRL,
                CrlReason::CaCompromise,
                CrlReason::AaCompromise,
            ];
            assert!(ended.told().is_none_or(|told| !wrong.contains(&told)), "{ended:?}");
        }
        let untold: Vec<_> = Ended::ALL.iter().filter(|ended| ended.told().is_none()).collect();
        assert_eq!(untold, [&Ended::CertValidUntil, &Ended::Other, &Ended::Stopped, &Ended::SuspendMax]);
        assert_eq!(Ended::from_key("of another version"), None);
    }

    #[test]
    fn a_key_that_others_may_have_is_called_compromised() {
        for reason in Reason::ALL {
            let ended = Ended::from(reason);
            assert_eq!(ended.key(), reason.key());
            assert_eq!(ended.told() == Some(CrlReason::KeyCompromise), reason.kills_at_once(), "{reason:?}");
        }
    }
}
