//! What an administrator sees of a user (S-026 to S-035, D-303, D-408).

use std::collections::BTreeMap;

use serde::Serialize;
use token::{Refusal, UserId};

use super::Office;
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::jst;
use crate::rules::acquire::UserStatus;
use crate::rules::actor::Role;
use crate::rules::certificate::Status;
use crate::store::certificates::{self, CertificateRow};
use crate::store::tokens::{self, TokenRow};
use crate::store::users::{self, User};

/// What a masked serial number looks like (the manual's pictures).
const MASK: &str = "*****";

/// The five fields of S-028, and until when a new one can be acquired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateView {
    /// 電子証明書発行番号: three digits.
    pub issue_no: String,
    /// 電子証明書ステータス, its key.
    pub status: &'static str,
    /// As the screen shows it.
    pub status_text: &'static str,
    /// 電子証明書発行データ登録日: `YYYY年MM月DD日`.
    pub registered_on: String,
    /// The same; Unix time in seconds.
    pub registered_at: i64,
    /// 電子証明書シリアル番号.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// 電子証明書有効期間終了日時; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// `YYYY年MM月DD日`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until_text: Option<String>,
    /// 取得期限, while it can be acquired; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquire_deadline: Option<i64>,
    /// `YYYY年MM月DD日`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquire_deadline_text: Option<String>,
    /// A key waits for the administrator's word; which, the user reads out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub key_waits: bool,
    /// The hardware, where one is named or known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceView>,
}

/// The hardware that the key is in, or shall be in (D-502, D-503).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Its serial number.
    pub serial: String,
    /// The device proved it; else it is what the administrator named.
    pub attested: bool,
    /// `major.minor.patch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// `never`, `once`, `always`, `match-once` or `match-always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_policy: Option<String>,
    /// `never`, `cached` or `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touch_policy: Option<String>,
}

/// A certificate on hold (D-807).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspensionView {
    /// Since when; Unix time in seconds.
    pub at: i64,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub at_text: String,
    /// Who: `administrator`, `bank_operator` or `holder`.
    pub role: &'static str,
    /// By name; empty for the bank's.
    pub by: String,
    /// Why: `absence`, `emergency`, `lost`, `other`, `stolen` or `suspicion`.
    pub reason: String,
    /// When it is revoked, unless it is reinstated; Unix time in seconds.
    pub until: i64,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub until_text: String,
}

/// Which secrets are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LocksView {
    /// 利用者暗証番号.
    pub user_pin: bool,
    /// ワンタイムパスワード.
    pub otp: bool,
    /// So many wrong entries in a row that only the bank lifts it (D-907).
    pub branch: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserView {
    /// 利用者ID.
    pub user_id: String,
    /// 利用者名.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Eメールアドレス.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The user has not yet changed the PIN that was set for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pin_initial: bool,
    /// `active`, `locked`, `stopped` or `deregistered`.
    pub status: &'static str,
    /// Comes back with every change, so that what is committed is what was shown (S-043).
    pub version: String,
    /// 登録状況: `registered` or `unregistered`.
    pub token_registration: &'static str,
    /// `unregistered`, `registered`, `locked` or `expired`.
    pub token_status: &'static str,
    /// トークンのシリアル番号.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_serial: Option<String>,
    /// The token's end of life; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ends_at: Option<i64>,
    /// `YYYY年MM月DD日`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ends_at_text: Option<String>,
    /// The newest issue.
    pub certificate: Option<CertificateView>,
    /// The suspension of the certificate in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionView>,
    /// `active`; `suspended` where a reissue took the rights until they are given again (D-508).
    pub rights: &'static str,
    /// Whole days until the certificate in use ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
    /// 前回ログイン日時; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<i64>,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at_text: Option<String>,
    /// Which secrets are locked.
    pub locks: LocksView,
}

impl UserView {
    pub(super) fn new(
        user: &User,
        rows: &[CertificateRow],
        token: Option<&TokenRow>,
        now: i64,
        mask_serial: bool,
    ) -> Self {
        let live = rows.iter().find(|row| row.record.status_at(now) == Status::Valid);
        Self {
            user_id: user.id.to_string(),
            name: user.name.clone(),
            email: user.email.clone(),
            pin_initial: user.pin_initial,
            status: match user.status {
                UserStatus::Active if user.locks.any() => "locked",
                status => status.key(),
            },
            version: version(user, rows, now),
            token_registration: if token.is_some() { "registered" } else { "unregistered" },
            token_status: token.map_or("unregistered", |token| token.status_at(now).key()),
            token_serial: token.map(|token| token.serial.clone()),
            token_ends_at: token.map(|token| token.ends_at),
            token_ends_at_text: token.map(|token| jst::date(token.ends_at)),
            certificate: rows.last().map(|row| CertificateView::new(row, now, mask_serial)),
            suspension: SuspensionView::new(rows, now),
            rights: if user.rights_suspended_at.is_some() { "suspended" } else { "active" },
            days_left: live.and_then(|row| row.record.valid_until).map(|end| (end - now) / 86_400),
            last_login_at: user.last_login_at,
            last_login_at_text: user.last_login_at.map(jst::date_time),
            locks: LocksView {
                user_pin: user.locks.pin_locked,
                otp: user.locks.otp_locked,
                branch: user.locks.needs_bank(),
            },
        }
    }
}

