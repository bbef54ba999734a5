//! The configuration of `jitsuind`: TOML, parsed once into domain types.
//!
//! An unknown key, a relative path or a malformed fingerprint is an error that names file and line;
//! past [`Config::load`] nothing has to be checked again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use token::Origin;
use toml::Spanned;

use crate::enrolment::{AuthorityProfile, EnrolmentSettings};
use crate::service::limits::Limits;

/// What the daemon was told to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The PKCS#11 modules to load, each in a process of its own.
    pub modules: Vec<ModuleConfig>,
    /// The authorities that certificates may be acquired from.
    pub authorities: Vec<AuthorityProfile>,
    /// Origins at which a key that needs no PIN signs without asking anybody.
    pub unattended_origins: Vec<Origin>,
    /// How enrolments behave.
    pub enrolment: EnrolmentSettings,
    /// How much one user may ask for.
    pub limits: Limits,
    /// Whether tokens that speak HID are served.
    pub hid: bool,
    /// Whether cards in PC/SC readers are served.
    pub pcsc: bool,
    /// Longest time for any operation on a card, in whole seconds, where it is less than the operation's own.
    pub card_deadline: Option<Duration>,
    /// The filter of the operator's log (`tracing_subscriber::EnvFilter` syntax).
    pub log_filter: String,
}

/// One PKCS#11 module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleConfig {
    /// Its name in messages: 1 to 32 ASCII letters, digits, `-` or `_`; unique.
    pub name: String,
    /// The shared object; absolute.
    pub path: PathBuf,
    /// What its process may read beside system libraries; absolute.
    pub readable: Vec<PathBuf>,
    /// What its process may write; absolute.
    pub writable: Vec<PathBuf>,
    /// Its whole environment, apart from what every worker gets.
    pub environment: BTreeMap<String, String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("The configuration {} cannot be read. Check that it exists and that this user may read it.", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else could have written it: it names code that the daemon runs.
    #[error(
        "The configuration {} can be written by others ({what}). It names modules to load: let only its owner write it.",
        file.display()
    )]
    Writable {
        /// Which file.
        file: PathBuf,
        /// What is wrong with owner or mode.
        what: String,
    },
    /// A value is not acceptable.
    #[error("{}:{line}: {what}. Correct that line and run jitsuind check-config.", file.display())]
    Value {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            modules: Vec::new(),
            authorities: Vec::new(),
            unattended_origins: Vec::new(),
            enrolment: EnrolmentSettings::default(),
            limits: Limits::default(),
            hid: true,
            pcsc: true,
            card_deadline: None,
            log_filter: "info".to_owned(),
        }
    }
}

impl Config {
    /// Reads the file that the daemon runs by; its owner must be root or the user `euid`, and
    /// nobody else may be able to write it.
    ///
    /// # Errors
    /// [`ConfigError`]: the first fault found.
    pub fn load(file: &Path, euid: u32) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { file: file.to_owned(), source };
        // Judged and read by one descriptor: what is read is what was judged.
        let mut open = File::open(file).map_err(read)?;
        let metadata = open.metadata().map_err(read)?;
        let writable = |what| Err(ConfigError::Writable { file: file.to_owned(), what });
        if metadata.uid() != 0 && metadata.uid() != euid {
            return writable(format!("owner is uid {}", metadata.uid()));
        }
        if metadata.mode() & 0o022 != 0 {
            return writable(format!("mode is {:o}", metadata.mode() & 0o7777));
        }
        let mut text = String::new();
        open.read_to_string(&mut text).map_err(read)?;
        Self::parse(&text).map_err(|fault| fault.at(file, &text))
    }

    /// Reads a file without asking who could write it: `jitsuind check-config`.
    ///
    /// # Errors
    /// [`ConfigError`]: the first fault found.
    pub fn check(file: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|fault| fault.at(file, &text))
    }

    fn parse(text: &str) -> Result<Self, BadValue> {
        let raw: RawConfig = toml::from_str(text)
            .map_err(|e| BadValue { what: e.message().trim_end_matches('.').to_owned(), span: e.span() })?;
        let mut modules: Vec<ModuleConfig> = Vec::new();
        for module in raw.module {
            let span = module.name.span();
            let module = module.validate()?;
            if modules.iter().any(|m| m.name == module.name) {
                return Err(BadValue { what: format!("the module {} is there twice", module.name), span: Some(span) });
            }
            modules.push(module);
        }
        let mut authorities: Vec<AuthorityProfile> = Vec::new();
        for authority in raw.authority {
            let span = authority.name.span();
            let authority = authority.validate()?;
            if authorities.iter().any(|a| a.name == authority.name) {
                let what = format!("the authority {} is there twice", authority.name);
                return Err(BadValue { what, span: Some(span) });
            }
            authorities.push(authority);
        }
        let defaults = Self::default();
        Ok(Self {
            modules,
            authorities,
            unattended_origins: raw.policy.unattended_origins.into_iter().map(origin).collect::<Result<_, _>>()?,
            enrolment: EnrolmentSettings {
                grace: raw.enrolment.grace.map(duration).transpose()?.unwrap_or(defaults.enrolment.grace),
                strict_cancel: raw.enrolment.strict_cancel,
            },
            limits: raw.limits.validate()?,
            hid: raw.hid.enabled.unwrap_or(defaults.hid),
            pcsc: raw.pcsc.enabled.unwrap_or(defaults.pcsc),
            card_deadline: raw.pcsc.deadline.map(card_deadline).transpose()?,
            log_filter: raw.log.filter.map(filter).transpose()?.unwrap_or(defaults.log_filter),
        })
    }
}

