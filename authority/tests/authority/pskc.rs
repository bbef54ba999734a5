//! `jitsuin-authority token import` (RFC 6030), with files of python-pskc and of pskctool.

use std::path::{Path, PathBuf};
use std::process::Command;

use authority::store::tokens::{self, TokenStatus};

use crate::bench::Bench;
use crate::commands::{good, refused, run};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pskc").join(name)
}

fn import(bench: &Bench, file: &Path, more: &[&str], secrets: Option<&str>) -> std::process::Output {
    let arguments = [&["token", "import", file.to_str().unwrap()], more].concat();
    run(&bench.house.directory, &arguments, secrets)
}

async fn known(bench: &Bench, serial: &str) -> Option<TokenStatus> {
    tokens::find(bench.house.store.readers(), serial).await.unwrap().map(|token| token.status)
}

#[tokio::test]
async fn files_are_taken_with_their_key_and_whole_or_not_at_all() {
    let bench = Bench::new().await;
    let key = "pskc_key=12345678901234567890123456789012\n";
    let shared = file("shared-key.pskc");
    assert!(refused(&import(&bench, &shared, &[], Some("pskc_key=00\n"))).contains("kind or length"));
    assert!(
        refused(&import(&bench, &shared, &[], Some("pskc_key=12345678901234567890123456789013\n"))).contains("MAC")
    );
    assert!(refused(&import(&bench, &shared, &[], Some(""))).contains("pskc_key"));
    assert_eq!(known(&bench, "T-100").await, None);

    let printed = good(&import(&bench, &shared, &["--check"], Some(key)));
    assert!(
        printed.contains("token T-100 totp sha1 6 digits 60 s") && printed.contains("nothing was taken"),
        "{printed}"
    );
    assert_eq!(known(&bench, "T-100").await, None);
    let printed = good(&import(&bench, &shared, &[], Some(key)));
    assert!(printed.contains("2 tokens in stock"), "{printed}");
    assert_eq!(known(&bench, "T-101").await, Some(TokenStatus::Stock));
    assert_eq!(bench.events_of("token.import").await, 2);
    // The same serial numbers once more.
    let again = refused(&import(&bench, &file("plain.pskc"), &[], None));
    assert!(again.contains("E-EXISTS") && again.contains("T-100"), "{again}");
    assert!(refused(&import(&bench, &file("password.pskc"), &[], Some("pskc_password=wrong\n"))).contains("MAC"));
    assert!(!String::from_utf8_lossy(&import(&bench, &file("plain.pskc"), &[], None).stderr).contains("MTIz"));
}

#[tokio::test]
async fn an_import_that_was_cut_off_is_taken_up_by_doing_it_again() {
    let bench = Bench::new().await;
    good(&import(&bench, &file("plain.pskc"), &[], None));
    let intruder = bench.intruder().await;
    sqlx::query("DELETE FROM tokens WHERE token_serial = 'T-101'").execute(&intruder).await.unwrap();
    let printed = good(&import(&bench, &file("plain.pskc"), &[], None));
    assert!(printed.contains("2 tokens in stock, 1 of them new"), "{printed}");
    assert_eq!(known(&bench, "T-101").await, Some(TokenStatus::Stock));
    // Another token of that serial number, or one that somebody has, is not the same.
    sqlx::query("DELETE FROM tokens WHERE token_serial = 'T-101'").execute(&intruder).await.unwrap();
    bench.bank().assign_token("T-100", &crate::bench::contract(), None).await.unwrap();
    assert!(refused(&import(&bench, &file("plain.pskc"), &[], None)).contains("T-100"));
    assert_eq!(known(&bench, "T-101").await, None, "and nothing is taken");
}

#[tokio::test]
async fn the_makers_drift_is_kept() {
    let bench = Bench::new().await;
    let scratch = tempfile::tempdir().unwrap();
    let drifting = std::fs::read_to_string(file("plain.pskc")).unwrap().replacen(
        "</pskc:TimeInterval>",
        "</pskc:TimeInterval><pskc:TimeDrift><pskc:PlainValue>-3</pskc:PlainValue></pskc:TimeDrift>",
        1,
    );
    let path = scratch.path().join("drifting.pskc");
    std::fs::write(&path, drifting).unwrap();
    good(&import(&bench, &path, &[], None));
    let token = tokens::find(bench.house.store.readers(), "T-100").await.unwrap().unwrap();
    assert_eq!(token.state.drift, -3);
}

#[tokio::test]
async fn pskctool_agrees_and_what_it_signed_is_taken_on_the_operators_word() {
    let bench = Bench::new().await;
    let read = Command::new("pskctool").arg("--info").arg(file("plain.pskc")).output().unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.contains("SerialNo: T-100") && read.contains("SerialNo: T-101"), "{read}");
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=maker"])
        .args(["-keyout", &path("key"), "-out", &path("crt")])
        .output()
        .unwrap();
    assert!(made.status.success());
    let signed = Command::new("pskctool")
        .args(["--sign", "--sign-key", &path("key"), "--sign-crt", &path("crt")])
        .arg(file("plain.pskc"))
        .output()
        .unwrap();
    assert!(signed.status.success());
    std::fs::write(path("signed"), signed.stdout).unwrap();
    let file = PathBuf::from(path("signed"));
    let verified =
        Command::new("pskctool").args(["--verify", "--verify-crt", &path("crt")]).arg(&file).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    assert!(refused(&import(&bench, &file, &[], None)).contains("pskctool --verify"));
    good(&import(&bench, &file, &["--signature-verified"], None));
    assert_eq!(known(&bench, "T-100").await, Some(TokenStatus::Stock));
}
