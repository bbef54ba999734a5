//! The configuration file of an authority, `authority.toml` in its directory (requirements §3).

mod administrator;
mod ca;
mod database;
mod log;
mod metrics;
mod notice;
mod otp;
mod otp_token;
mod revocation;
mod risk;
mod suspend;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use token::{InstitutionCode, KeyAlgorithm, KeyPolicy, Origin};

use crate::attestation::{Firmware, PinPolicy, TouchPolicy};
use crate::store::{DATABASE, Home};

pub use self::administrator::{AdministratorSettings, MAX_ADMINISTRATORS};
pub use self::ca::{CaSettings, Pkcs11Place};
pub use self::log::{LogFormat, LogSettings};
pub use self::metrics::MetricsSettings;
pub use self::notice::{NoticeSettings, SmtpTls, ToldUsers};
pub use self::otp::{Arrangement, OtpSettings};
pub use self::otp_token::TokenSettings;
pub use self::revocation::RevocationSettings;
pub use self::risk::RiskSettings;
pub use self::suspend::SuspendSettings;

/// The name of the file.
pub const FILE: &str = "authority.toml";

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read.
    #[error("the configuration {path} cannot be read. Name the directory that `jitsuin-authority init` made")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or has keys or values that are not known.
    #[error("the configuration is not understood. Correct the place that is named")]
    Syntax(#[from] toml::de::Error),
    /// A value is out of its range.
    #[error("{key} must be {rule}. Correct it in the configuration")]
    Range {
        /// Which.
        key: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

/// The settings. Names and defaults are those of requirements §3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// 金融機関コード; no default.
    pub institution_code: InstitutionCode,
    /// What users' software signs logins for, and where the authority is reached.
    pub origin: Origin,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Administrators.
    #[serde(default)]
    pub administrator: AdministratorSettings,
    /// Certificates.
    #[serde(default)]
    pub certificate: CertificateSettings,
    /// Acquisition.
    #[serde(default)]
    pub acquisition: AcquisitionSettings,
    /// The hardware that keys may be in.
    #[serde(default)]
    pub device: DeviceSettings,
    /// Certificates on hold.
    #[serde(default)]
    pub suspend: SuspendSettings,
    /// What a new certificate may not do yet.
    #[serde(default)]
    pub risk: RiskSettings,
    /// Locks.
    #[serde(default)]
    pub lock: LockSettings,
    /// One-time passwords.
    #[serde(default)]
    pub otp: OtpSettings,
    /// OTP tokens' life.
    #[serde(default)]
    pub token: TokenSettings,
    /// What is told.
    #[serde(default)]
    pub notice: NoticeSettings,
    /// Logins and sessions.
    #[serde(default)]
    pub login: LoginSettings,
    /// Where the issuing key is.
    #[serde(default)]
    pub ca: CaSettings,
    /// What relying parties are told.
    #[serde(default)]
    pub revocation: RevocationSettings,
    /// Where the tables are.
    #[serde(default)]
    pub database: DatabaseSettings,
    /// The server.
    #[serde(default)]
    pub server: ServerSettings,
    /// What is logged for the operator.
    #[serde(default)]
    pub log: LogSettings,
    /// What Prometheus reads.
    #[serde(default)]
    pub metrics: MetricsSettings,
}

/// `[certificate]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CertificateSettings {
    /// Days in which issue data can be acquired (D-103): 1 to 90.
    pub acquire_window_days: u16,
    /// Days before the end from which renewal is due (D-104): 14 to 60.
    pub renew_from_days: u16,
    /// Days after the end in which renewal is still possible (D-105): 0 to 90.
    pub renew_after_expiry_days: u16,
    /// Times that the renewal of one certificate may be begun without being finished: 1 to 20.
    pub renew_tries: u16,
    /// Years that a certificate is valid, from its acquisition (D-101): 1 to 3.
    pub validity_years: u8,
    /// When a reissue ends the certificate before it (D-108): `activation`, when the new one is confirmed, or `ok`, when
    /// the administrator reissues. After loss, theft or compromise it is always `ok`.
    pub reissue_kills_old: KillsOld,
    /// Show serial numbers as `*****`, as the manual's pictures do (S-035).
    pub mask_serial: bool,
    /// Users a contract may have, unless it says fewer (D-402): 1 to 99.
    pub users_per_contract: u32,
}

/// `certificate.reissue-kills-old`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillsOld {
    /// When the new certificate is confirmed.
    Activation,
    /// When the administrator presses OK.
    Ok,
}

