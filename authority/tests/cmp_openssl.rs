//! Debian's `openssl cmp` enrols a software key at the door, over plain HTTP on loopback (the TLS
//! leg is tested apart), with the acquisition code alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod desk;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use authority::acquisition::TransactionState;
use authority::ca::{Ca, CreateOrder};
use authority::cmp::{CmpDoor, routes};
use desk::{CODE, MemoryDesk};
use token::{InstitutionCode, Origin};

/// A door with a fresh CA in `dir`, served on loopback; the address and its desk.
async fn serve(dir: &Path, code_alone: bool) -> (std::net::SocketAddr, Arc<MemoryDesk>) {
    let now = desk::now();
    let order = CreateOrder {
        institution: InstitutionCode::new("1635").unwrap(),
        origin: Origin::new("https://localhost").unwrap(),
        now: now - 60,
    };
    let ca = Arc::new(Ca::create(dir, &order).unwrap());
    let desk = Arc::new(MemoryDesk::new(code_alone));
    let door =
        CmpDoor { desk: Arc::clone(&desk), ca, institution: order.institution, now: Box::new(desk::now), code_alone };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = routes(Arc::new(door));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
    (address, desk)
}

async fn openssl(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(dir);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What OpenSSL printed: it logs on both.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

async fn make_key(dir: &Path) {
    let made = openssl(dir, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "user.pem"]).await;
    assert!(made.status.success(), "{made:?}");
}

async fn enrol(dir: &Path, address: std::net::SocketAddr, code: &str, more: &[&str]) -> Output {
    let server = format!("http://{address}/.well-known/cmp");
    let secret = format!("pass:{code}");
    let arguments = [
        "cmp",
        "-cmd",
        "ir",
        "-server",
        &server,
        "-ref",
        "00009876543/riyousya",
        "-secret",
        &secret,
        "-newkey",
        "user.pem",
        "-subject",
        "/CN=00009876543 riyousya 1635",
        "-certout",
        "user.crt",
        "-chainout",
        "chain.crt",
        "-out_trusted",
        "root.crt",
        "-msg_timeout",
        "20",
    ];
    openssl(dir, &[arguments.as_slice(), more].concat()).await
}

async fn check(dir: &Path) {
    let verified = openssl(dir, &["verify", "-CAfile", "root.crt", "-untrusted", "issuing.crt", "user.crt"]).await;
    assert!(verified.status.success(), "{verified:?}");
    let subject = openssl(dir, &["x509", "-in", "user.crt", "-noout", "-subject"]).await;
    assert_eq!(String::from_utf8_lossy(&subject.stdout).trim(), "subject=CN = 00009876543 riyousya 1635");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_enrols_and_confirms() {
    let dir = tempfile::tempdir().unwrap();
    let (address, desk) = serve(dir.path(), true).await;
    make_key(dir.path()).await;
    let done = enrol(dir.path(), address, CODE, &[]).await;
    assert!(done.status.success(), "{}", said(&done));
    check(dir.path()).await;
    assert_eq!(desk.states(), [TransactionState::Confirmed]);
    assert_eq!(desk.calls("confirm"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_enrols_with_implicit_confirmation() {
    let dir = tempfile::tempdir().unwrap();
    let (address, desk) = serve(dir.path(), true).await;
    make_key(dir.path()).await;
    let done = enrol(dir.path(), address, CODE, &["-implicit_confirm", "-mac", "hmacWithSHA256"]).await;
    assert!(done.status.success(), "{}", said(&done));
    check(dir.path()).await;
    assert_eq!(desk.states(), [TransactionState::Confirmed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_is_told_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let (address, desk) = serve(dir.path(), true).await;
    make_key(dir.path()).await;
    let wrong = enrol(dir.path(), address, "WRONG-CODE", &["-unprotected_errors"]).await;
    assert!(!wrong.status.success());
    assert!(said(&wrong).contains("E-AUTH"), "{wrong:?}");
    assert_eq!((desk.states(), desk.calls("wrong_code")), (vec![], 1));

    let other = enrol(dir.path(), address, CODE, &["-subject", "/CN=00009876543 somebody 1635"]).await;
    assert!(!other.status.success());
    assert!(said(&other).contains("E-BAD-REQUEST"), "{other:?}");
    assert!(desk.states().is_empty() && !dir.path().join("user.crt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_code_alone_does_not_suffice_nothing_is_issued() {
    let dir = tempfile::tempdir().unwrap();
    let (address, desk) = serve(dir.path(), false).await;
    make_key(dir.path()).await;
    let refused = enrol(dir.path(), address, CODE, &[]).await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("E-AUTH"), "{refused:?}");
    assert!(desk.states().is_empty());
}