/// A fault with its place in the text.
#[derive(Debug)]
struct BadValue {
    what: String,
    span: Option<Range<usize>>,
}

impl BadValue {
    fn at(self, file: &Path, text: &str) -> ConfigError {
        let start = self.span.map_or(0, |s| s.start).min(text.len());
        let line = text.bytes().take(start).filter(|b| *b == b'\n').count() + 1;
        ConfigError::Value { file: file.to_owned(), line, what: self.what }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    module: Vec<RawModule>,
    #[serde(default)]
    authority: Vec<RawAuthority>,
    #[serde(default)]
    policy: RawPolicy,
    #[serde(default)]
    enrolment: RawEnrolment,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    pcsc: RawPcsc,
    #[serde(default)]
    hid: RawHid,
    #[serde(default)]
    log: RawLog,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModule {
    name: Spanned<String>,
    path: Spanned<PathBuf>,
    #[serde(default)]
    readable: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    writable: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

impl RawModule {
    fn validate(self) -> Result<ModuleConfig, BadValue> {
        Ok(ModuleConfig {
            name: name(self.name)?,
            path: absolute(self.path)?,
            readable: self.readable.into_iter().map(absolute).collect::<Result<_, _>>()?,
            writable: self.writable.into_iter().map(absolute).collect::<Result<_, _>>()?,
            environment: self.environment,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuthority {
    name: Spanned<String>,
    url: Spanned<String>,
    roots: Spanned<Vec<Spanned<String>>>,
}

impl RawAuthority {
    fn validate(self) -> Result<AuthorityProfile, BadValue> {
        let span = self.roots.span();
        let roots = self.roots.into_inner().into_iter().map(fingerprint).collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() {
            return Err(BadValue { what: "roots needs at least one fingerprint".to_owned(), span: Some(span) });
        }
        Ok(AuthorityProfile { name: name(self.name)?, url: origin(self.url)?.into(), roots })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawPolicy {
    #[serde(default)]
    unattended_origins: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawEnrolment {
    grace: Option<Spanned<String>>,
    #[serde(default)]
    strict_cancel: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawLimits {
    requests_per_user: Option<Spanned<usize>>,
    requests: Option<Spanned<usize>>,
    prompts_per_minute: Option<Spanned<usize>>,
    connections_per_user: Option<Spanned<usize>>,
}

impl RawLimits {
    fn validate(self) -> Result<Limits, BadValue> {
        let defaults = Limits::default();
        Ok(Limits {
            requests_per_user: count(self.requests_per_user, defaults.requests_per_user)?,
            requests: count(self.requests, defaults.requests)?,
            prompts_per_minute: count(self.prompts_per_minute, defaults.prompts_per_minute)?,
            connections_per_user: count(self.connections_per_user, defaults.connections_per_user)?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPcsc {
    enabled: Option<bool>,
    deadline: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHid {
    enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    filter: Option<Spanned<String>>,
}

fn name(text: Spanned<String>) -> Result<String, BadValue> {
    let plain = text.as_ref().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && (1..=32).contains(&text.as_ref().len()) {
        return Ok(text.into_inner());
    }
    let what = format!("the name {:?} is not 1 to 32 ASCII letters, digits, '-' or '_'", text.as_ref());
    Err(BadValue { what, span: Some(text.span()) })
}

fn absolute(path: Spanned<PathBuf>) -> Result<PathBuf, BadValue> {
    if path.as_ref().is_absolute() {
        return Ok(path.into_inner());
    }
    let what = format!("the path {:?} does not begin with /", path.as_ref());
    Err(BadValue { what, span: Some(path.span()) })
}

fn origin(text: Spanned<String>) -> Result<Origin, BadValue> {
    Origin::new(text.as_ref()).map_err(|e| BadValue { what: e.to_string(), span: Some(text.span()) })
}

fn fingerprint(text: Spanned<String>) -> Result<[u8; 32], BadValue> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.as_ref(), &mut bytes).map_err(|_| BadValue {
        what: "a root is the SHA-256 of its certificate, 64 hexadecimal digits".to_owned(),
        span: Some(text.span()),
    })?;
    Ok(bytes)
}

/// A number with its unit: `90s`, `15m`, `24h`, `7d`.
fn duration(text: Spanned<String>) -> Result<Duration, BadValue> {
    let seconds = [("s", 1_u64), ("m", 60), ("h", 3600), ("d", 86400)].into_iter().find_map(|(unit, factor)| {
        let number = text.as_ref().strip_suffix(unit)?;
        number.parse::<u64>().ok()?.checked_mul(factor)
    });
    seconds.map(Duration::from_secs).ok_or_else(|| BadValue {
        what: format!("{:?} is not a time such as 90s, 15m, 24h or 7d", text.as_ref()),
        span: Some(text.span()),
    })
}

/// Long enough for a card to be read at all.
fn card_deadline(text: Spanned<String>) -> Result<Duration, BadValue> {
    let span = text.span();
    let deadline = duration(text)?;
    if (Duration::from_secs(2)..=Duration::from_secs(180)).contains(&deadline) {
        return Ok(deadline);
    }
    Err(BadValue { what: "a deadline is from 2s to 180s".to_owned(), span: Some(span) })
}

fn count(value: Option<Spanned<usize>>, default: usize) -> Result<usize, BadValue> {
    match value {
        None => Ok(default),
        Some(v) if (1..=10_000).contains(v.as_ref()) => Ok(v.into_inner()),
        Some(v) => Err(BadValue { what: "a limit is from 1 to 10000".to_owned(), span: Some(v.span()) }),
    }
}

fn filter(text: Spanned<String>) -> Result<String, BadValue> {
    tracing_subscriber::EnvFilter::try_new(text.as_ref())
        .map_err(|e| BadValue { what: format!("the log filter is not readable: {e}"), span: Some(text.span()) })?;
    Ok(text.into_inner())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const WHOLE: &str = r#"
[[module]]
name = "softhsm"
path = "/usr/lib/softhsm/libsofthsm2.so"
readable = ["/etc/softhsm"]
writable = ["/var/lib/softhsm/tokens"]
environment = { SOFTHSM2_CONF = "/etc/softhsm/softhsm2.conf" }
[[authority]]
name = "bank"
url = "https://bank.example:8443"
roots = ["0000000000000000000000000000000000000000000000000000000000000001"]
[policy]
unattended-origins = ["https://ci.example"]
[enrolment]
grace = "24h"
strict-cancel = true
[limits]
prompts-per-minute = 5
[pcsc]
enabled = false
deadline = "60s"
[hid]
enabled = false
[log]
filter = "info,daemon=debug"
"#;

    #[test]
    fn the_whole_of_it() {
        let config = Config::parse(WHOLE).unwrap();
        assert_eq!(config.modules[0].environment["SOFTHSM2_CONF"], "/etc/softhsm/softhsm2.conf");
        assert_eq!(config.authorities[0].url, "https://bank.example:8443");
        assert_eq!(config.authorities[0].roots[0][31], 1);
        assert_eq!(config.enrolment, EnrolmentSettings { grace: Duration::from_secs(86400), strict_cancel: true });
        assert_eq!(config.limits.prompts_per_minute, 5);
        assert!(!config.pcsc && Config::default().pcsc);
        assert!(!config.hid && Config::default().hid);
        assert_eq!(config.card_deadline, Some(Duration::from_secs(60)));
        assert_eq!(config.limits.requests, Limits::default().requests);
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, says) in [
            ("\n[[module]]\nname = \"a\"\npath = \"x.so\"\n", 4, "does not begin with /"),
            ("[[module]]\nname = \"a b\"\npath = \"/x.so\"\n", 2, "the name"),
            ("[[module]]\nname = \"a\"\npath = \"/x\"\ncolour = 1\n", 4, "unknown field"),
            ("[[module]]\nname = \"a\"\n", 1, "missing field"),
            ("[[authority]]\nname = \"a\"\nurl = \"http://x\"\nroots = [\"00\"]\n", 4, "64 hexadecimal"),
            ("[[authority]]\nname = \"a\"\nurl = \"https://x\"\nroots = []\n", 4, "at least one"),
            ("[policy]\n\nunattended-origins = [\n\"https://x/\"]\n", 4, "origin"),
            ("[enrolment]\ngrace = \"soon\"\n", 2, "not a time"),
            ("[limits]\nrequests = 0\n", 2, "from 1 to"),
            ("[pcsc]\ndeadline = \"1s\"\n", 2, "from 2s to"),
            ("[log]\nfilter = \"=[=\"\n", 2, "filter"),
            ("a =\n", 1, ""),
        ] {
            let error = Config::parse(text).unwrap_err().at(Path::new("/etc/x"), text);
            let ConfigError::Value { line: found, what, .. } = &error else { panic!("{error}") };
            assert_eq!((*found, what.contains(says)), (line, true), "{text:?}: {error}");
        }
        let twice = "[[module]]\nname = \"a\"\npath = \"/x\"\n[[module]]\nname = \"a\"\npath = \"/y\"\n";
        assert!(Config::parse(twice).unwrap_err().what.contains("twice"));
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let euid = rustix::process::geteuid().as_raw();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(Config::load(file.path(), euid), Err(ConfigError::Writable { .. })));
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Config::load(file.path(), euid).is_ok());
        assert!(matches!(Config::load(Path::new("/nonexistent"), euid), Err(ConfigError::Read { .. })));
    }
}