/// `[acquisition]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AcquisitionSettings {
    /// Beside the four items an acquisition code is wanted (D-504). Off is the manual's flow exactly.
    pub code: bool,
    /// How long a code counts, in minutes: 10 to 10080 (7 days).
    pub code_minutes: u32,
    /// Minutes in which an acquisition that was cut off can go on with the same key and no new one-time password, from
    /// issue (D-801): 1 to 129600 (90 days); 0 leaves the time until the acquisition deadline.
    pub resume_minutes: u32,
    /// The code stands alone: neither user PIN nor OTP is wanted beside it. For software that knows
    /// no CRMF controls; off.
    pub code_alone: bool,
    /// Kinds of key, preferred first. `ed25519` is for relying parties of other kinds: no login is signed with it.
    pub algorithms: Vec<KeyAlgorithm>,
}

/// `[device]`: the hardware that keys may be in (D-502).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DeviceSettings {
    /// The manufacturers who are believed: files of PEM, relative to the authority's directory, or `yubico` for the
    /// certificates that Yubico publishes. With none, what devices prove is not looked at.
    pub roots: Vec<String>,
    /// Every certificate needs proof of where its key was made.
    pub required: bool,
    /// Where a user's device proves nothing, the administrator confirms the fingerprint of the key, which the user
    /// reads out, before a certificate is issued (D-503). A device that a reissue names must prove itself all the same.
    pub confirm_key: bool,
    /// Oldest firmware. Before 4.3.5 devices made weak RSA keys (Yubico's advisory YSA-2017-01).
    pub minimum_firmware: Firmware,
    /// New keys are made to ask for the PIN so often, and a proof must show it at least: `never`, `once` or `always`.
    pub pin_policy: PinPolicy,
    /// New keys are made to want a touch so often, and a proof must show it at least: `never`, `cached` or `always`.
    pub touch_policy: TouchPolicy,
}

impl DeviceSettings {
    /// How new keys are to be guarded.
    #[must_use]
    pub fn key_policy(&self) -> KeyPolicy {
        KeyPolicy {
            pin: match self.pin_policy {
                PinPolicy::Always | PinPolicy::MatchAlways => token::PinPolicy::Always,
                PinPolicy::MatchOnce | PinPolicy::Once => token::PinPolicy::Once,
                PinPolicy::Never => token::PinPolicy::Never,
            },
            touch: match self.touch_policy {
                TouchPolicy::Always => token::TouchPolicy::Always,
                TouchPolicy::Cached => token::TouchPolicy::Cached,
                TouchPolicy::Never => token::TouchPolicy::Never,
            },
        }
    }
}

/// `[lock]`: consecutive wrong entries, 3 to 10 each (D-201, D-202, D-204).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LockSettings {
    /// 利用者暗証番号: locks the user.
    pub user_pin: u32,
    /// ご契約先確認暗証番号: locks the contract.
    pub confirm_pin: u32,
    /// ご契約先暗証番号: locks the contract.
    pub contract_pin: u32,
    /// ワンタイムパスワード: locks the user.
    pub otp: u32,
}

/// `[login]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LoginSettings {
    /// Seconds that a challenge lives: 30 to 300 (D-601).
    pub challenge_seconds: u32,
    /// Minutes that a session lives at most: 1 to 720 (D-610).
    pub session_minutes: u32,
    /// Minutes without use that end it: 1 to 15.
    pub idle_minutes: u32,
}

/// `[database]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DatabaseSettings {
    /// A PostgreSQL database, for example `postgres:///jitsuin?host=/run/postgresql`; without it, a SQLite file in the
    /// authority's directory. A password stands in a file that `PGPASSFILE` names, never here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<String>,
}

impl DatabaseSettings {
    /// The database of the authority in `directory`.
    #[must_use]
    pub fn home(&self, directory: &Path, create: bool) -> Home {
        match &self.postgres {
            Some(url) => Home::Server(url.clone()),
            None => Home::File { path: directory.join(DATABASE), create },
        }
    }

