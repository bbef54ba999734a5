//! One record of a certificate, per issue number, and how it may change (requirements §5.1).

use super::actor::Actor;
use super::ended::Ended;
use crate::acquisition::Applicant;

/// The highest issue number (S-045).
pub const LAST_ISSUE_NO: u16 = 999;

/// 電子証明書ステータス.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 発行済（未取得): acquisition is open.
    Awaiting,
    /// 有効期限切れ.
    Expired,
    /// 取得期限切れ.
    Lapsed,
    /// 失効.
    Revoked,
    /// 一時停止.
    Suspended,
    /// 取得中: signed, not confirmed as installed.
    Unconfirmed,
    /// 有効.
    Valid,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Awaiting, Self::Expired, Self::Lapsed, Self::Revoked, Self::Suspended, Self::Unconfirmed, Self::Valid];

    /// The key in the database and in the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Expired => "expired",
            Self::Lapsed => "lapsed",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Unconfirmed => "unconfirmed",
            Self::Valid => "valid",
        }
    }

    /// The status with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }

    /// As the screens show it (requirements §4.3).
    #[must_use]
    pub fn ja(self) -> &'static str {
        match self {
            Self::Awaiting => "発行済（未取得）",
            Self::Expired => "有効期限切れ",
            Self::Lapsed => "取得期限切れ",
            Self::Revoked => "失効",
            Self::Suspended => "一時停止",
            Self::Unconfirmed => "取得中",
            Self::Valid => "有効",
        }
    }

    /// Nothing comes after it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Expired | Self::Lapsed | Self::Revoked)
    }

    /// An acquisition is open or running.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Awaiting | Self::Unconfirmed)
    }

    /// It is the certificate in use, or would be if it were not on hold.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Suspended | Self::Valid)
    }

    /// Whether requirements §5.1 has an arrow from here to there.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Awaiting => matches!(next, Self::Unconfirmed | Self::Lapsed | Self::Revoked),
            Self::Unconfirmed => matches!(next, Self::Valid | Self::Revoked),
            Self::Valid => matches!(next, Self::Expired | Self::Revoked | Self::Suspended),
            Self::Suspended => matches!(next, Self::Valid | Self::Revoked | Self::Expired),
            Self::Expired | Self::Lapsed | Self::Revoked => false,
        }
    }
}

/// What the rules need to know of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's own name.
    pub id: String,
    /// Whose it is.
    pub holder: Applicant,
    /// Which of the contract's administrators the holder is; `None` for a user.
    pub administrator: Option<u16>,
    /// 電子証明書発行番号, 1 to 999.
    pub issue_no: u16,
    /// The holder's issue numbers up to this one may have been given: its own, or a higher one since a backup was restored.
    pub taken_to: u16,
    /// 電子証明書ステータス.
    pub status: Status,
    /// 電子証明書発行データ登録日; Unix time in seconds.
    pub registered_at: i64,
    /// 取得期限; Unix time in seconds.
    pub acquire_deadline: i64,
    /// 電子証明書有効期間終了日時; Unix time in seconds. `None` before it was signed.
    pub valid_until: Option<i64>,
    /// Until when it must be confirmed as installed; Unix time in seconds. `None` before it was signed.
    pub confirm_deadline: Option<i64>,
    /// The record that this one renews (C9).
    pub renews: Option<String>,
    /// The suspension, while it is suspended.
    pub suspension: Option<Suspension>,
    /// How often it was suspended.
    pub suspensions: u32,
}

/// A certificate on hold (D-807).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Who did it: somebody else must lift it (D-405).
    pub by: Actor,
    /// Unix time in seconds.
    pub at: i64,
    /// Until when it can be lifted; Unix time in seconds.
    pub until: i64,
    /// Key of [`super::suspend::Cause`].
    pub reason: String,
}

impl Record {
    /// What time alone has made of it by `now`: the new status and why (C6, C7, C8, the end of D-807's M days).
    #[must_use]
    pub fn due(&self, now: i64) -> Option<(Status, Ended)> {
        let (last, status, reason) = self.turning()?;
        (now > last).then_some((status, reason))
    }

    /// The last second before time alone changes its status; `None` where it never does.
    #[must_use]
    pub fn due_at(&self) -> Option<i64> {
        self.turning().map(|(last, ..)| last)
    }

    fn turning(&self) -> Option<(i64, Status, Ended)> {
        let end = |last| (last, Status::Expired, Ended::CertValidUntil);
        match self.status {
            Status::Awaiting => Some((self.acquire_deadline, Status::Lapsed, Ended::AcquireDeadline)),
            Status::Unconfirmed => {
                Some((self.confirm_deadline.unwrap_or(self.acquire_deadline), Status::Revoked, Ended::InstallFailed))
            }
            Status::Valid => self.valid_until.map(end),
            Status::Suspended => {
                let expires = self.valid_until.map(end);
                let revoked = self.suspension.as_ref().map(|s| (s.until, Status::Revoked, Ended::SuspendMax));
                expires.into_iter().chain(revoked).min_by_key(|(last, ..)| *last)
            }
            Status::Expired | Status::Lapsed | Status::Revoked => None,
        }
    }

    /// Its status at `now`.
    #[must_use]
    pub fn status_at(&self, now: i64) -> Status {
        self.due(now).map_or(self.status, |(status, _)| status)
    }
}

/// Until when a certificate signed at `now` must be confirmed: `minutes` later and within the acquisition deadline, or
/// by that deadline where `minutes` is 0 (D-801).
#[must_use]
pub fn confirm_deadline(now: i64, minutes: u32, acquire_deadline: i64) -> i64 {
    if minutes == 0 { acquire_deadline } else { acquire_deadline.min(now.saturating_add(i64::from(minutes) * 60)) }
}

/// When issue data registered at `now` lapses (D-103): `window_days` later.
#[must_use]
pub fn acquire_deadline(now: i64, window_days: u16) -> i64 {
    now.saturating_add(i64::from(window_days) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_is_ended() {
        for from in Status::ALL {
            assert_eq!(Status::from_key(from.key()), Some(from));
            assert_eq!(from.is_final(), Status::ALL.into_iter().all(|to| !from.may_become(to)));
            assert!(!from.may_become(from));
        }
        // Nothing becomes usable but by confirmation or reinstatement.
        let to_valid: Vec<_> = Status::ALL.into_iter().filter(|from| from.may_become(Status::Valid)).collect();
        assert_eq!(to_valid, [Status::Suspended, Status::Unconfirmed]);
    }
}
