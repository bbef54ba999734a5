//! What the authority answers.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A bearer, handle or ticket: wiped, silent, in this process's memory only.
#[derive(Deserialize)]
#[serde(from = "String")]
pub struct Handle(Zeroizing<String>);

impl Handle {
    /// The text, for the one request that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Handle {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// `GET /.well-known/jitsuin`.
#[derive(Debug, Deserialize)]
pub struct Profile {
    /// 金融機関コード.
    pub institution_code: String,
    /// Where it says that it is.
    pub origin: String,
    /// SHA-256 of its roots, hexadecimal.
    pub roots: Vec<String>,
    /// Its clock, Unix time in seconds.
    pub time: i64,
}

/// A challenge for a login.
#[derive(Debug, Deserialize)]
pub struct AdminChallenge {
    /// base64.
    pub challenge: String,
    /// For which origin it was made.
    pub origin: String,
    /// Unix time in seconds.
    pub expires_at: i64,
}

/// The certificate was accepted; the PIN is still wanted.
#[derive(Deserialize)]
pub struct LoginHandle {
    /// Used once.
    pub login: Handle,
    /// 契約者ID, from the certificate.
    pub contract_id: String,
    /// 利用者ID, from the certificate.
    pub user_id: String,
}

/// The certificate was accepted; the PIN is asked in a browser.
#[derive(Deserialize)]
pub struct WebHandle {
    /// Good for one login; a part of the link.
    pub login: Handle,
    /// Until when; Unix time in seconds.
    pub expires_at: Option<i64>,
}

/// The information page after a user's login (S-107, D-118, D-612).
#[derive(Debug, Deserialize, Serialize)]
pub struct LoginResult {
    /// 契約者ID.
    pub contract_id: String,
    /// 利用者ID.
    pub user_id: String,
    /// Unix time in seconds.
    pub last_login_at: Option<i64>,
    /// The last three uses, Unix time in seconds.
    #[serde(default)]
    pub last_uses: Vec<i64>,
    /// End of the certificate, Unix time in seconds.
    pub valid_until: i64,
    /// Days to the end.
    pub days_left: i64,
    /// The renewal period has begun.
    #[serde(default)]
    pub renewal_due: bool,
    /// How long ago the certificate was acquired, in seconds.
    pub credential_age_seconds: Option<i64>,
    /// Until when the certificate is not good for risky business, Unix time in seconds.
    #[serde(default)]
    pub cooling_off_until: Option<i64>,
    /// What is known of where the key is: `attested-hardware` or `unattested`.
    #[serde(default)]
    pub assurance: Option<serde_json::Value>,
    /// `active`, or `suspended` after a reissue until the administrator gives the rights again.
    #[serde(default)]
    pub rights: Option<String>,
    /// Somebody else set the user PIN: it is to be changed before anything else.
    #[serde(default)]
    pub pin_change: bool,
}

/// A user's session, and the page that came with it.
#[derive(Deserialize)]
pub struct UserSession {
    /// The bearer. It stays in this process's memory.
    pub session: Handle,
    /// The information page.
    #[serde(flatten)]
    pub page: LoginResult,
}

/// The user's last logins.
#[derive(Debug, Deserialize)]
pub struct Uses {
    /// Newest first.
    pub uses: Vec<Use>,
}

/// One of them.
#[derive(Debug, Deserialize, Serialize)]
pub struct Use {
    /// Unix time in seconds.
    pub at: i64,
    /// The address it came from.
    pub from: String,
}

/// What a stop code stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub struct Stopped {
    /// The certificate in use is on hold.
    pub certificate: bool,
    /// The user can neither acquire nor log in.
    pub user: bool,
}

/// An administrator's session. The bearer stays in this process's memory.
#[derive(Deserialize)]
pub struct AdminSession {
    /// The bearer.
    pub session: Handle,
    /// Unix time in seconds.
    pub expires_at: i64,
    /// 契約者ID.
    pub contract_id: String,
}

/// The contract's users.
#[derive(Debug, Deserialize, Serialize)]
pub struct Users {
    /// 契約者ID.
    pub contract_id: String,
    /// By user ID.
    pub users: Vec<User>,
}

/// The certificate block of the change screen (S-028).
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Certificate {
    /// 電子証明書発行番号.
    pub issue_no: String,
    /// 電子証明書ステータス.
    pub status: String,
    /// 電子証明書発行データ登録日.
    pub registered_on: Option<String>,
    /// 電子証明書シリアル番号.
    pub serial: Option<String>,
    /// 電子証明書有効期間終了日時.
    pub valid_until: Option<i64>,
    /// 取得期限.
    pub acquire_deadline: Option<i64>,
    /// A key waits for the administrator's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key_waits: bool,
    /// The hardware that the key is in, or shall be in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Hardware>,
    /// What the authority tells beyond these, for example dates as text.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// The hardware of a key (D-502, D-503).
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Hardware {
    /// Its serial number.
    pub serial: String,
    /// It has proven that the key was made in it; else the administrator named it.
    pub attested: bool,
    /// `major.minor.patch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// never, once, always, match-once, match-always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_policy: Option<String>,
    /// never, cached, always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touch_policy: Option<String>,
}

/// One user, as the administrator sees it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct User {
    /// 利用者ID.
    pub user_id: String,
    /// 利用者名.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Eメールアドレス.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The user has not yet changed the PIN that somebody else set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pin_initial: bool,
    /// active, locked, stopped, deregistered.
    pub status: String,
    /// Names this state; goes back with a change (S-043).
    pub version: String,
    /// 登録済 or 未登録.
    pub token_registration: Option<String>,
    /// unregistered, registered, locked, expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_status: Option<String>,
    /// トークンのシリアル番号.
    pub token_serial: Option<String>,
    /// The token's end of life, Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ends_at: Option<i64>,
    /// Its certificate, where one was ever issued.
    pub certificate: Option<Certificate>,
    /// The suspension of the certificate in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// `active` or `suspended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
    /// Days to the end of the certificate.
    pub days_left: Option<i64>,
    /// Unix time in seconds.
    pub last_login_at: Option<i64>,
    /// What is locked.
    #[serde(default)]
    pub locks: Locks,
}

