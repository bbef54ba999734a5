//! Which events are told to whom (D-506, D-510, D-703).
//!
//! Notices are derived from the record of events, in this one place: no operation can forget to give notice, and none
//! is given of what did not happen.

mod text;

pub(crate) use text::STOP_CODE;
pub use text::{Facts, compose};

use token::Language;

use crate::store::history::Recorded;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the keys and the texts say what each is")]
pub enum Kind {
    Acquired,
    AddressChanged,
    AdministratorAdded,
    AdministratorChanged,
    AdministratorRemoved,
    ApprovalWaiting,
    ContractChanged,
    ContractLocked,
    ContractPinsReset,
    ContractTerminated,
    ContractUnlocked,
    EmergencyLifted,
    EmergencyStop,
    Expired,
    Expiring,
    KeyWaits,
    Lapsed,
    NotAcquired,
    PinReset,
    Reinstated,
    Reissued,
    Revoked,
    RightsGiven,
    Suspended,
    TokenEnding,
    TokenExpired,
    TokenLocked,
    TokenRegistered,
    TokenRenewed,
    TokenResynchronised,
    TokenRevoked,
    TokenUnlocked,
    UserChanged,
    UserDeregistered,
    UserLocked,
    UserRegistered,
    UserResumed,
    UserStopped,
    UserUnlocked,
}

/// Who is told, beside the contract's administrators, who are told everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    /// The user it concerns.
    pub user: bool,
    /// The bank.
    pub bank: bool,
}

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        text::TABLE.iter().map(|row| row.kind)
    }

    /// The key in the database and in webhooks: `certificate_reissued`, …
    #[must_use]
    pub fn key(self) -> &'static str {
        text::row(self).key
    }

    /// What it is called: the subject of its mail.
    #[must_use]
    pub fn title(self, language: Language) -> &'static str {
        text::row(self).title(language)
    }

    /// Who is told.
    #[must_use]
    pub fn audience(self) -> Audience {
        let bank = matches!(
            self,
            Self::AdministratorAdded
                | Self::AdministratorChanged
                | Self::AdministratorRemoved
                | Self::ContractChanged
                | Self::ContractLocked
                | Self::ContractPinsReset
                | Self::ContractTerminated
                | Self::ContractUnlocked
                | Self::EmergencyLifted
                | Self::EmergencyStop
        );
        let administrators =
            bank || matches!(self, Self::AddressChanged | Self::ApprovalWaiting | Self::KeyWaits | Self::NotAcquired);
        Audience { user: !administrators, bank }
    }

    /// It carries a code with which its reader stops what is told of (D-506).
    #[must_use]
    pub fn can_be_stopped(self) -> bool {
        matches!(self, Self::Acquired | Self::Reinstated | Self::Reissued)
    }

    /// Addresses stand in the event and are told: the old and the new one, and that of whoever is struck off (D-703).
    #[must_use]
    pub fn has_addresses(self) -> bool {
        matches!(
            self,
            Self::AddressChanged
                | Self::AdministratorChanged
                | Self::AdministratorRemoved
                | Self::UserChanged
                | Self::UserDeregistered
        )
    }
}

