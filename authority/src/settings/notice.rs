//! `[notice]`: what is told by mail and webhook (D-506, D-510, D-511, D-701 to D-704). Passwords and keys stand in
//! credentials, never here.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// `[notice]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NoticeSettings {
    /// The mail relay, `host:port`. Without it no mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// How the relay is spoken to.
    pub smtp_tls: SmtpTls,
    /// The name to log in to the relay with; the password is the credential `smtp.password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_user: Option<String>,
    /// The sender's address.
    pub from: String,
    /// Where notices are posted as JSON: an `https://` address. The key of their signature is the credential
    /// `webhook.key`. Without it nothing is posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// A file of PEM with the roots that relay and webhook are judged by.
    pub roots: String,
    /// The bank's own addresses, told of locks, emergency stops and administrators.
    pub bank: Vec<String>,
    /// Which users are told, beside the administrators.
    pub users: ToldUsers,
    /// Days before a certificate's end on which it is told: 1 to 90 each, eight at most (D-701).
    pub expiry_days: Vec<u16>,
    /// Hours after a reissue, when it is told that nobody acquired: 0 to 720; 0 is never (D-510).
    pub acquisition_hours: u32,
    /// Hours in which the code in a notice suspends: 1 to 720 (D-506).
    pub stop_hours: u32,
    /// Days after which what was sent is deleted: 1 to 3650.
    pub keep_days: u32,
}

/// `notice.smtp-tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// None: only to this machine.
    None,
    /// STARTTLS (RFC 3207), and no mail without it.
    Starttls,
    /// From the first byte (RFC 8314).
    Tls,
}

/// `notice.users` (D-704).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldUsers {
    /// All of the contract.
    All,
    /// The one concerned.
    Concerned,
    /// None.
    None,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self {
            smtp: None,
            smtp_tls: SmtpTls::Starttls,
            smtp_user: None,
            from: String::new(),
            webhook: None,
            roots: "/etc/ssl/certs/ca-certificates.crt".to_owned(),
            bank: Vec::new(),
            users: ToldUsers::Concerned,
            expiry_days: vec![30, 10, 3, 1],
            acquisition_hours: 24,
            stop_hours: 72,
            keep_days: 90,
        }
    }
}

impl NoticeSettings {
    /// Host and port of the relay.
    #[must_use]
    pub fn relay(&self) -> Option<(&str, u16)> {
        let (host, port) = self.smtp.as_deref()?.rsplit_once(':')?;
        Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
    }

    /// Anything is sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.smtp.is_some() || self.webhook.is_some()
    }

    /// The rules of this section: whether each is kept, of which key it speaks, and what it says.
    #[must_use]
    pub fn rules(&self) -> [(bool, &'static str, &'static str); 10] {
        let address = |text: &str| text.parse::<lettre::Address>().is_ok();
        let here = self.relay().is_some_and(|(host, _)| {
            host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        });
        let days = &self.expiry_days;
        [
            (self.smtp.is_none() || self.relay().is_some(), "notice.smtp", "host:port"),
            (
                self.smtp_tls != SmtpTls::None || here || self.smtp.is_none(),
                "notice.smtp-tls",
                "starttls or tls, except for a relay on this machine",
            ),
            (self.smtp_tls != SmtpTls::None || self.smtp_user.is_none(), "notice.smtp-user", "given only with TLS"),
            (self.smtp.is_none() || address(&self.from), "notice.from", "an e-mail address"),
            (
                self.webhook.as_deref().is_none_or(is_target),
                "notice.webhook",
                "an https:// address without user and fragment",
            ),
            (self.bank.iter().all(|text| address(text)), "notice.bank", "a list of e-mail addresses"),
            (
                days.len() <= 8 && days.iter().all(|day| (1..=90).contains(day)),
                "notice.expiry-days",
                "up to eight numbers of 1 to 90",
            ),
            (self.acquisition_hours <= 720, "notice.acquisition-hours", "0 to 720"),
            ((1..=720).contains(&self.stop_hours), "notice.stop-hours", "1 to 720"),
            ((1..=3650).contains(&self.keep_days), "notice.keep-days", "1 to 3650"),
        ]
    }
}

fn is_target(text: &str) -> bool {
    text.parse::<axum::http::Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
            && !text.contains('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let broken = |text: &str| {
            let settings: NoticeSettings = toml::from_str(text).unwrap();
            settings.rules().into_iter().find(|(kept, ..)| !kept).map(|(_, key, _)| key)
        };
        let mail = "from = \"notice@bank.example\"\n";
        for good in [
            "",
            "smtp = \"relay.bank.example:587\"",
            "smtp = \"relay.bank.example:465\"\nsmtp-tls = \"tls\"\nsmtp-user = \"jitsuin\"",
            "smtp = \"127.0.0.1:25\"\nsmtp-tls = \"none\"",
            "smtp = \"[::1]:25\"\nsmtp-tls = \"none\"",
            "webhook = \"https://events.bank.example:8443/jitsuin?a=1\"",
            "bank = [\"ops@bank.example\"]\nexpiry-days = []\nacquisition-hours = 0",
        ] {
            assert_eq!(broken(&format!("{mail}{good}")), None, "{good}");
        }
        for (key, bad) in [
            ("smtp", "smtp = \"relay.bank.example\""),
            ("smtp", "smtp = \":25\""),
            ("smtp-tls", "smtp = \"relay.bank.example:25\"\nsmtp-tls = \"none\""),
            ("smtp-user", "smtp = \"localhost:25\"\nsmtp-tls = \"none\"\nsmtp-user = \"jitsuin\""),
            ("webhook", "webhook = \"http://events.bank.example/\""),
            ("webhook", "webhook = \"https://user@events.bank.example/\""),
            ("bank", "bank = [\"ops\"]"),
            ("expiry-days", "expiry-days = [30, 0]"),
            ("expiry-days", "expiry-days = [1, 2, 3, 4, 5, 6, 7, 8, 9]"),
            ("acquisition-hours", "acquisition-hours = 721"),
            ("stop-hours", "stop-hours = 0"),
            ("keep-days", "keep-days = 0"),
        ] {
            assert_eq!(broken(&format!("{mail}{bad}")), Some(format!("notice.{key}").as_str()), "{bad}");
        }
        assert_eq!(broken("smtp = \"relay.bank.example:25\""), Some("notice.from"));
        for bad in ["smtp-password = \"x\"", "smtp-tls = \"maybe\"", "users = \"some\""] {
            assert!(toml::from_str::<NoticeSettings>(bad).is_err(), "{bad}");
        }
    }
}
