//! Debian's `openssl cmp` enrols a software key at the door, over plain HTTP on loopback (the TLS
//! leg is tested apart), with the acquisition code alone.

use std::path::Path;
use std::process::{Command, Output};

use crate::bench::{Bench, USER};

/// An authority of today with an open issue for the user, and its door on loopback: the address, and
/// the code.
async fn serve(code_alone: bool) -> (Bench, std::net::SocketAddr, String) {
    let bench = Bench::with(|settings| settings.acquisition.code_alone = code_alone).await;
    // OpenSSL looks at the machine's clock.
    bench.clock.set(jiff::Timestamp::now().as_second());
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    let code = bench.code().await.unwrap().expose_str().unwrap().to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = authority::cmp::door(&bench.house);
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
    (bench, address, code)
}

/// Where the CA's certificates are, and OpenSSL works.
fn folder(bench: &Bench) -> std::path::PathBuf {
    bench.house.directory.join("ca")
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
    let subject = openssl(dir, &["x509", "-in", "user.crt", "-noout", "-subject", "-nameopt", "utf8"]).await;
    assert_eq!(String::from_utf8_lossy(&subject.stdout).trim(), "subject=CN=00009876543 riyousya 1635");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_enrols_and_confirms() {
    for more in [[].as_slice(), &["-implicit_confirm", "-mac", "hmacWithSHA256"]] {
        let (bench, address, code) = serve(true).await;
        let dir = folder(&bench);
        make_key(&dir).await;
        let done = enrol(&dir, address, &code, more).await;
        assert!(done.status.success(), "{}", said(&done));
        check(&dir).await;
        assert_eq!(bench.states().await, ["valid"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_is_told_why_not() {
    let (bench, address, code) = serve(true).await;
    let dir = folder(&bench);
    make_key(&dir).await;
    let wrong = enrol(&dir, address, "WRONG-CODE", &["-unprotected_errors"]).await;
    assert!(!wrong.status.success());
    assert!(said(&wrong).contains("E-AUTH"), "{wrong:?}");
    assert_eq!(bench.events_of("acquisition.mac").await, 1);

    let other = enrol(&dir, address, &code, &["-subject", "/CN=00009876543 somebody 1635"]).await;
    assert!(!other.status.success());
    assert!(said(&other).contains("E-BAD-REQUEST"), "{other:?}");
    assert!(!dir.join("user.crt").exists());
    assert_eq!(bench.states().await, ["awaiting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_code_alone_does_not_suffice_nothing_is_issued() {
    let (bench, address, code) = serve(false).await;
    let dir = folder(&bench);
    make_key(&dir).await;
    let refused = enrol(&dir, address, &code, &[]).await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("E-AUTH"), "{refused:?}");
    assert_eq!(bench.states().await, ["awaiting"]);
}

/// What OpenSSL is told about the certificate that it has, and whom it trusts.
async fn with_own(dir: &Path, address: std::net::SocketAddr, command: &str, more: &[&str]) -> Output {
    let server = format!("http://{address}/.well-known/cmp");
    let arguments = [
        "cmp",
        "-cmd",
        command,
        "-server",
        &server,
        "-cert",
        "user.crt",
        "-key",
        "user.pem",
        "-trusted",
        "root.crt",
        "-msg_timeout",
        "20",
    ];
    openssl(dir, &[arguments.as_slice(), more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_suspends_and_revokes_its_own() {
    let (bench, address, code) = serve(true).await;
    let dir = folder(&bench);
    make_key(&dir).await;
    let done = enrol(&dir, address, &code, &[]).await;
    assert!(done.status.success(), "{}", said(&done));
    let own = ["-oldcert", "user.crt"];
    let held = with_own(&dir, address, "rr", &[&own[..], &["-revreason", "6"]].concat()).await;
    assert!(held.status.success(), "{}", said(&held));
    assert_eq!(bench.states().await, ["suspended"]);
    let back = with_own(&dir, address, "rr", &[&own[..], &["-revreason", "8"]].concat()).await;
    assert!(!back.status.success());
    assert!(said(&back).contains("E-SAME-PERSON"), "{}", said(&back));
    // Nobody revokes another's certificate.
    let other = with_own(&dir, address, "rr", &["-oldcert", "issuing.crt", "-revreason", "1"]).await;
    assert!(!other.status.success(), "{}", said(&other));
    assert_eq!(bench.states().await, ["suspended"]);
    let ended = with_own(&dir, address, "rr", &[&own[..], &["-revreason", "1"]].concat()).await;
    assert!(ended.status.success(), "{}", said(&ended));
    assert_eq!(bench.states().await, ["revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_renews() {
    for more in [[].as_slice(), &["-implicit_confirm"]] {
        let (bench, address, code) = serve(true).await;
        let dir = folder(&bench);
        make_key(&dir).await;
        assert!(enrol(&dir, address, &code, &[]).await.status.success());
        let made = openssl(&dir, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "new.pem"]).await;
        assert!(made.status.success());
        let renewal = [&["-newkey", "new.pem", "-certout", "new.crt"], more].concat();
        let early = with_own(&dir, address, "kur", &renewal).await;
        assert!(!early.status.success());
        assert!(said(&early).contains("E-RENEW-EARLY"), "{}", said(&early));
        // Eleven months later: OpenSSL's clock stays where it is.
        bench.clock.set(bench.clock.now() + 340 * 86_400);
        let renewed = with_own(&dir, address, "kur", &renewal).await;
        assert!(renewed.status.success(), "{}", said(&renewed));
        assert_eq!(bench.states().await, ["revoked", "valid"]);
        let subject = openssl(&dir, &["x509", "-in", "new.crt", "-noout", "-subject", "-nameopt", "utf8"]).await;
        assert_eq!(String::from_utf8_lossy(&subject.stdout).trim(), "subject=CN=00009876543 riyousya 1635");
    }
}
