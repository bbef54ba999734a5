//! An HTTPS client that trusts one root.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{CONFIRM_PIN, Card, ORIGIN};

pub(crate) struct Client {
    address: SocketAddr,
    connector: TlsConnector,
    pub(crate) session: Option<String>,
    pub(crate) language: &'static str,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The JSON of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a refusal.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["detail"].as_str().unwrap().starts_with(problem["title"].as_str().unwrap()));
        problem["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn problem(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, root: &[u8]) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(root.to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let configuration = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, connector: TlsConnector::from(Arc::new(configuration)), session: None, language: "en" }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// `None` when the server goes away meanwhile.
    async fn try_send(&self, request: Request<Full<Bytes>>) -> Option<Answer> {
        let answer = self.open().await?.send_request(request).await.ok()?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.ok()?.to_bytes().to_vec();
        Some(Answer { status: parts.status, headers: parts.headers, body })
    }

    async fn open(&self) -> Option<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await.ok()?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.connector.connect(name, stream).await.ok()?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("accept-language", self.language);
        match &self.session {
            Some(session) => request.header("authorization", format!("Bearer {session}")),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.try_post(path, fields).await.unwrap()
    }

    pub(crate) async fn try_post(&self, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.try_send(self.body(path, "application/x-www-form-urlencoded", pairs.join("&").into_bytes())).await
    }

    pub(crate) async fn raw(&self, path: &str, media: &str, body: Vec<u8>) -> Answer {
        self.send(self.body(path, media, body)).await
    }

    fn body(&self, path: &str, media: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
        self.request("POST", path).header("content-type", media).body(Full::new(body.into())).unwrap()
    }

    pub(crate) async fn challenge(&self, door: &str) -> String {
        let path = if door == "user" { "/login/challenge" } else { "/admin/v1/challenge" };
        let answer = self.post(path, &[]).await.ok();
        assert_eq!(answer["origin"], ORIGIN);
        answer["challenge"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn log_in_as_administrator(&self, card: &Card, pin: &str) -> Answer {
        let challenge = self.challenge("administrator").await;
        let token = card.answer(&challenge, ORIGIN);
        self.post("/admin/v1/login", &[("challenge", &challenge), ("token", &token), ("contract_pin", pin)]).await
    }

    pub(crate) async fn verify(&self, card: &Card) -> Answer {
        let challenge = self.challenge("user").await;
        let token = card.answer(&challenge, ORIGIN);
        self.post("/login/verify", &[("challenge", &challenge), ("token", &token)]).await
    }

    pub(crate) async fn pin(&self, login: &str, pin: &str) -> Answer {
        self.post("/login/pin", &[("login", login), ("user_pin", pin)]).await
    }

    /// Certificate and PIN, one after the other.
    pub(crate) async fn enter(&self, card: &Card, pin: &str) -> Answer {
        let begun = self.verify(card).await.ok();
        self.pin(begun["login"].as_str().unwrap(), pin).await
    }

    pub(crate) async fn version(&self, user: &str) -> String {
        let shown = self.get(&format!("/admin/v1/users/{user}")).await.ok();
        shown["version"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn choose(&self, user: &str, choice: &str, reason: Option<&str>) -> Answer {
        let version = self.version(user).await;
        let mut fields = vec![("choice", choice), ("confirm_pin", CONFIRM_PIN), ("version", &version)];
        if let Some(reason) = reason {
            fields.push(("reason", reason));
        }
        self.post(&format!("/admin/v1/users/{user}/certificate"), &fields).await
    }
}

/// A connection that is kept, for those who ask thousands of things: opened anew where the server has closed it.
pub(crate) struct Line {
    client: Client,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Line {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, sender: None }
    }

    /// Sends a request, once more where the connection had gone: the server closes it after what it did not read. `None`
    /// where it hangs up on it each time.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Option<Answer> {
        for _ in 0..3 {
            if self.sender.as_ref().is_none_or(|sender| sender.is_closed()) {
                self.sender = self.client.open().await;
            }
            let Some(sender) = &mut self.sender else { continue };
            if sender.ready().await.is_ok()
                && let Ok(answer) = sender.send_request(request.clone()).await
            {
                let (parts, body) = answer.into_parts();
                if let Ok(body) = body.collect().await {
                    let body = body.to_bytes().to_vec();
                    return Some(Answer { status: parts.status, headers: parts.headers, body });
                }
            }
            self.sender = None;
        }
        None
    }
}
