//! Whose module it is, where that has to be known: the only place that names products.

use cryptoki::context::Pkcs11;

/// Makers whose modules say or do something that no flag tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// libtpm2-pkcs11.
    Tpm2,
    /// ykcs11.
    Yubico,
    /// Nothing is known of it.
    Other,
}

impl Maker {
    /// By what the module says of itself (`C_GetInfo`).
    pub(super) fn of(context: &Pkcs11) -> Self {
        match context.get_library_info() {
            Ok(library) if library.manufacturer_id().starts_with("tpm2-software") => Self::Tpm2,
            Ok(library) if library.manufacturer_id().starts_with("Yubico") => Self::Yubico,
            _ => Self::Other,
        }
    }

    /// It writes for the security officer only, whose PIN is the management key.
    pub(super) fn writes_for_officer_only(self) -> bool {
        self == Self::Yubico
    }

    /// Outside of a login it says that a PIN was changed, whatever the old one was (libtpm2-pkcs11 1.9: the result of
    /// `C_SetPIN` is lost to that of what it does afterwards).
    pub(super) fn changes_pin_in_login_only(self) -> bool {
        self == Self::Tpm2
    }
}
