//! What the daemon says about a question: the `info` dictionary of the agent interface.

use crate::bus::Vardict;
use crate::bus::vardict::{number, text, truth};

/// Longest application label that is shown, in characters: it is the caller's own claim.
const LABEL: usize = 24;

/// The dictionary, read. Nothing in it is secret; nothing in it can add a line to a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// `acquire`, `change-pin`, `login`, `otp`, `otp-from-token`, `provision-otp`, `retire` or `unblock-pin`.
    pub purpose: String,
    /// Who will get the signature.
    pub origin: Option<String>,
    /// The program that asks, unverified.
    pub application: Option<String>,
    /// Whose program.
    pub uid: Option<i64>,
    /// Which process.
    pub pid: Option<i64>,
    /// The name in the certificate (S-094).
    pub certificate_name: Option<String>,
    /// Unix time in seconds.
    pub certificate_valid_until: Option<i64>,
    /// The token's label.
    pub token_label: Option<String>,
    /// Where the token is.
    pub reader: Option<String>,
    /// Tries left, where known.
    pub tries_left: Option<i64>,
    /// The next wrong entry blocks the PIN.
    pub final_try: bool,
    /// 契約者ID.
    pub contract_id: Option<String>,
    /// 利用者ID.
    pub user_id: Option<String>,
    /// The authority's profile or address.
    pub authority: Option<String>,
    /// The account on an OTP token.
    pub account: Option<String>,
    /// The key's fingerprint.
    pub fingerprint: Option<String>,
    /// Why it is asked again, in English; may hold a code of the catalogue.
    pub reason: Option<String>,
    /// `request` or `install`: which part of an acquisition.
    pub step: Option<String>,
}

impl From<&Vardict> for Info {
    fn from(dict: &Vardict) -> Self {
        let filled = |key| text(dict, key).filter(|value| !value.is_empty());
        Self {
            purpose: text(dict, "purpose").unwrap_or_default(),
            origin: filled("origin"),
            application: filled("application").map(|label| label.chars().take(LABEL).collect()),
            uid: number(dict, "uid"),
            pid: number(dict, "pid"),
            certificate_name: filled("certificate-name").or_else(|| filled("name")),
            certificate_valid_until: number(dict, "certificate-valid-until").or_else(|| number(dict, "not-after")),
            token_label: filled("token-label"),
            reader: filled("reader"),
            tries_left: number(dict, "tries-left").filter(|left| *left >= 0),
            final_try: truth(dict, "final-try").unwrap_or(false),
            contract_id: filled("contract-id"),
            user_id: filled("user-id"),
            authority: filled("authority"),
            account: filled("account"),
            fingerprint: filled("fingerprint"),
            reason: filled("reason"),
            step: filled("step"),
        }
    }
}
