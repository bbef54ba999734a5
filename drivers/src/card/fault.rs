//! What PC/SC's errors mean to a person: the only place that reads them. Status words are read by the
//! drivers, for each application has its own.

use std::fmt;

use ::token::Fault;
use pcsc::Error;

use super::exchange::Broken;

/// The meaning of a line that broke.
pub(crate) fn by_broken(step: impl fmt::Display, broken: Broken, seconds: u64) -> Fault {
    match broken {
        Broken::Line(error) => by_error(step, error),
        Broken::Answer => malformed(step),
        Broken::Late => Fault::TimedOut { seconds },
    }
}

/// The meaning of an error of PC/SC.
pub(crate) fn by_error(step: impl fmt::Display, error: Error) -> Fault {
    match error {
        // The card is gone, or its reader, or pcscd with all of them.
        Error::NoReadersAvailable
        | Error::NoService
        | Error::NoSmartcard
        | Error::ReaderUnavailable
        | Error::RemovedCard
        | Error::ServiceStopped
        | Error::Shutdown
        | Error::UnknownReader => Fault::Absent,

        Error::SharingViolation | Error::ServerTooBusy => Fault::Busy { holder: None },

        Error::Cancelled | Error::CancelledByUser | Error::SystemCancelled => Fault::Cancelled,

        // Somebody reset the card, and what was proven to it is forgotten.
        Error::ResetCard => Fault::PinRequired { left: None },

        Error::BadSeek
        | Error::CacheItemNotFound
        | Error::CacheItemStale
        | Error::CacheItemTooBig
        | Error::CantDispose
        | Error::CardNotAuthenticated
        | Error::CardUnsupported
        | Error::CertificateUnavailable
        | Error::ChvBlocked
        | Error::CommDataLost
        | Error::CommError
        | Error::DirNotFound
        | Error::DuplicateReader
        | Error::Eof
        | Error::FileNotFound
        | Error::IccCreateorder
        | Error::IccInstallation
        | Error::InsufficientBuffer
        | Error::InternalError
        | Error::InvalidAtr
        | Error::InvalidChv
        | Error::InvalidHandle
        | Error::InvalidParameter
        | Error::InvalidTarget
        | Error::InvalidValue
        | Error::NoAccess
        | Error::NoDir
        | Error::NoFile
        | Error::NoKeyContainer
        | Error::NoMemory
        | Error::NoSuchCertificate
        | Error::NotReady
        | Error::NotTransacted
        | Error::PciTooSmall
        | Error::ProtoMismatch
        | Error::ReaderUnsupported
        | Error::SecurityViolation
        | Error::Timeout
        | Error::UnknownCard
        | Error::UnknownError
        | Error::UnknownResMng
        | Error::UnpoweredCard
        | Error::UnresponsiveCard
        | Error::UnsupportedCard
        | Error::UnsupportedFeature
        | Error::WaitedTooLong
        | Error::WriteTooMany
        | Error::WrongChv => device(&format!("{step}: {error:?}")),
    }
}

/// An answer that is none.
pub(crate) fn malformed(step: impl fmt::Display) -> Fault {
    device(&format!("{step}: an answer that makes no sense"))
}

/// A [`Fault::Device`] with that detail.
pub(crate) fn device(detail: &str) -> Fault {
    Fault::Device { detail: detail.to_owned() }
}

/// A [`Fault::CannotDo`].
pub(crate) fn cannot(what: &str) -> Fault {
    Fault::CannotDo { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        assert_eq!(by_error("VERIFY", Error::RemovedCard), Fault::Absent);
        assert_eq!(by_error("SCardConnect", Error::SharingViolation), Fault::Busy { holder: None });
        assert_eq!(by_error("VERIFY", Error::NotTransacted), device("VERIFY: NotTransacted"));
    }
}