    fn is_good(&self) -> bool {
        self.postgres.as_deref().is_none_or(|url| {
            let authority = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
            let authority = authority.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
            // what stands before @ is the user; a colon in it begins a password
            authority.is_some_and(|text| !text.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')))
                && !url.contains("password=")
                && database::keeps_to_itself(url)
        })
    }
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ServerSettings {
    /// Connections at once, a quarter of them from one address: 1 to 10000.
    pub connections: usize,
    /// Seconds a request may take: 1 to 120.
    pub request_seconds: u32,
    /// PIN hashes (19 MiB each) and MACs computed at once: 1 to 64.
    pub pin_hashes: usize,
    /// Requests a minute from one address, logins and acquisitions: 1 to 100000. Each process counts its own.
    pub requests_per_minute: u32,
    /// Seconds that requests under way may take when the server is asked to end: 1 to 120.
    pub shutdown_seconds: u32,
}

impl Default for CertificateSettings {
    fn default() -> Self {
        Self {
            acquire_window_days: 80,
            renew_from_days: 30,
            renew_after_expiry_days: 0,
            renew_tries: 5,
            validity_years: 1,
            reissue_kills_old: KillsOld::Activation,
            mask_serial: false,
            users_per_contract: 99,
        }
    }
}

impl Default for AcquisitionSettings {
    fn default() -> Self {
        Self {
            code: true,
            code_minutes: 24 * 60,
            resume_minutes: 0,
            code_alone: false,
            algorithms: vec![KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072],
        }
    }
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            required: false,
            confirm_key: false,
            minimum_firmware: Firmware::new(4, 3, 5),
            pin_policy: PinPolicy::Once,
            touch_policy: TouchPolicy::Never,
        }
    }
}

impl Default for LockSettings {
    fn default() -> Self {
        Self { user_pin: 7, confirm_pin: 5, contract_pin: 5, otp: 10 }
    }
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self { challenge_seconds: 300, session_minutes: 12 * 60, idle_minutes: 15 }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { connections: 512, request_seconds: 30, pin_hashes: 4, requests_per_minute: 600, shutdown_seconds: 10 }
    }
}

impl Settings {
    /// Settings with nothing but defaults beside what has none.
    #[must_use]
    pub fn new(institution_code: InstitutionCode, origin: Origin, listen: SocketAddr) -> Self {
        Self {
            institution_code,
            origin,
            listen,
            administrator: AdministratorSettings::default(),
            certificate: CertificateSettings::default(),
            acquisition: AcquisitionSettings::default(),
            device: DeviceSettings::default(),
            suspend: SuspendSettings::default(),
            risk: RiskSettings::default(),
            lock: LockSettings::default(),
            otp: OtpSettings::default(),
            token: TokenSettings::default(),
            notice: NoticeSettings::default(),
            login: LoginSettings::default(),
            ca: CaSettings::default(),
            revocation: RevocationSettings::default(),
            database: DatabaseSettings::default(),
            server: ServerSettings::default(),
            log: LogSettings::default(),
            metrics: MetricsSettings::default(),
        }
    }

