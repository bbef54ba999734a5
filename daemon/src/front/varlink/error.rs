//! The service's errors as Varlink errors: the twins of the D-Bus ones.

use serde_json::{Value, json};

use super::INTERFACE;
use crate::service::Error;

/// Its full name.
#[must_use]
pub fn wire_name(error: &Error) -> String {
    format!("{INTERFACE}.{}", error.name())
}

/// Its parameters, as the interface description has them.
#[must_use]
pub fn parameters(error: &Error) -> Value {
    match error {
        Error::AuthorityRejected { reason }
        | Error::AuthorityUntrusted { reason }
        | Error::InvalidArgument { reason }
        | Error::StorageFailed { reason } => json!({ "reason": reason }),
        Error::Busy { holder } => json!({ "holder": holder }),
        Error::CertificateUnusable { reason }
        | Error::ChallengeMalformed { reason }
        | Error::OriginRejected { reason } => json!({ "reason": reason }),
        Error::EnrolmentConflict { enrolment } => json!({ "enrolment": enrolment }),
        Error::IssuerMismatch { authority } => json!({ "authority": authority }),
        Error::NotAuthorized { action, .. } => json!({ "action": action }),
        Error::NotSupported { what } => json!({ "what": what }),
        Error::PinFormat { min, max } | Error::PukFormat { min, max } => json!({ "min": min, "max": max }),
        Error::PinIncorrect { retries } | Error::PukIncorrect { retries } => json!({ "retries": retries }),
        Error::RateLimited { retry_after_ms } => json!({ "retryAfterMs": retry_after_ms }),
        Error::WorkerFailed { worker } => json!({ "worker": worker }),
        Error::Cancelled
        | Error::ChallengeExpired
        | Error::ConsentDenied
        | Error::Internal
        | Error::KeyUsageForbidden
        | Error::NetworkUnavailable
        | Error::NoAgent
        | Error::NoSuchObject
        | Error::OtpRejected
        | Error::PinBlocked
        | Error::PinFinalTryHeld
        | Error::PukBlocked
        | Error::TimedOut
        | Error::TokenAbsent
        | Error::TokenChanged
        | Error::TouchTimedOut => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::front::varlink::DESCRIPTION;

    #[test]
    fn the_description_lists_every_error_with_its_parameters() {
        let described: BTreeSet<String> = DESCRIPTION
            .lines()
            .filter_map(|line| line.strip_prefix("error "))
            .map(|line| {
                let (name, rest) = line.split_once('(').unwrap();
                let names = rest.trim_end_matches(')').split(", ").filter_map(|p| p.split(':').next());
                format!("{name}{:?}", names.filter(|n| !n.is_empty()).collect::<BTreeSet<_>>())
            })
            .collect();
        let made: BTreeSet<String> = Error::examples()
            .iter()
            .map(|error| {
                let parameters = parameters(error);
                let names: BTreeSet<&str> = parameters.as_object().unwrap().keys().map(String::as_str).collect();
                format!("{}{names:?}", error.name())
            })
            .collect();
        assert_eq!(made, described);
    }
}
