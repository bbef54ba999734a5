//! The service's errors on the bus: `org.jitsuin.Jitsuin1.Error.<Name>`.
//!
//! The body is the text for people, and a vardict with the error's parameters.

use std::collections::HashMap;

use zbus::message::{Header, Message};
use zbus::names::ErrorName;
use zbus::{DBusError, OwnedVariant, Variant};

use crate::service::Error;

/// What stands before every error name.
pub const PREFIX: &str = "org.jitsuin.Jitsuin1.Error.";

/// A service error on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    error: Error,
    text: String,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let text = error.to_string();
        Self { error, text }
    }
}

impl DBusError for Failure {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&(self.text.as_str(), parameters(&self.error)))
    }

    fn name(&self) -> ErrorName<'_> {
        // The prefix and every name are fixed and well-formed; a test goes through all of them.
        ErrorName::try_from(full_name(&self.error))
            .unwrap_or_else(|_| ErrorName::from_static_str_unchecked("org.freedesktop.DBus.Error.Failed"))
    }

    fn description(&self) -> Option<&str> {
        Some(&self.text)
    }
}

/// The full name of an error on the bus.
#[must_use]
pub fn full_name(error: &Error) -> String {
    format!("{PREFIX}{}", error.name())
}

/// The parameters of an error, by the names of its Varlink twin with hyphens.
pub(super) fn parameters(error: &Error) -> HashMap<&'static str, OwnedVariant> {
    let one = |key, value: Variant<'_>| HashMap::from_iter(value.try_to_owned().ok().map(|v| (key, v)));
    match error {
        Error::AuthorityRejected { reason }
        | Error::AuthorityUntrusted { reason }
        | Error::InvalidArgument { reason }
        | Error::StorageFailed { reason } => one("reason", reason.as_str().into()),
        Error::Busy { holder } => {
            holder.as_ref().map_or_else(HashMap::new, |holder| one("holder", holder.as_str().into()))
        }
        Error::CertificateUnusable { reason }
        | Error::ChallengeMalformed { reason }
        | Error::OriginRejected { reason } => one("reason", (*reason).into()),
        Error::EnrolmentConflict { enrolment } => one("enrolment", enrolment.as_str().into()),
        Error::IssuerMismatch { authority } => one("authority", authority.as_str().into()),
        Error::NotAuthorized { action, .. } => one("action", (*action).into()),
        Error::NotSupported { what } => one("what", what.as_str().into()),
        Error::PinFormat { min, max } | Error::PukFormat { min, max } => {
            let mut both = one("min", i32::from(*min).into());
            both.extend(one("max", i32::from(*max).into()));
            both
        }
        Error::PinIncorrect { retries } | Error::PukIncorrect { retries } => {
            retries.map_or_else(HashMap::new, |left| one("retries", i32::from(left).into()))
        }
        Error::RateLimited { retry_after_ms } => one("retry-after-ms", (*retry_after_ms).into()),
        Error::WorkerFailed { worker } => one("worker", worker.as_str().into()),
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
        | Error::TouchTimedOut => HashMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_name_that_the_bus_takes() {
        for error in Error::examples() {
            assert!(ErrorName::try_from(full_name(&error)).is_ok(), "{error:?}");
        }
    }
}
