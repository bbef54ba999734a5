//! Webhook: one POST of JSON over TLS to the one address of the settings, signed.
//!
//! `Jitsuin-Signature: t=SECONDS,v1=HEX`, HMAC-SHA-256 with the credential `webhook.key` over `SECONDS.BODY`: a receiver
//! refuses what is old and what it has had, by `id`. No redirect is followed and no address comes from anywhere but the
//! settings, so that nobody leads the authority elsewhere.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Uri};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::CourierError;
use crate::clock::Clock;
use crate::credential;
use crate::house::House;
use crate::settings::NoticeSettings;
use crate::store::notices::Notice;

/// The credential with the key of the signature.
const KEY: &str = "webhook.key";
/// How long all of it may take.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub(super) enum WebhookError {
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error("the receiver cannot be spoken to")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the receiver took longer than 20 s")]
    TimedOut,
}

#[derive(Clone)]
pub(super) struct Webhook {
    target: Uri,
    name: ServerName<'static>,
    tls: TlsConnector,
    key: Arc<Zeroizing<Vec<u8>>>,
    clock: Clock,
}

impl Webhook {
    pub(super) fn new(target: &str, settings: &NoticeSettings, house: &House) -> Result<Self, CourierError> {
        let bad = |source: Box<dyn std::error::Error + Send + Sync>| CourierError::Roots {
            path: settings.roots.clone(),
            source,
        };
        let mut roots = rustls::RootCertStore::empty();
        let path = house.directory.join(&settings.roots);
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|e| bad(e.into()))? {
            // A bundle has roots of kinds that this library does not know.
            let _ = roots.add(certificate.map_err(|e| bad(e.into()))?);
        }
        if roots.is_empty() {
            return Err(bad("no certificate is in it".into()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let configuration = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| bad(e.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let target: Uri = target.parse().map_err(|e: axum::http::uri::InvalidUri| bad(e.into()))?;
        let host = target.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok(Self {
            name: ServerName::try_from(host).map_err(|e| bad(e.into()))?,
            target,
            tls: TlsConnector::from(Arc::new(configuration)),
            key: Arc::new(credential::load(&house.directory, KEY)?),
            clock: house.clock.clone(),
        })
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), WebhookError> {
        let status = tokio::time::timeout(DEADLINE, self.post(&notice.body)).await;
        match status.map_err(|_| WebhookError::TimedOut)?.map_err(WebhookError::Transport)? {
            200..=299 => Ok(()),
            other => Err(WebhookError::Status(other)),
        }
    }

    async fn post(&self, body: &str) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
        let host = self.target.host().unwrap_or_default().trim_matches(['[', ']']);
        let tcp = TcpStream::connect((host, self.target.port_u16().unwrap_or(443))).await?;
        let tls = self.tls.connect(self.name.clone(), tcp).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        let connection = tokio::spawn(connection);
        let path = self.target.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header("host", self.target.authority().map_or("", |authority| authority.as_str()))
            .header("content-type", "application/json")
            .header("jitsuin-signature", signature(&self.key, self.clock.now(), body))
            .body(Full::new(Bytes::from(body.to_owned())))?;
        let answer = sender.send_request(request).await;
        connection.abort();
        Ok(answer?.status().as_u16())
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({})", self.target)
    }
}

fn signature(key: &[u8], at: i64, body: &str) -> String {
    // HMAC takes keys of any length (RFC 2104 §2): the error cannot come up.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body.as_bytes());
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}
