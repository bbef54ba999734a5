//! Which certificate may log in, and at which door (S-001, S-084, S-103, S-112).

use token::Refusal;

use super::acquire::{ContractStatus, UserStatus};
use super::certificate::Status;

/// The two doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// 管理者ログイン.
    Administrator,
    /// 利用者ログイン.
    User,
}

impl Door {
    /// The key in the database and in the record of events.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::User => "user",
        }
    }
}

/// What a login of certificate and PIN is worth (D-512).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assurance {
    /// The device has proven that the key was made in it and cannot leave it.
    AttestedHardware,
    /// Nothing is proven of where the key is.
    Unattested,
}

impl Assurance {
    /// The key in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::AttestedHardware => "attested-hardware",
            Self::Unattested => "unattested",
        }
    }
}

/// Whether a certificate with or without a user ID belongs at the door.
///
/// # Errors
/// `CertNoUser` for an administrator's at the user's door, `CertUser` for the reverse.
pub fn at_door(door: Door, has_user: bool) -> Result<(), Refusal> {
    match (door, has_user) {
        (Door::User, false) => Err(Refusal::CertNoUser),
        (Door::Administrator, true) => Err(Refusal::CertUser),
        _ => Ok(()),
    }
}

/// Whether a certificate of that status may log in.
///
/// # Errors
/// The reason, one per status.
pub fn usable(status: Status) -> Result<(), Refusal> {
    match status {
        Status::Valid => Ok(()),
        Status::Expired => Err(Refusal::CertExpired),
        Status::Suspended => Err(Refusal::CertSuspended),
        Status::Unconfirmed => Err(Refusal::CertUnconfirmed),
        Status::Awaiting | Status::Lapsed | Status::Revoked => Err(Refusal::CertRevoked),
    }
}

/// Wrong PINs that one certificate step allows where `limit` of them in a row lock: fewer, so that whoever gets hold of a
/// begun login does not lock its holder with it.
#[must_use]
pub fn entries_per_login(limit: u32) -> u32 {
    limit.saturating_sub(1).clamp(1, 3)
}

/// Whether a refusal is about the holder, not the certificate: it is told after the signature only.
#[must_use]
pub fn is_of_holder(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::LockContract | Refusal::LockUser | Refusal::UserStopped)
}

/// Whether the contract, and the user where there is one, are served.
///
/// # Errors
/// `LockContract`, `LockUser`, `UserStopped`; `CertRevoked` for whoever is no longer registered.
pub fn served(contract: ContractStatus, user: Option<(UserStatus, bool)>) -> Result<(), Refusal> {
    match contract {
        ContractStatus::Active => {}
        ContractStatus::Locked | ContractStatus::EmergencyStop => return Err(Refusal::LockContract),
        ContractStatus::Terminated => return Err(Refusal::CertRevoked),
    }
    match user {
        None | Some((UserStatus::Active, false)) => Ok(()),
        Some((UserStatus::Active, true)) => Err(Refusal::LockUser),
        Some((UserStatus::Stopped, _)) => Err(Refusal::UserStopped),
        Some((UserStatus::Deregistered, _)) => Err(Refusal::CertRevoked),
    }
}

/// Whether what was acquired may be confirmed now. Locks by wrong entries do not stand in the way, or nobody could finish
/// an installation while the administrator's PIN is locked; what somebody stopped does.
///
/// # Errors
/// As [`served`].
pub fn confirmable(contract: ContractStatus, user: Option<UserStatus>) -> Result<(), Refusal> {
    let contract = if contract == ContractStatus::Locked { ContractStatus::Active } else { contract };
    served(contract, user.map(|status| (status, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_confirms_what_somebody_stopped_and_locks_keep_nobody_from_it() {
        for contract in ContractStatus::ALL {
            for user in [None].into_iter().chain(UserStatus::ALL.map(Some)) {
                let good = matches!(contract, ContractStatus::Active | ContractStatus::Locked)
                    && matches!(user, None | Some(UserStatus::Active));
                assert_eq!(confirmable(contract, user).is_ok(), good, "{contract:?} {user:?}");
            }
        }
    }
}
