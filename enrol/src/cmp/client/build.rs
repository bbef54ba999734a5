//! What the workstation sends.

use token::{PublicKey, Secret, SignatureAlgorithm};
use zeroize::Zeroizing;

use super::{BadMessage, CertRequestDer, Envelope, Template};

const NOT_YET: BadMessage = BadMessage::Input("this build");

/// The first page: `genm` asking for the template, with the user PIN where the form has one.
/// `mac`: the acquisition code, where the holder has one. The bytes carry the PIN.
///
/// # Errors
/// [`BadMessage`].
pub fn template_request(
    _envelope: &Envelope<'_>,
    _user_pin: Option<&Secret>,
    _mac: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, BadMessage> {
    Err(NOT_YET)
}

/// The `CertRequest` that the new key must sign, with PIN and OTP as CRMF controls: the OTP is bound
/// to this key.
///
/// # Errors
/// [`BadMessage`].
pub fn certificate_request(
    _template: &Template,
    _key: &PublicKey,
    _user_pin: Option<&Secret>,
    _otp: Option<&Secret>,
) -> Result<CertRequestDer, BadMessage> {
    Err(NOT_YET)
}

/// The second page: `ir` with the request and the token's `signature` over it (ECDSA as raw
/// `r ‖ s`). The bytes carry PIN and OTP.
///
/// # Errors
/// [`BadMessage`].
pub fn initial_request(
    _envelope: &Envelope<'_>,
    _request: &CertRequestDer,
    _algorithm: SignatureAlgorithm,
    _signature: &[u8],
    _mac: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, BadMessage> {
    Err(NOT_YET)
}

/// `pollReq`: what became of the transaction? Read the answer with [`super::read_response`].
///
/// # Errors
/// [`BadMessage`].
pub fn poll_request(_envelope: &Envelope<'_>, _mac: Option<&Secret>) -> Result<Vec<u8>, BadMessage> {
    Err(NOT_YET)
}

/// Asks whether the authority knows the transaction: a [`poll_request`] without a MAC.
///
/// # Errors
/// [`BadMessage`].
pub fn status_query(envelope: &Envelope<'_>) -> Result<Vec<u8>, BadMessage> {
    poll_request(envelope, None)
}

/// The header and body of `certConf` for `certificate`, as the new key signs them
/// ([`token::Statement::cmp_protection`]). The sender is the certificate's subject.
///
/// # Errors
/// [`BadMessage`].
pub fn confirm_protected_part(
    _envelope: &Envelope<'_>,
    _certificate: &[u8],
    _algorithm: SignatureAlgorithm,
) -> Result<Vec<u8>, BadMessage> {
    Err(NOT_YET)
}

/// `certConf`, the installation proof: `protected_part` from [`confirm_protected_part`] and the
/// token's `signature` over it (ECDSA as raw `r ‖ s`).
///
/// # Errors
/// [`BadMessage`].
pub fn confirm(
    _protected_part: &[u8],
    _certificate: &[u8],
    _algorithm: SignatureAlgorithm,
    _signature: &[u8],
) -> Result<Vec<u8>, BadMessage> {
    Err(NOT_YET)
}

/// Gives the transaction up: `certConf` with rejection where the certificate is at hand, else
/// `error`. Read the answer with [`super::read_confirmation`]. It needs no signature: who knows the
/// transaction may end it.
///
/// # Errors
/// [`BadMessage`].
pub fn reject(_envelope: &Envelope<'_>, _certificate: Option<&[u8]>) -> Result<Vec<u8>, BadMessage> {
    Err(NOT_YET)
}