impl CertificateView {
    fn new(row: &CertificateRow, now: i64, mask_serial: bool) -> Self {
        let status = row.record.status_at(now);
        let deadline = status.is_open().then_some(row.record.acquire_deadline);
        let serial = row.serial.clone();
        Self {
            issue_no: format!("{:03}", row.record.issue_no),
            status: status.key(),
            status_text: status.ja(),
            registered_on: jst::date(row.record.registered_at),
            registered_at: row.record.registered_at,
            serial: if mask_serial { serial.map(|_| MASK.to_owned()) } else { serial },
            valid_until: row.record.valid_until,
            valid_until_text: row.record.valid_until.map(jst::date),
            acquire_deadline: deadline,
            acquire_deadline_text: deadline.map(jst::date),
            key_waits: row.held_key(now).is_some(),
            device: DeviceView::new(row),
        }
    }
}

impl SuspensionView {
    pub(super) fn new(rows: &[CertificateRow], now: i64) -> Option<Self> {
        let held = rows.iter().find(|row| row.record.status_at(now) == Status::Suspended)?;
        let suspension = held.record.suspension.clone()?;
        Some(Self {
            at: suspension.at,
            at_text: jst::date_time(suspension.at),
            role: suspension.by.role.key(),
            // Who at the bank it was is no matter of the customer's (crate::history).
            by: match suspension.by.role {
                Role::BankOperator | Role::Authority => String::new(),
                Role::Administrator | Role::Holder => suspension.by.id,
            },
            reason: suspension.reason,
            until: suspension.until,
            until_text: jst::date_time(suspension.until),
        })
    }
}

impl DeviceView {
    fn new(row: &CertificateRow) -> Option<Self> {
        let proven = row.device.clone();
        Some(Self {
            serial: row.device_serial.clone()?,
            attested: proven.is_some(),
            firmware: proven.as_ref().map(|device| device.firmware.clone()),
            pin_policy: proven.as_ref().map(|device| device.pin_policy.clone()),
            touch_policy: proven.map(|device| device.touch_policy),
        })
    }
}

/// What of a user must not have changed between showing and committing. Time changes a certificate
/// without anybody writing it, so the status stands in it.
pub(super) fn version(user: &User, rows: &[CertificateRow], now: i64) -> String {
    let newest = rows
        .last()
        .map_or_else(String::new, |row| format!(".{}.{}", row.record.issue_no, row.record.status_at(now).key()));
    format!("{}{newest}", user.version)
}

impl Office {
    /// 利用者情報選択: all users of the contract, in as many queries for ninety-nine as for one (D-408).
    ///
    /// # Errors
    /// `Internal`.
    pub async fn users(&self) -> Result<Vec<UserView>, Denial> {
        let db = self.house.store.readers();
        let contract = &self.session.contract;
        let mut rows: BTreeMap<UserId, Vec<CertificateRow>> = BTreeMap::new();
        for row in certificates::of_users(db, contract).await? {
            if let Some(user) = row.record.holder.user.clone() {
                rows.entry(user).or_default().push(row);
            }
        }
        let tokens = tokens::of_contract(db, contract).await?;
        let (now, mask) = (self.house.clock.now(), self.house.settings.certificate.mask_serial);
        let users = users::list(db, contract).await?;
        let view = |user: &User| {
            let held = |token: &&TokenRow| token.status.is_held() && token.user.as_deref() == Some(user.id.as_str());
            let own = rows.get(&user.id).map_or(&[][..], Vec::as_slice);
            UserView::new(user, own, tokens.iter().find(held), now, mask)
        };
        Ok(users.iter().map(view).collect())
    }

    /// 利用者情報変更: one user.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn user(&self, user: &UserId) -> Result<UserView, Denial> {
        let found = users::find(self.house.store.readers(), &self.session.contract, user).await?;
        let user = found.filter(|user| user.status != UserStatus::Deregistered).ok_or(Refusal::NotFound)?;
        self.view(&user).await
    }

    async fn view(&self, user: &User) -> Result<UserView, Denial> {
        let db = self.house.store.readers();
        let holder = Applicant { contract: self.session.contract.clone(), user: Some(user.id.clone()) };
        let rows = certificates::of_holder(db, &holder).await?;
        let token = tokens::of_user(db, &self.session.contract, &user.id).await?;
        let mask = self.house.settings.certificate.mask_serial;
        Ok(UserView::new(user, &rows, token.as_ref(), self.house.clock.now(), mask))
    }
}
