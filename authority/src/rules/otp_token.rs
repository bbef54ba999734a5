//! An OTP token's life: `STOCK → ASSIGNED → REGISTERED → {LOCKED → REGISTERED | REVOKED | EXPIRED}` (requirements §5.6).

use token::Refusal;

use super::actor::Role;

/// Seconds of a year, leap days included on average: a battery counts no calendar.
const YEAR: i64 = 31_557_600;

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStatus {
    /// Given to a contract.
    Assigned,
    /// 有効期限切れ.
    Expired,
    /// ロック.
    Locked,
    /// 登録済: a user's, or the contract's own.
    Registered,
    /// 失効.
    Revoked,
    /// At the bank.
    Stock,
}

impl TokenStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Assigned, Self::Expired, Self::Locked, Self::Registered, Self::Revoked, Self::Stock];

    /// The key in the database.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Registered => "registered",
            Self::Revoked => "revoked",
            Self::Stock => "stock",
        }
    }

    /// The status with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }

    /// What time has made of it at `now`: past its end a token is 有効期限切れ, unless it was 失効 before.
    #[must_use]
    pub fn at(self, ends_at: i64, now: i64) -> Self {
        if now > ends_at && self != Self::Revoked { Self::Expired } else { self }
    }

    /// Somebody has it: 登録済, or 登録済 and ロック.
    #[must_use]
    pub fn is_held(self) -> bool {
        matches!(self, Self::Locked | Self::Registered)
    }
}

/// Whether a held token's passwords count.
///
/// # Errors
/// `TokenLocked`, `TokenExpired`; `NoToken` for one that is nobody's.
pub fn usable(status: TokenStatus) -> Result<(), Refusal> {
    match status {
        TokenStatus::Registered => Ok(()),
        TokenStatus::Locked => Err(Refusal::TokenLocked),
        TokenStatus::Expired => Err(Refusal::TokenExpired),
        TokenStatus::Assigned | TokenStatus::Revoked | TokenStatus::Stock => Err(Refusal::NoToken),
    }
}

/// Whether the administrator may take a token of that status, given to the contract, into use.
///
/// # Errors
/// `TokenExpired`; `Exists` for one that is or was somebody's.
pub fn registrable(status: TokenStatus) -> Result<(), Refusal> {
    match status {
        TokenStatus::Assigned => Ok(()),
        TokenStatus::Expired => Err(Refusal::TokenExpired),
        TokenStatus::Locked | TokenStatus::Registered | TokenStatus::Revoked | TokenStatus::Stock => {
            Err(Refusal::Exists)
        }
    }
}

/// Whether `by` may lift the lock of a token that somebody in the role `locker` locked; `None` where that is not known.
///
/// # Errors
/// `TokenBank`: what the bank locked, or the authority itself, is the bank's to unlock.
pub fn may_unlock(by: Role, locker: Option<Role>) -> Result<(), Refusal> {
    match (by, locker) {
        (Role::BankOperator, _) | (Role::Administrator, Some(Role::Administrator)) => Ok(()),
        _ => Err(Refusal::TokenBank),
    }
}

/// From when on a user whose token was revoked may have another registered (D-304); `None` when that is now.
/// Unix times in seconds.
#[must_use]
pub fn waits_until(revoked_at: Option<i64>, delay_minutes: u32, now: i64) -> Option<i64> {
    revoked_at.map(|at| at + i64::from(delay_minutes) * 60).filter(|until| now < *until)
}

/// When a token that was taken into stock at `added_at` ends, by the years that the issuer knows of (D-309).
#[must_use]
pub fn end_of_life(added_at: i64, years: u32) -> i64 {
    added_at + i64::from(years) * YEAR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_ends_every_token_but_a_revoked_one() {
        for status in TokenStatus::ALL {
            assert_eq!(status.at(100, 100), status);
            let after = if status == TokenStatus::Revoked { status } else { TokenStatus::Expired };
            assert_eq!(status.at(100, 101), after);
            assert_eq!(TokenStatus::from_key(status.key()), Some(status));
        }
        assert_eq!(end_of_life(0, 5), 157_788_000);
    }

    #[test]
    fn only_a_registered_token_counts_and_only_an_assigned_one_is_taken_into_use() {
        let good = |rule: fn(TokenStatus) -> Result<(), Refusal>| {
            TokenStatus::ALL.into_iter().filter(|status| rule(*status).is_ok()).collect::<Vec<_>>()
        };
        assert_eq!(good(usable), [TokenStatus::Registered]);
        assert_eq!(good(registrable), [TokenStatus::Assigned]);
    }

    #[test]
    fn the_customer_lifts_only_the_customers_lock() {
        let lockers = Role::ALL.into_iter().map(Some).chain([None]);
        for (locker, by) in lockers.flat_map(|locker| Role::ALL.map(|by| (locker, by))) {
            let may = by == Role::BankOperator || (by, locker) == (Role::Administrator, Some(Role::Administrator));
            assert_eq!(may_unlock(by, locker).is_ok(), may, "{by:?} of {locker:?}");
        }
    }

    proptest! {
        /// D-304: no second earlier than the delay, and not a second later.
        #[test]
        fn the_delay_is_as_long_as_it_is(revoked in 0i64..2_000_000_000, delay in 0u32..=1440, waited in 0i64..100_000) {
            let waits = waits_until(Some(revoked), delay, revoked + waited);
            prop_assert_eq!(waits.is_some(), waited < i64::from(delay) * 60);
            prop_assert_eq!(waits_until(None, delay, revoked), None);
        }
    }
}