    /// Parses and checks a configuration.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text)?;
        settings.check()?;
        Ok(settings)
    }

    /// Reads the configuration of the authority in `directory`.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let path = directory.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| SettingsError::Read { path, source })?;
        Self::parse(&text)
    }

    /// Checks the values' ranges.
    ///
    /// # Errors
    /// [`SettingsError::Range`] with the first that is out of its own.
    pub fn check(&self) -> Result<(), SettingsError> {
        let lock = &self.lock;
        let rules = [
            ((1..=90).contains(&self.certificate.acquire_window_days), "certificate.acquire-window-days", "1 to 90"),
            ((14..=60).contains(&self.certificate.renew_from_days), "certificate.renew-from-days", "14 to 60"),
            (self.certificate.renew_after_expiry_days <= 90, "certificate.renew-after-expiry-days", "0 to 90"),
            ((1..=20).contains(&self.certificate.renew_tries), "certificate.renew-tries", "1 to 20"),
            ((1..=3).contains(&self.certificate.validity_years), "certificate.validity-years", "1 to 3"),
            ((1..=99).contains(&self.certificate.users_per_contract), "certificate.users-per-contract", "1 to 99"),
            ((10..=10_080).contains(&self.acquisition.code_minutes), "acquisition.code-minutes", "10 to 10080"),
            (self.acquisition.resume_minutes <= 129_600, "acquisition.resume-minutes", "0 to 129600"),
            (
                self.database.is_good(),
                "database.postgres",
                "a postgres:// URL without a password in it, and with sslmode=verify-full where it is of another machine",
            ),
            (!self.acquisition.algorithms.is_empty(), "acquisition.algorithms", "one kind of key or more"),
            (
                self.acquisition.code || !self.acquisition.code_alone,
                "acquisition.code-alone",
                "off where acquisition.code is off",
            ),
            (
                !self.device.required || !self.device.roots.is_empty(),
                "device.roots",
                "given where device.required is on",
            ),
            (
                [lock.user_pin, lock.confirm_pin, lock.contract_pin, lock.otp].iter().all(|n| (3..=10).contains(n)),
                "every value of [lock]",
                "3 to 10",
            ),
            ((30..=300).contains(&self.login.challenge_seconds), "login.challenge-seconds", "30 to 300"),
            ((1..=720).contains(&self.login.session_minutes), "login.session-minutes", "1 to 720"),
            ((1..=15).contains(&self.login.idle_minutes), "login.idle-minutes", "1 to 15"),
            ((1..=10_000).contains(&self.server.connections), "server.connections", "1 to 10000"),
            ((1..=120).contains(&self.server.request_seconds), "server.request-seconds", "1 to 120"),
            ((1..=120).contains(&self.server.shutdown_seconds), "server.shutdown-seconds", "1 to 120"),
            ((1..=64).contains(&self.server.pin_hashes), "server.pin-hashes", "1 to 64"),
            ((1..=100_000).contains(&self.server.requests_per_minute), "server.requests-per-minute", "1 to 100000"),
        ];
        let sections = self.suspend.rules().into_iter().chain(self.risk.rules());
        let sections = sections.chain(self.otp.rules()).chain(self.token.rules()).chain(self.administrator.rules());
        let sections = sections.chain(self.revocation.rules()).chain(self.ca.rules()).chain(self.log.rules());
        let doors = [Some(self.listen), self.revocation.listen];
        let sections = sections.chain(self.notice.rules()).chain(self.metrics.rules(doors));
        match rules.into_iter().chain(sections).find(|(kept, ..)| !kept) {
            Some((_, key, rule)) => Err(SettingsError::Range { key, rule }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "institution-code = \"1635\"\norigin = \"https://localhost:8443\"\nlisten = \"127.0.0.1:8443\"\n";

    #[test]
    fn the_least_file_has_the_defaults_and_survives_writing() {
        let settings = Settings::parse(LEAST).unwrap();
        assert_eq!((settings.lock.user_pin, settings.lock.confirm_pin, settings.lock.otp), (7, 5, 10));
        assert_eq!(settings.certificate.acquire_window_days, 80);
        assert_eq!(Settings::parse(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    }

    #[test]
    fn what_is_not_known_or_out_of_range_is_refused() {
        for bad in [
            "",
            "institution-code = \"163\"\norigin = \"https://localhost\"\nlisten = \"127.0.0.1:1\"",
            "origin = \"https://localhost\"\nlisten = \"127.0.0.1:1\"",
            "institution-code = \"1635\"\norigin = \"http://localhost\"\nlisten = \"127.0.0.1:1\"",
        ] {
            assert!(Settings::parse(bad).is_err(), "{bad}");
        }
        for section in [
            "colour = 1",
            "[lock]\nuser-pin = 11",
            "[lock]\notp = 2",
            "[lock]\nunknown = 5",
            "[certificate]\nacquire-window-days = 0",
            "[certificate]\nrenew-after-expiry-days = 91",
            "[certificate]\nrenew-tries = 0",
            "[certificate]\nrenew-tries = 21",
            "[certificate]\nvalidity-years = 4",
            "[certificate]\nreissue-kills-old = \"later\"",
            "[acquisition]\nresume-minutes = 129601",
            "[suspend]\nmax-days = 91",
            "[risk]\ncooling-off-days = 6",
            "[acquisition]\ncode = false\ncode-alone = true",
            "[acquisition]\nalgorithms = [\"rsa1024\"]",
            "[acquisition]\nalgorithms = []",
            "[device]\nrequired = true",
            "[device]\nminimum-firmware = \"5.7\"",
            "[device]\npin-policy = \"sometimes\"",
            "[login]\nchallenge-seconds = 301",
            "[login]\nidle-minutes = 16",
            "[log]\nformat = \"xml\"",
            "[log]\nfilter = \"authority=loudly\"",
            "[server]\nshutdown-seconds = 0",
            "[otp]\npast-steps = 2",
            "[database]\npostgres = \"mysql://localhost/jitsuin\"",
            "[database]\npostgres = \"postgres://jitsuin:secret@localhost/jitsuin\"",
            "[database]\npostgres = \"postgres:///jitsuin?password=secret\"",
            "[database]\npostgres = \"postgres://db.bank.example/jitsuin\"",
        ] {
            assert!(Settings::parse(&format!("{LEAST}{section}\n")).is_err(), "{section}");
        }
    }
}
