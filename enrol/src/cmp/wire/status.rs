//! `PKIStatusInfo` and `ErrorMsgContent` (RFC 9810 §5.2.3, §5.3.21).

use der::Sequence;
use der::asn1::{BitStringRef, IntRef, Utf8StringRef};

pub(crate) const ACCEPTED: u8 = 0;
pub(crate) const GRANTED_WITH_MODS: u8 = 1;
pub(crate) const REJECTION: u8 = 2;
pub(crate) const WAITING: u8 = 3;

/// `PKIStatusInfo`.
#[derive(Clone, Sequence)]
pub(crate) struct PkiStatusInfo<'a> {
    pub(crate) status: u8,
    pub(crate) status_string: Option<Vec<Utf8StringRef<'a>>>,
    pub(crate) fail_info: Option<BitStringRef<'a>>,
}

impl PkiStatusInfo<'_> {
    /// It went well.
    pub(crate) fn accepted() -> Self {
        Self { status: ACCEPTED, status_string: None, fail_info: None }
    }
}

/// `ErrorMsgContent`.
#[derive(Clone, Sequence)]
pub(crate) struct ErrorMsgContent<'a> {
    pub(crate) status: PkiStatusInfo<'a>,
    pub(crate) error_code: Option<IntRef<'a>>,
    pub(crate) error_details: Option<Vec<Utf8StringRef<'a>>>,
}