/// A certificate on hold.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Suspension {
    /// Since when, Unix time in seconds.
    pub at: i64,
    /// administrator, bank_operator or holder.
    pub role: String,
    /// By name.
    pub by: String,
    /// absence, emergency, lost, other, stolen, suspicion.
    pub reason: String,
    /// When it is revoked, Unix time in seconds.
    pub until: i64,
}

/// Locks are counted apart (D-205).
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
pub struct Locks {
    /// By wrong user PINs.
    #[serde(default)]
    pub user_pin: bool,
    /// By wrong one-time passwords.
    #[serde(default)]
    pub otp: bool,
    /// By so many wrong entries in a row that only the bank unlocks (D-907).
    #[serde(default)]
    pub branch: bool,
}

/// The answer to a change of a user's certificate.
#[derive(Deserialize)]
pub struct Changed {
    /// As it is now.
    pub user: User,
    /// What the administrator is told to do (S-048, D-116).
    #[serde(default)]
    pub memo: serde_json::Value,
    /// Fetches the acquisition code, once.
    pub code_ticket: Option<Handle>,
}

/// The contract's OTP tokens.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenStock {
    /// Nobody's yet.
    pub spare: u64,
    /// By serial number.
    pub tokens: Vec<StockedToken>,
}

/// An OTP token of the contract.
#[derive(Debug, Deserialize, Serialize)]
pub struct StockedToken {
    /// トークンのシリアル番号.
    pub token_serial: String,
    /// assigned, registered, locked, revoked, expired.
    pub token_status: String,
    /// Whose it is, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The contract's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// End of life, Unix time in seconds.
    pub ends_at: i64,
    /// It is time for another one.
    #[serde(default)]
    pub ends_soon: bool,
}

/// How far an OTP token was off.
#[derive(Debug, Deserialize, Serialize)]
pub struct Resynchronised {
    /// As it is now.
    pub user: User,
    /// How far it was off, in steps or counters.
    pub off: i64,
    /// Steps or counter before.
    pub before: i64,
    /// Steps or counter now.
    pub after: i64,
}

/// The contract, as `GET /admin/v1/contract` tells of it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Contract {
    /// 契約者ID.
    pub contract_id: String,
    /// Users that are registered.
    pub users: u64,
    /// Users it may have.
    pub user_max: u64,
    /// Two administrators are needed for what changes who can act.
    pub dual_control: bool,
    /// Requests that wait for a second administrator.
    pub approvals_waiting: u64,
    /// By number.
    pub administrators: Vec<OneAdministrator>,
    /// What is to be said on every page.
    pub warnings: Vec<Warning>,
}

/// One of a contract's administrators.
#[derive(Debug, Deserialize, Serialize)]
pub struct OneAdministrator {
    /// Which.
    pub administrator: u16,
    /// The name.
    pub name: String,
    /// Eメールアドレス.
    pub email: String,
    /// 電子証明書ステータス.
    pub cert_status: String,
    /// 電子証明書有効期間終了日時.
    pub valid_until: Option<i64>,
}

/// Something that every page says until it is no longer so.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// Fewer administrators can act than are wanted (D-407).
    FewAdministrators {
        /// So many can.
        able: u64,
        /// So many are wanted.
        wanted: u64,
    },
    /// An administrator's and a user's keys are in one device (D-410).
    SharedDevice {
        /// Which administrator.
        administrator: u16,
        /// Which user.
        user_id: String,
        /// The device's serial number.
        device: String,
    },
    /// One that a newer authority has.
    #[serde(other)]
    Unknown,
}

/// What waits for a second administrator.
#[derive(Debug, Deserialize, Serialize)]
pub struct Approvals {
    /// Oldest first.
    pub approvals: Vec<Approval>,
}

/// A request that waits.
#[derive(Debug, Deserialize, Serialize)]
pub struct Approval {
    /// Its name.
    pub approval_id: String,
    /// Whom it concerns.
    pub user_id: String,
    /// What is asked for, as the record of events names it.
    pub action: String,
    /// What goes with it.
    pub detail: String,
    /// The administrator who asked.
    pub requested_by: u16,
    /// Unix time in seconds.
    pub requested_at: i64,
    /// Unix time in seconds.
    pub expires_at: i64,
    /// Whoever looks asked for it.
    pub own: bool,
}