/// What an event gives notice of.
#[must_use]
pub fn kind(event: &Recorded) -> Option<Kind> {
    let (before, after) = (event.before.as_str(), event.after.as_str());
    // A lock comes with the refusal of the entry that led to it.
    if (before, after) == ("active", "locked") {
        return match event.reason.as_str() {
            "otp" | "user_pin" => Some(Kind::UserLocked),
            _ => Some(Kind::ContractLocked),
        };
    }
    if event.outcome != "done" {
        return None;
    }
    match (event.action.as_str(), before, after) {
        (_, _, "emergency_stop") => Some(Kind::EmergencyStop),
        (_, "emergency_stop", "active") => Some(Kind::EmergencyLifted),
        // It was locked before it was stopped.
        (_, "emergency_stop", "locked") => Some(Kind::ContractLocked),
        ("user.rights", "suspended", "active") => Some(Kind::RightsGiven),
        (action, "valid", "suspended") if action != "user.rights" => Some(Kind::Suspended),
        // On hold before, and now for a graver cause.
        ("certificate.suspend", "suspended", "suspended") => Some(Kind::Suspended),
        (_, "suspended", "valid") => Some(Kind::Reinstated),
        // What somebody else opened and what the holder renews with the key in use differ in danger.
        ("certificate.open", _, "awaiting") => (event.reason != "renewal").then_some(Kind::Reissued),
        ("certificate.end", _, "expired") => Some(Kind::Expired),
        ("certificate.end", _, "lapsed") => Some(Kind::Lapsed),
        ("certificate.end" | "certificate.revoke", _, "revoked") => match event.reason.as_str() {
            // Told with what took its place.
            "renewed" | "renewal" | "superseded" | "suspended" => None,
            _ => Some(Kind::Revoked),
        },
        ("acquisition.abandon", _, "revoked") => Some(Kind::Revoked),
        ("acquisition.confirm", _, "valid") => Some(Kind::Acquired),
        ("acquisition.accept" | "renewal.accept", "awaiting", "awaiting") => Some(Kind::KeyWaits),
        ("token.exchange", _, "registered") => Some(Kind::TokenRenewed),
        ("token.unlock", "locked", "registered") => Some(Kind::TokenUnlocked),
        ("token.assign" | "token.register", _, "registered") => Some(Kind::TokenRegistered),
        ("token.lock", "registered", "locked") => Some(Kind::TokenLocked),
        ("token.end", _, "expired") => Some(Kind::TokenExpired),
        ("token.resynchronise", ..) => Some(Kind::TokenResynchronised),
        ("token.assign" | "token.exchange" | "token.register" | "token.revoke" | "user.deregister", _, "revoked") => {
            Some(Kind::TokenRevoked)
        }
        ("user.add", _, "active") => Some(Kind::UserRegistered),
        ("user.change", ..) => Some(Kind::UserChanged),
        ("user.deregister", _, "deregistered") => Some(Kind::UserDeregistered),
        ("user.pin", ..) => Some(Kind::PinReset),
        ("user.stop", "active", "stopped") => Some(Kind::UserStopped),
        ("user.resume", "stopped", "active") => Some(Kind::UserResumed),
        ("user.unlock", "locked", "active") => Some(Kind::UserUnlocked),
        ("contract.unlock", ..) => Some(Kind::ContractUnlocked),
        ("contract.terminate", _, "terminated") => Some(Kind::ContractTerminated),
        ("contract.pins", ..) => Some(Kind::ContractPinsReset),
        ("contract.set", ..) if before != after => Some(Kind::ContractChanged),
        ("contract.notices", ..) if before != after => Some(Kind::AddressChanged),
        ("administrator.add", ..) => Some(Kind::AdministratorAdded),
        ("administrator.change", ..) => Some(Kind::AdministratorChanged),
        ("administrator.remove", ..) => Some(Kind::AdministratorRemoved),
        (action, _, "pending") if action.starts_with("approval.") => Some(Kind::ApprovalWaiting),
        ("reminder.expiry", ..) => Some(Kind::Expiring),
        ("reminder.acquisition", ..) => Some(Kind::NotAcquired),
        ("reminder.token", ..) => Some(Kind::TokenEnding),
        _ => None,
    }
}

/// The addresses in the states before and after: bare, or in angle brackets behind a name.
#[must_use]
pub fn addresses(event: &Recorded) -> Vec<String> {
    let address = |text: &str| {
        let text = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>')).trim();
        text.contains('@').then(|| text.to_owned())
    };
    let mut found: Vec<String> = [&event.before, &event.after].into_iter().filter_map(|text| address(text)).collect();
    found.dedup();
    found
}

/// Seconds until a notice that failed `attempts` times is tried again; `None`: no more.
#[must_use]
pub fn retry_after(attempts: i64) -> Option<i64> {
    const FIRST: i64 = 30;
    const LONGEST: i64 = 4 * 3600;
    const MOST: i64 = 12;
    let doublings = u32::try_from(attempts.clamp(1, MOST) - 1).unwrap_or(0);
    (attempts < MOST).then(|| (FIRST << doublings).min(LONGEST))
}

/// Which of the reminders before an end is due: the shortest of `days` that covers what is left. Of longer ones that
/// were missed nobody needs to hear any more.
#[must_use]
pub fn due_reminder(days: &[u16], left: i64) -> Option<u16> {
    days.iter().copied().filter(|day| left >= 0 && left <= i64::from(*day) * 86_400).min()
}

#[cfg(test)]
mod tests;
