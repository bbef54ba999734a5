//! Real servers that are not the authority, or speak as it must not (threats 22, 23).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pinned::{Client, Error, Roots};
use support::openssl;
use tempfile::TempDir;

/// A CA and a server certificate under it, made by `openssl`.
struct Pki {
    dir: TempDir,
    root: String,
}

fn pki(name: &str, days: &str) -> Pki {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(at, &format!("req -x509 {ec} -keyout root.key -out root.pem -subj /CN=Root -days 30"));
    openssl(at, &format!("req {ec} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(at.join("ext"), format!("subjectAltName={name}\nextendedKeyUsage=serverAuth\n")).unwrap();
    openssl(
        at,
        &format!(
            "x509 -req -in server.csr -CA root.pem -CAkey root.key -CAcreateserial -out server.pem -extfile ext {days}"
        ),
    );
    openssl(at, "x509 -in root.pem -outform DER -out root.der");
    let print = Command::new("openssl").args(["dgst", "-sha256", "-r", "root.der"]).current_dir(at).output().unwrap();
    let root = String::from_utf8(print.stdout).unwrap().split(' ').next().unwrap().to_owned();
    Pki { dir, root }
}

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `openssl s_server -HTTP`: serves files that hold whole HTTP answers.
fn serve(pki: &Pki, tls: &str) -> Server {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let files = [
        (
            "fine",
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        ),
        ("moved", "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("flood", format!("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n{}", "x".repeat(400_000))),
        ("noise", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned()),
    ];
    for (name, content) in files {
        std::fs::File::create(pki.dir.path().join(name)).unwrap().write_all(content.as_bytes()).unwrap();
    }
    let process = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-HTTP", "-quiet", tls])
        .args(["-cert", "server.pem", "-key", "server.key", "-cert_chain", "root.pem"])
        .current_dir(pki.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "openssl s_server does not listen");
        std::thread::sleep(Duration::from_millis(20)); // it has no other way to say that it is up
    }
    Server { process, port }
}

fn client(server: &Server, root: &str) -> Client {
    Client::new(&format!("https://127.0.0.1:{}", server.port), Roots::parse(&[root]).unwrap()).unwrap()
}

#[tokio::test]
async fn the_pinned_authority_is_heard() {
    let pki = pki("IP:127.0.0.1", "-days 2");
    let server = serve(&pki, "-tls1_3");
    let client = client(&server, &pki.root);
    let answer = client.get("/fine", None).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_str(), answer.body.as_slice()), (200, "text/plain", &b"ok"[..]));
    assert!(matches!(client.get("/moved", None).await, Err(Error::Redirected(302))));
    assert!(matches!(client.get("/flood", None).await, Err(Error::Answer(_))));
    assert!(matches!(client.get("/noise", None).await, Err(Error::Answer(_))));
}

#[tokio::test]
async fn another_root_is_not_trusted() {
    let pki = pki("IP:127.0.0.1", "-days 2");
    let server = serve(&pki, "-tls1_3");
    let error = client(&server, &"ab".repeat(32)).get("/fine", None).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted(pinned::chain::Untrusted::NoPinnedRoot)), "{error:?}");
}

#[tokio::test]
async fn another_name_is_not_trusted() {
    let pki = pki("DNS:bank.example", "-days 2");
    let server = serve(&pki, "-tls1_3");
    let error = client(&server, &pki.root).get("/fine", None).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn an_expired_server_is_not_trusted() {
    // openssl 3.0's x509 takes no dates: a negative number of days ends it before it begins.
    let pki = pki("IP:127.0.0.1", "-days -1");
    let server = serve(&pki, "-tls1_3");
    let error = client(&server, &pki.root).get("/fine", None).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn nothing_below_tls_1_3() {
    let pki = pki("IP:127.0.0.1", "-days 2");
    let server = serve(&pki, "-tls1_2");
    let error = client(&server, &pki.root).get("/fine", None).await.unwrap_err();
    assert!(matches!(error, Error::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = Client::new(&format!("https://127.0.0.1:{port}"), Roots::parse(&["00".repeat(32)]).unwrap()).unwrap();
    assert!(matches!(client.get("/", None).await, Err(Error::Unreachable(_))));
}
