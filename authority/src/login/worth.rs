//! What a login is worth to whoever does business on it.

use crate::house::House;
use crate::rules::business::cooling_off_until;
use crate::rules::login::Assurance;
use crate::store::certificates::CertificateRow;
use crate::store::users::User;

/// What the bank's own systems and relying parties judge risky business by (D-507, D-508, D-512).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Seconds since the certificate was confirmed (D-507).
    pub credential_age: i64,
    /// Until when the certificate is not good for risky business (D-507); Unix time in seconds. `None` where that time
    /// is over. A renewal, made by a key that was good for it, begins none.
    pub cooling_off_until: Option<i64>,
    /// What is known of where the key is.
    pub assurance: Assurance,
    /// A reissue has taken the transfer and approval rights, and nobody has given them again (D-508).
    pub rights_suspended: bool,
}

impl Worth {
    /// Of a login by this certificate of this user's.
    pub(super) fn of(house: &House, row: &CertificateRow, user: &User, now: i64) -> Self {
        let risk = &house.settings.risk;
        Self {
            credential_age: row.confirmed_at.map_or(0, |at| now - at),
            cooling_off_until: row
                .confirmed_at
                .filter(|_| row.record.renews.is_none())
                .and_then(|at| cooling_off_until(at, risk.cooling_off_days, &risk.holidays))
                .filter(|until| now < *until),
            assurance: if row.device.is_some() { Assurance::AttestedHardware } else { Assurance::Unattested },
            rights_suspended: user.rights_suspended_at.is_some(),
        }
    }

    /// `active` or `suspended`.
    #[must_use]
    pub fn rights(&self) -> &'static str {
        if self.rights_suspended { "suspended" } else { "active" }
    }
}
