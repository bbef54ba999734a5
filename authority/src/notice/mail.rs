//! Mail by a configured relay (RFC 5321), never straight to the recipient.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::CourierError;
use crate::credential;
use crate::house::House;
use crate::settings::{NoticeSettings, SmtpTls};
use crate::store::notices::Notice;

/// The credential with the relay's password.
const PASSWORD: &str = "smtp.password";
/// How long a relay may take for one step.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub(super) enum MailError {
    #[error("the address or the text makes no mail")]
    Message(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the relay did not take it")]
    Relay(#[source] lettre::transport::smtp::Error),
}

impl MailError {
    /// The relay said that it will never take this message, or not for this recipient; or there is nothing to be taken.
    /// What it says of us it says until somebody mends it.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Message(_) => true,
            Self::Relay(error) => {
                let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                error.is_permanent() && error.status().is_some_and(|code| is_of_the_mail(code.into(), &said))
            }
        }
    }
}

/// Whether a reply 5yz is about the recipient or the message, and not about the sender, the password or the connection.
/// Its text may begin with an enhanced code (RFC 2034), which says so (RFC 3463 §3). Without one the reply codes of RCPT
/// and DATA have to do (RFC 5321 §4.2.3); a relay that uses them for the sender is one that has no enhanced codes.
fn is_of_the_mail(code: u16, said: &str) -> bool {
    let enhanced = said.split_whitespace().next().and_then(|word| word.strip_prefix("5."));
    let enhanced = enhanced.and_then(|rest| rest.split_once('.'));
    let enhanced = enhanced.and_then(|(subject, detail)| Some((subject.parse().ok()?, detail.parse().ok()?)));
    match enhanced {
        // The address's subject is the recipient's but for these two.
        Some((1, detail)) => !matches!(detail, 7u16 | 8),
        // The mailbox, and the message itself.
        Some((2u16 | 6, _)) => true,
        Some(_) => false,
        None => matches!(code, 550..=553),
    }
}

#[derive(Debug, Clone)]
pub(super) struct Mail {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

impl Mail {
    pub(super) fn new(
        (host, port): (&str, u16),
        settings: &NoticeSettings,
        house: &House,
    ) -> Result<Self, CourierError> {
        let host = host.trim_matches(['[', ']']);
        let relay_error = |error: Box<dyn std::error::Error + Send + Sync>| CourierError::Relay(error);
        let mut relay =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).timeout(Some(DEADLINE));
        if settings.smtp_tls != SmtpTls::None {
            let bad = |source: Box<dyn std::error::Error + Send + Sync>| CourierError::Roots {
                path: settings.roots.clone(),
                source,
            };
            let pem = std::fs::read(house.directory.join(&settings.roots)).map_err(|e| bad(e.into()))?;
            let roots = Certificate::from_pem(&pem).map_err(|e| bad(e.into()))?;
            let parameters = TlsParameters::builder(host.to_owned())
                .certificate_store(CertificateStore::None)
                .add_root_certificate(roots)
                .build()
                .map_err(|e| relay_error(e.into()))?;
            let tls = if settings.smtp_tls == SmtpTls::Tls { Tls::Wrapper } else { Tls::Required };
            relay = relay.tls(tls(parameters));
        }
        if let Some(user) = &settings.smtp_user {
            let password = credential::load(&house.directory, PASSWORD)?;
            let password = String::from_utf8(password.to_vec()).map_err(|e| relay_error(e.into()))?;
            relay = relay.credentials(Credentials::new(user.clone(), password));
        }
        let from = settings.from.parse().map_err(|e: lettre::address::AddressError| relay_error(e.into()))?;
        let host = house.settings.origin.as_str().trim_start_matches("https://");
        let host = host.split(':').next().unwrap_or(host).to_owned();
        Ok(Self { relay: relay.build(), from, host })
    }

    pub(super) async fn send(&self, notice: &Notice, body: &str) -> Result<(), MailError> {
        let message = self.message(notice, body).map_err(MailError::Message)?;
        self.relay.send(message).await.map(drop).map_err(MailError::Relay)
    }

    /// RFC 5322; what is sent again is the same but for its date.
    fn message(&self, notice: &Notice, body: &str) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let header =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        Ok(Message::builder()
            .from(self.from.clone())
            .to(notice.recipient.parse()?)
            .subject(notice.subject.as_str())
            .message_id(Some(format!("<{}@{}>", notice.notice_id, self.host)))
            // No out-of-office note answers it (RFC 3834 §5).
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .header(ContentType::TEXT_PLAIN)
            .body(body.to_owned())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_us_is_tried_again() {
        for (code, said, expected) in [
            (550, "no such mailbox", true),
            (550, "5.1.1 no such user", true),
            (553, "5.1.3 bad address syntax", true),
            (552, "5.2.2 mailbox full", true),
            (554, "5.6.0 no such content", true),
            // The sender, the password, the connection, a policy.
            (550, "5.1.8 sender's domain not found", false),
            (553, "5.1.7 sender's address refused", false),
            (550, "5.7.1 relaying denied", false),
            (530, "5.7.0 authentication required", false),
            (535, "5.7.8 wrong credentials", false),
            (535, "wrong credentials", false),
            (554, "no SMTP service here", false),
            (550, "5.x.y odd", true),
        ] {
            assert_eq!(is_of_the_mail(code, said), expected, "{code} {said}");
        }
    }
}
