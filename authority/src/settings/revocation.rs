//! `[revocation]`: how relying parties learn what became of certificates.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use token::Origin;

/// `[revocation]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RevocationSettings {
    /// Where relying parties reach lists and OCSP, as it stands in certificates: `http://` or `https://`, host, and
    /// perhaps a port and a path; without it, the origin. Plain HTTP is meant: what is served is signed, and a
    /// certificate whose status is asked for over TLS may be the one that is needed for it (RFC 5280 §8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where lists and OCSP are served without TLS, beside the TLS door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Hours until a list has to be renewed; half of it after which a new one is made: 1 to 168.
    pub crl_hours: u32,
    /// Minutes that an OCSP answer may be relied on: 1 to 1440.
    pub ocsp_minutes: u32,
    /// Seconds that caches on the way may keep lists and answers: 0 to 3600.
    pub max_age_seconds: u32,
    /// Certificates that share one part of the list: 100 to 1000000, or 0 for the whole list only.
    pub partition: u32,
    /// Days that the OCSP responder's certificate lives: 1 to 90.
    pub responder_days: u32,
}

impl Default for RevocationSettings {
    fn default() -> Self {
        Self {
            url: None,
            listen: None,
            crl_hours: 24,
            ocsp_minutes: 60,
            max_age_seconds: 5,
            partition: 10_000,
            responder_days: 7,
        }
    }
}

impl RevocationSettings {
    /// The URL below which everything is found, without a slash at its end.
    #[must_use]
    pub fn base<'a>(&'a self, origin: &'a Origin) -> &'a str {
        self.url.as_deref().unwrap_or(origin.as_str())
    }

    /// The rules of the section: whether each is kept, its key, and what it says.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 6] {
        [
            (
                self.url.as_deref().is_none_or(is_base),
                "revocation.url",
                "http://host or https://host, without a slash at its end",
            ),
            ((1..=168).contains(&self.crl_hours), "revocation.crl-hours", "1 to 168"),
            ((1..=1440).contains(&self.ocsp_minutes), "revocation.ocsp-minutes", "1 to 1440"),
            (self.max_age_seconds <= 3600, "revocation.max-age-seconds", "0 to 3600"),
            (
                self.partition == 0 || (100..=1_000_000).contains(&self.partition),
                "revocation.partition",
                "0, or 100 to 1000000",
            ),
            ((1..=90).contains(&self.responder_days), "revocation.responder-days", "1 to 90"),
        ]
    }
}

fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.len() <= 200
            && !rest.starts_with('/')
            && !rest.ends_with('/')
            && rest.bytes().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_bad_values_are_named() {
        assert!(RevocationSettings::default().rules().iter().all(|(kept, ..)| *kept));
        for (bad, key) in [
            ("url = \"ftp://bank.example\"", "revocation.url"),
            ("url = \"http://bank.example/\"", "revocation.url"),
            ("url = \"http://\"", "revocation.url"),
            ("url = \"http://bank.example/?q\"", "revocation.url"),
            ("crl-hours = 0", "revocation.crl-hours"),
            ("crl-hours = 169", "revocation.crl-hours"),
            ("ocsp-minutes = 0", "revocation.ocsp-minutes"),
            ("max-age-seconds = 3601", "revocation.max-age-seconds"),
            ("partition = 99", "revocation.partition"),
            ("responder-days = 91", "revocation.responder-days"),
        ] {
            let settings: RevocationSettings = toml::from_str(bad).unwrap();
            let broken: Vec<_> =
                settings.rules().into_iter().filter(|(kept, ..)| !kept).map(|(_, key, _)| key).collect();
            assert_eq!(broken, [key], "{bad}");
        }
        let origin = Origin::new("https://bank.example").unwrap();
        let settings: RevocationSettings = toml::from_str("url = \"http://crl.bank.example/pki\"").unwrap();
        assert_eq!(settings.base(&origin), "http://crl.bank.example/pki");
        assert_eq!(RevocationSettings::default().base(&origin), "https://bank.example");
    }
}
