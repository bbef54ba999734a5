//! Who may acquire now (S-061, S-070, S-074, S-082, D-103).

use token::Refusal;

use super::certificate::{Record, Status};

/// How a contract stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractStatus {
    /// 利用可能.
    Active,
    /// 緊急停止.
    EmergencyStop,
    /// ロック.
    Locked,
    /// 解約.
    Terminated,
}

impl ContractStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::EmergencyStop, Self::Locked, Self::Terminated];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EmergencyStop => "emergency_stop",
            Self::Locked => "locked",
            Self::Terminated => "terminated",
        }
    }

    /// The status with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }
}

/// How a user stands, locks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// 利用可能.
    Active,
    /// 登録抹消: final, the ID is barred.
    Deregistered,
    /// 利用中止.
    Stopped,
}

impl UserStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Deregistered, Self::Stopped];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deregistered => "deregistered",
            Self::Stopped => "stopped",
        }
    }

    /// The status with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }
}

/// The record that can be acquired at `now`, out of all of the holder's.
///
/// # Errors
/// `Deadline` when the newest issue lapsed, `NotIssued` when none is open.
pub fn open_issue(records: &[Record], now: i64) -> Result<&Record, Refusal> {
    let newest = records.iter().max_by_key(|record| record.issue_no).ok_or(Refusal::NotIssued)?;
    match newest.status_at(now) {
        Status::Awaiting => Ok(newest),
        Status::Lapsed => Err(Refusal::Deadline),
        Status::Expired | Status::Revoked | Status::Suspended | Status::Unconfirmed | Status::Valid => {
            Err(Refusal::NotIssued)
        }
    }
}

/// Which proofs an acquisition needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The acquisition code, as the MAC of the request.
    pub code: bool,
    /// The user PIN.
    pub pin: bool,
    /// A one-time password.
    pub otp: bool,
}

/// What is wanted of a holder. An administrator has neither user PIN nor OTP token: there the code,
/// handed over on paper, stands alone. `code_alone` allows the same to users (a profile for software
/// that knows no CRMF controls).
#[must_use]
pub fn wanted(is_user: bool, issue_has_code: bool, code_alone: bool) -> Wanted {
    let alone = !is_user || (code_alone && issue_has_code);
    Wanted { code: issue_has_code || !is_user, pin: !alone, otp: !alone }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_acquires_with_nothing() {
        for is_user in [false, true] {
            for has_code in [false, true] {
                for alone in [false, true] {
                    let wanted = wanted(is_user, has_code, alone);
                    assert!(wanted.code || (wanted.pin && wanted.otp), "{is_user} {has_code} {alone}");
                }
            }
        }
    }
}
