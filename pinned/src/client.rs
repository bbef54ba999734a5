//! One request, one connection.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::Roots;
use crate::chain::Untrusted;
use crate::verifier::{configuration, reason};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// From the first packet to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured address is not `https://host[:port]`.
    #[error("{0:?} is not an authority's address. Write https://host or https://host:port in the configuration.")]
    Address(String),
    /// The answer is longer than 256 KiB, or is not HTTP.
    #[error("The authority's answer cannot be read. Check that the address is an authority's.")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered with a redirect, which is never followed.
    #[error(
        "The authority's address redirects elsewhere (HTTP {0}), which is not followed. Correct the address in the configuration."
    )]
    Redirected(u16),
    /// 30 s passed.
    #[error("The authority did not answer in 30 s. Check the network and try again.")]
    TimedOut,
    /// The TLS handshake failed for another reason than trust.
    #[error("No TLS 1.3 connection to the authority. Check its address, and whether a proxy stands between.")]
    Tls(#[source] std::io::Error),
    /// Nobody answers at the address.
    #[error("The authority cannot be reached. Check the network and try again.")]
    Unreachable(#[source] std::io::Error),
    /// Somebody answers who is not the authority.
    #[error("The server is not the pinned authority: {0}. Do not go on; compare the root fingerprint with the bank.")]
    Untrusted(#[source] Untrusted),
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type` without parameters, lower case; empty where there is none.
    pub content_type: String,
    /// At most 256 KiB.
    pub body: Zeroizing<Vec<u8>>,
}

/// A client of one authority.
#[derive(Clone)]
pub struct Client {
    host: String,
    port: u16,
    authority: HeaderValue,
    name: ServerName<'static>,
    tls: Arc<rustls::ClientConfig>,
    language: Option<HeaderValue>,
}

impl Client {
    /// A client of the authority at `url` (`https://host[:port]`, nothing after it).
    ///
    /// # Errors
    /// [`Error::Address`] when it is not of that form.
    pub fn new(url: &str, roots: Roots) -> Result<Self, Error> {
        let bad = || Error::Address(url.chars().take(200).collect());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad());
        }
        if authority.as_str().contains('@') {
            return Err(bad());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
        let tls = configuration(roots).map_err(|e| Error::Tls(std::io::Error::other(e)))?;
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(443),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            name,
            tls: Arc::new(tls),
            language: None,
        })
    }

    /// Asks for texts in this language (`en`, `ja`).
    #[must_use]
    pub fn speaking(mut self, language: &'static str) -> Self {
        self.language = Some(HeaderValue::from_static(language));
        self
    }

    /// GET.
    ///
    /// # Errors
    /// [`Error`]; an answer with an error status is an answer.
    pub async fn get(&self, path: &str, bearer: Option<&str>) -> Result<Response, Error> {
        self.send(Method::GET, path, None, Zeroizing::new(Vec::new()), bearer).await
    }

    /// POST. The body is wiped when it has been sent.
    ///
    /// # Errors
    /// [`Error`]; an answer with an error status is an answer.
    pub async fn post(
        &self,
        path: &str,
        content_type: &'static str,
        body: Zeroizing<Vec<u8>>,
        bearer: Option<&str>,
    ) -> Result<Response, Error> {
        self.send(Method::POST, path, Some(content_type), body, bearer).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Zeroizing<Vec<u8>>,
        bearer: Option<&str>,
    ) -> Result<Response, Error> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.authority.clone());
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(language) = &self.language {
            request = request.header(ACCEPT_LANGUAGE, language.clone());
        }
        if let Some(bearer) = bearer {
            let text = Zeroizing::new(format!("Bearer {bearer}"));
            let mut value = HeaderValue::from_str(&text).map_err(|e| Error::Answer(Box::new(e)))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::new(Cursor::new(body))).map_err(|e| Error::Answer(Box::new(e)))?;
        tokio::time::timeout(DEADLINE, self.exchange(request)).await.map_err(|_| Error::TimedOut)?
    }

    async fn exchange<B>(&self, request: Request<B>) -> Result<Response, Error>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Error::Unreachable)?;
        // A request is one small write: waiting for more only adds a delay.
        let _ = tcp.set_nodelay(true);
        let tls = TlsConnector::from(self.tls.clone()).connect(self.name.clone(), tcp).await.map_err(tls_error)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.map_err(answer_error)?;
        let connection = tokio::spawn(connection);
        let answer = async {
            let answer = sender.send_request(request).await.map_err(answer_error)?;
            let (head, body) = answer.into_parts();
            if head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
                return Err(Error::Redirected(head.status.as_u16()));
            }
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(Error::Answer)?;
            let content_type = head.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
            Ok(Response {
                status: head.status.as_u16(),
                content_type: content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
                body: Zeroizing::new(body.to_bytes().to_vec()),
            })
        }
        .await;
        connection.abort();
        answer
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client(https://{}:{})", self.host, self.port)
    }
}

fn answer_error(error: hyper::Error) -> Error {
    Error::Answer(Box::new(error))
}

fn tls_error(error: std::io::Error) -> Error {
    let ours = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()).and_then(reason);
    ours.map_or(Error::Tls(error), Error::Untrusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let roots = Roots::parse(&["00".repeat(32)]).unwrap();
        for good in ["https://bank.example", "https://bank.example:8443", "https://127.0.0.1:8443", "https://[::1]:1"] {
            assert!(Client::new(good, roots.clone()).is_ok(), "{good}");
        }
        for bad in ["", "bank.example", "http://bank.example", "https://bank.example/cmp", "https://u@bank.example"] {
            assert!(matches!(Client::new(bad, roots.clone()), Err(Error::Address(_))), "{bad}");
        }
    }
}
