//! What a module's return codes mean to a person: the only place that reads them.

use ::token::Fault;
use cryptoki::error::{Error, RvError};

/// Turns what a call came back with into a [`Fault`].
///
/// PIN faults come without the tries left and without the token's limits: the caller, who knows
/// the token, adds them.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Pkcs11(code, function) => by_code(code, &format!("C_{function:?}")),
        Error::LibraryLoading(_) => device("dlopen: the module cannot be loaded"),
        Error::MissingSymbol(symbol) => device(&format!("dlopen: {symbol} is missing, so it is no PKCS#11 module")),
        Error::NullFunctionPointer => device("the module lacks a function that is needed"),
        Error::NotSupported
        | Error::TryFromInt(_)
        | Error::TryFromSlice(_)
        | Error::ParseInt(_)
        | Error::Utf8(_)
        | Error::NulError(_)
        | Error::InvalidValue
        | Error::PinNotSet => device("the module answered something that has no meaning"),
    }
}

/// The meaning of one return code (PKCS#11 v3.1 §5.1) from the function of that name.
pub(super) fn by_code(code: RvError, function: &str) -> Fault {
    let device = || device(&format!("{function}: {}", name(code)));
    match code {
        // The token is out of reach, or the session that stood for its presence is.
        RvError::DeviceRemoved
        | RvError::SessionClosed
        | RvError::SessionHandleInvalid
        | RvError::SlotIdInvalid
        | RvError::TokenNotPresent
        | RvError::TokenNotRecognized => Fault::Absent,

        RvError::Cancel | RvError::FunctionCanceled | RvError::FunctionRejected => Fault::Cancelled,

        RvError::DeviceMemory => Fault::NoSpace,

        RvError::PinIncorrect => Fault::PinWrong { left: None },
        RvError::PinInvalid | RvError::PinLenRange | RvError::PinTooWeak => Fault::PinFormat { min: 0, max: 0 },
        RvError::PinLocked => Fault::PinBlocked,
        RvError::UserNotLoggedIn => Fault::PinRequired { left: None },
        RvError::PinExpired => cannot("be used before its PIN is changed"),
        RvError::UserPinNotInitialized => cannot("be used before a PIN is set on it"),

        RvError::SessionReadOnly | RvError::SessionReadOnlyExists | RvError::TokenWriteProtected => {
            Fault::WriteProtected
        }

        RvError::SessionCount | RvError::UserAnotherAlreadyLoggedIn | RvError::UserTooManyTypes => {
            Fault::Busy { holder: None }
        }

        RvError::ActionProhibited => cannot("delete or change this object"),
        RvError::CurveNotSupported
        | RvError::DomainParamsInvalid
        | RvError::FunctionNotSupported
        | RvError::KeyFunctionNotPermitted
        | RvError::KeySizeRange
        | RvError::KeyTypeInconsistent
        | RvError::MechanismInvalid
        | RvError::MechanismParamInvalid => cannot(&format!("do {function} as it was asked to")),

        RvError::ArgumentsBad
        | RvError::AttributeReadOnly
        | RvError::AttributeSensitive
        | RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::BufferTooSmall
        | RvError::CantLock
        | RvError::CryptokiAlreadyInitialized
        | RvError::CryptokiNotInitialized
        | RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::DeviceError
        | RvError::EncryptedDataInvalid
        | RvError::EncryptedDataLenRange
        | RvError::ExceededMaxIterations
        | RvError::FipsSelfTestFailed
        | RvError::FunctionFailed
        | RvError::FunctionNotParallel
        | RvError::GeneralError
        | RvError::HostMemory
        | RvError::InformationSensitive
        | RvError::KeyChanged
        | RvError::KeyHandleInvalid
        | RvError::KeyIndigestible
        | RvError::KeyNeeded
        | RvError::KeyNotNeeded
        | RvError::KeyNotWrappable
        | RvError::KeyUnextractable
        | RvError::LibraryLoadFailed
        | RvError::MutexBad
        | RvError::MutexNotLocked
        | RvError::NeedToCreateThreads
        | RvError::NewPinMode
        | RvError::NextOtp
        | RvError::NoEvent
        | RvError::ObjectHandleInvalid
        | RvError::OperationActive
        | RvError::OperationNotInitialized
        | RvError::PublicKeyInvalid
        | RvError::RandomNoRng
        | RvError::RandomSeedNotSupported
        | RvError::SavedStateInvalid
        | RvError::SessionExists
        | RvError::SessionParallelNotSupported
        | RvError::SessionReadWriteSoExists
        | RvError::SignatureInvalid
        | RvError::SignatureLenRange
        | RvError::StateUnsaveable
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent
        | RvError::UnknownErrorCode(_)
        | RvError::UnwrappingKeyHandleInvalid
        | RvError::UnwrappingKeySizeRange
        | RvError::UnwrappingKeyTypeInconsistent
        | RvError::UserAlreadyLoggedIn
        | RvError::UserTypeInvalid
        | RvError::VendorDefined(_)
        | RvError::WrappedKeyInvalid
        | RvError::WrappedKeyLenRange
        | RvError::WrappingKeyHandleInvalid
        | RvError::WrappingKeySizeRange
        | RvError::WrappingKeyTypeInconsistent => device(),
    }
}

/// A [`Fault::Device`] with that detail.
pub(super) fn device(detail: &str) -> Fault {
    Fault::Device { detail: detail.to_owned() }
}

/// A [`Fault::CannotDo`].
pub(super) fn cannot(what: &str) -> Fault {
    Fault::CannotDo { what: what.to_owned() }
}

/// The name of a code as the standard writes it.
fn name(code: RvError) -> String {
    match code {
        RvError::VendorDefined(value) | RvError::UnknownErrorCode(value) => format!("CKR_{value:#010X}"),
        _ => {
            let mut name = "CKR".to_owned();
            for c in format!("{code:?}").chars() {
                if c.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(c.to_ascii_uppercase());
            }
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let of = |code| fault(Error::Pkcs11(code, Function::Sign));
        assert_eq!(of(RvError::DeviceRemoved), Fault::Absent);
        assert_eq!(of(RvError::PinIncorrect), Fault::PinWrong { left: None });
        assert_eq!(of(RvError::PinLocked), Fault::PinBlocked);
        assert_eq!(of(RvError::DeviceError), device("C_Sign: CKR_DEVICE_ERROR"));
        assert_eq!(of(RvError::UserNotLoggedIn), Fault::PinRequired { left: None });
        assert_eq!(of(RvError::VendorDefined(0x8000_0042)), device("C_Sign: CKR_0x80000042"));
    }
}
