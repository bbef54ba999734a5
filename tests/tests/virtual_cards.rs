//! The virtual cards are cards, by the word of programs that we did not write.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::pcsc::{CARD_READER, Pcsc};
use tests::scratch::{Scratch, any_output, output, text};

/// The management key that cards leave the factory with.
const ADMIN: &str = "010203040506070801020304050607080102030405060708";
const OPENSC: &str = "opensc-pkcs11.so";
const YKCS11: &str = "libykcs11.so";

/// A PKCS#11 module, wherever this machine's architecture keeps it.
fn module(name: &str) -> PathBuf {
    let folder = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let path = Path::new(&folder).join(name);
    assert!(path.exists(), "{} is missing: scripts/setup --test installs it", path.display());
    path
}

fn card<'a>(scratch: &'a Scratch, model: &str) -> Pcsc<'a> {
    let pcsc = Pcsc::start(scratch, &[("reader", CARD_READER)], &[("card", model)]);
    pcsc.insert("card", "reader");
    pcsc
}

/// Runs `ykman` and yields what it printed.
fn ykman(pcsc: &Pcsc<'_>, args: &[&str]) -> String {
    output(pcsc.command("ykman").args(args))
}

/// What `pkcs11-tool -t` says of a module and the card.
fn pkcs11_test(pcsc: &Pcsc<'_>, name: &str) -> String {
    let tested =
        any_output(pcsc.command("pkcs11-tool").arg("--module").arg(module(name)).args(["-l", "-p", "123456", "-t"]));
    text(&tested.stdout) + &text(&tested.stderr)
}

#[test]
fn opensc_knows_the_cards_by_their_atrs() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    let atr = output(pcsc.command("opensc-tool").arg("--atr"));
    assert_eq!(atr.trim(), "3b:fd:13:00:00:81:31:fe:15:80:73:c0:21:c0:57:59:75:62:69:4b:65:79:40");

    let scratch = Scratch::new();
    let pcsc = card(&scratch, "piv");
    let atr = output(pcsc.command("opensc-tool").arg("--atr"));
    assert_eq!(atr.trim(), "3b:0b:76:69:72:74:75:61:6c:20:50:49:56");
    let name = output(pcsc.command("opensc-tool").arg("--name"));
    assert_eq!(name.trim(), "Personal Identity Verification Card");
}

#[test]
fn ykman_says_which_yubikey_it_is() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=5020304,firmware=5.4.3");
    let info = ykman(&pcsc, &["info"]);
    for line in ["Device type: YubiKey 5A", "Serial number: 5020304", "Firmware version: 5.4.3"] {
        assert!(info.contains(line), "{line} in\n{info}");
    }
    let info = ykman(&pcsc, &["piv", "info"]);
    for line in ["PIV version: 5.4.3", "PIN tries remaining: 3/3", "Management key algorithm: TDES"] {
        assert!(info.contains(line), "{line} in\n{info}");
    }
    assert_eq!(pcsc.counts("key").verifies, 0, "to look costs nothing");
}

#[test]
fn ykman_makes_keys_and_certificates() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    for (algorithm, slot) in [("RSA2048", "9a"), ("ECCP256", "9d"), ("ECCP384", "82")] {
        ykman(&pcsc, &["piv", "keys", "generate", "-m", ADMIN, "-a", algorithm, slot, "key.pem"]);
        ykman(&pcsc, &["piv", "certificates", "generate", "-m", ADMIN, "-P", "123456", "-s", "CN=x", slot, "key.pem"]);
        ykman(&pcsc, &["piv", "certificates", "export", slot, "certificate.pem"]);
        // Signed by itself, so this says that the card signed.
        let verified =
            output(scratch.command("openssl").args(["verify", "-CAfile", "certificate.pem", "certificate.pem"]));
        assert_eq!(verified.trim(), "certificate.pem: OK");
    }
    let info = ykman(&pcsc, &["piv", "info"]);
    assert!(info.contains("Slot 9a") && info.contains("RSA2048") && info.contains("Slot 82"), "{info}");
}

#[test]
fn ykman_imports_what_openssl_made() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    for algorithm in [&["rsa", "-pkeyopt", "rsa_keygen_bits:2048"][..], &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]]
    {
        output(scratch.command("openssl").args(["genpkey", "-out", "key.pem", "-algorithm"]).args(algorithm));
        output(scratch.command("openssl").args(["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]));
        ykman(&pcsc, &["piv", "keys", "import", "-m", ADMIN, "9a", "key.pem"]);
        ykman(
            &pcsc,
            &["piv", "certificates", "generate", "-m", ADMIN, "-P", "123456", "-s", "CN=x", "9a", "public.pem"],
        );
        ykman(&pcsc, &["piv", "certificates", "export", "9a", "certificate.pem"]);
        output(scratch.command("openssl").args(["verify", "-CAfile", "certificate.pem", "certificate.pem"]));
        let refused = any_output(pcsc.command("ykman").args(["piv", "keys", "attest", "9a", "-"]));
        assert!(!refused.status.success(), "nobody vouches for a key from outside");
    }
}

#[test]
fn ykman_changes_pin_puk_tries_and_management_key() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    ykman(&pcsc, &["piv", "access", "change-pin", "-P", "123456", "-n", "654321"]);
    ykman(&pcsc, &["piv", "access", "change-puk", "-p", "12345678", "-n", "87654321"]);
    let wrong = any_output(pcsc.command("ykman").args(["piv", "access", "change-pin", "-P", "123456", "-n", "111111"]));
    assert!(text(&wrong.stderr).contains("2 tries left"), "{}", text(&wrong.stderr));
    ykman(&pcsc, &["piv", "access", "unblock-pin", "-p", "87654321", "-n", "222222"]);
    assert!(ykman(&pcsc, &["piv", "info"]).contains("PIN tries remaining: 3/3"));
    for (algorithm, key) in [
        ("AES128", "000102030405060708090a0b0c0d0e0f"),
        ("AES256", "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"),
        ("TDES", "a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8"),
    ] {
        let old = fs::read_to_string(scratch.path().join("admin")).unwrap_or_else(|_| ADMIN.to_owned());
        let args = ["piv", "access", "change-management-key", "-f", "-m", &old, "-n", key, "-a", algorithm];
        ykman(&pcsc, &args);
        scratch.file("admin", key);
        assert!(ykman(&pcsc, &["piv", "info"]).contains(&format!("Management key algorithm: {algorithm}")));
    }
    let admin = fs::read_to_string(scratch.path().join("admin")).unwrap();
    ykman(&pcsc, &["piv", "access", "set-retries", "-f", "-m", &admin, "-P", "222222", "5", "4"]);
    assert!(ykman(&pcsc, &["piv", "info"]).contains("PIN tries remaining: 5/5"));
    ykman(&pcsc, &["piv", "reset", "-f"]);
    let info = ykman(&pcsc, &["piv", "info"]);
    assert!(info.contains("PIN tries remaining: 3/3") && info.contains("AES192"), "{info}");
}

#[test]
fn ykman_gets_the_codes_that_oathtool_gets() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for account in [&["totp"][..], &["-a", "SHA256", "-d", "8", "long"], &["-o", "HOTP", "counted"], &["-t", "touched"]]
    {
        ykman(&pcsc, &[&["oath", "accounts", "add", "-f"][..], account, &[secret]].concat());
    }
    let listed = ykman(&pcsc, &["oath", "accounts", "list"]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["counted", "long", "totp", "touched"]);
    let oathtool =
        |args: &[&str]| output(scratch.command("oathtool").args(args).args(["-b", secret])).trim().to_owned();
    // A time step may end between the two programs, but not twice.
    let agrees = |name: &str, args: &[&str]| {
        let once = || ykman(&pcsc, &["oath", "accounts", "code", "-s", name]).trim() == oathtool(args);
        once() || once()
    };
    assert!(agrees("totp", &["--totp"]));
    assert!(agrees("long", &["--totp=sha256", "-d", "8"]));
    assert!(agrees("touched", &["--totp"]));
    assert_eq!(pcsc.counts("key").touches, 1);
    // All at once: no counter moves.
    let all = ykman(&pcsc, &["oath", "accounts", "code"]);
    assert!(all.contains("[HOTP Account]") && all.contains("[Requires Touch]"), "{all}");
    for counter in ["0", "1"] {
        let code = ykman(&pcsc, &["oath", "accounts", "code", "-s", "counted"]);
        assert_eq!(code.trim(), oathtool(&["--hotp", "-c", counter]));
    }
    ykman(&pcsc, &["oath", "accounts", "delete", "-f", "long"]);

    ykman(&pcsc, &["oath", "access", "change", "-n", "sesame"]);
    let closed = any_output(pcsc.command("ykman").args(["oath", "accounts", "list", "-p", "wrong"]));
    assert!(!closed.status.success(), "{}", text(&closed.stdout));
    assert_eq!(ykman(&pcsc, &["oath", "accounts", "list", "-p", "sesame"]).lines().count(), 3);
    ykman(&pcsc, &["oath", "reset", "-f"]);
    assert_eq!(ykman(&pcsc, &["oath", "accounts", "list"]), "");
}

#[test]
fn yubico_piv_tool_gets_along_with_it() {
    let scratch = Scratch::new();
    // This version of the tool knows no AES.
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=7,management=tdes");
    let tool = |args: &[&str]| output(pcsc.command("yubico-piv-tool").args(args));
    let status = tool(&["-a", "status"]);
    assert!(status.contains("Serial Number:\t7") && status.contains("PIN tries left:\t3"), "{status}");
    tool(&["-a", "verify-pin", "-P", "123456"]);
    let wrong = any_output(pcsc.command("yubico-piv-tool").args(["-a", "verify-pin", "-P", "999999"]));
    assert!(text(&wrong.stderr).contains("2 tries left"), "{}", text(&wrong.stderr));
    for (algorithm, slot) in [("ECCP256", "9a"), ("RSA2048", "9c")] {
        tool(&["-a", "generate", "-A", algorithm, "-s", slot, "-o", "public.pem"]);
        tool(&["-a", "attest", "-s", slot, "-o", "attestation.pem"]);
        let attested = output(scratch.command("openssl").args(["x509", "-in", "attestation.pem", "-noout", "-pubkey"]));
        assert_eq!(attested, fs::read_to_string(scratch.path().join("public.pem")).unwrap(), "the key just made");
    }
    // The tool cannot sign a certificate with this OpenSSL, so OpenSSL makes it and the tool has the card sign.
    let ca = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"];
    output(scratch.command("openssl").args(ca));
    let issue = ["-subj", "/CN=x", "-CA", "ca.pem", "-CAkey", "ca.key", "-force_pubkey", "public.pem", "-out", "x.pem"];
    output(scratch.command("openssl").args(["x509", "-new"]).args(issue));
    tool(&["-a", "verify-pin", "-P", "123456", "-a", "test-signature", "-s", "9c", "-i", "x.pem"]);
    tool(&["-a", "import-certificate", "-s", "9c", "-i", "x.pem"]);
    assert_eq!(
        tool(&["-a", "read-certificate", "-s", "9c"]).trim(),
        fs::read_to_string(scratch.path().join("x.pem")).unwrap().trim()
    );
}

#[test]
fn the_attestation_is_a_chain_to_the_tests_root() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=5020304");
    let generate = ["piv", "keys", "generate", "-m", ADMIN, "-a", "ECCP256"];
    let policies = ["--pin-policy", "ALWAYS", "--touch-policy", "CACHED", "9c", "key.pem"];
    ykman(&pcsc, &[&generate[..], &policies].concat());
    ykman(&pcsc, &["piv", "keys", "attest", "9c", "attestation.pem"]);
    ykman(&pcsc, &["piv", "certificates", "export", "f9", "device.pem"]);
    scratch.file("root.pem", &virtual_card::attestation::root_pem().unwrap());
    let verify = ["verify", "-CAfile", "root.pem", "-untrusted", "device.pem", "attestation.pem"];
    assert_eq!(output(scratch.command("openssl").args(verify)).trim(), "attestation.pem: OK");
    let shown = output(scratch.command("openssl").args(["asn1parse", "-in", "attestation.pem"]));
    let value = |oid: &str| {
        let after = shown.split(oid).nth(1).unwrap_or_else(|| panic!("no {oid} in\n{shown}"));
        after.split("[HEX DUMP]:").nth(1).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(value("1.3.6.1.4.1.41482.3.3"), "050701", "firmware");
    assert_eq!(value("1.3.6.1.4.1.41482.3.7"), "02034C9A90", "serial number");
    assert_eq!(value("1.3.6.1.4.1.41482.3.8"), "0303", "PIN always, touch cached");
    assert_eq!(value("1.3.6.1.4.1.41482.3.9"), "01", "form factor");
}

#[test]
fn ykcs11_tests_it_without_errors() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:management=tdes");
    for (id, kind) in [("1", "rsa:2048"), ("2", "EC:prime256v1")] {
        let mut generate = pcsc.command("pkcs11-tool");
        generate.arg("--module").arg(module(YKCS11)).args(["-l", "--login-type", "so", "--so-pin", ADMIN]);
        output(generate.args(["--keypairgen", "--id", id, "--key-type", kind]));
    }
    let tested = pkcs11_test(&pcsc, YKCS11);
    assert!(tested.contains("No errors") && tested.contains("SHA256-RSA-PKCS: OK"), "{tested}");
}

#[test]
fn opensc_tests_it_without_errors() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:management=tdes");
    ykman(&pcsc, &["piv", "keys", "generate", "-m", ADMIN, "-a", "RSA2048", "9a", "key.pem"]);
    ykman(&pcsc, &["piv", "certificates", "generate", "-m", ADMIN, "-P", "123456", "-s", "CN=x", "9a", "key.pem"]);
    let tested = pkcs11_test(&pcsc, OPENSC);
    assert!(tested.contains("No errors") && tested.contains("SHA256-RSA-PKCS: OK"), "{tested}");
}

#[test]
fn opensc_signs_with_the_plain_card() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, "piv:serial=42");
    let tool = || {
        let mut tool = pcsc.command("pkcs11-tool");
        tool.arg("--module").arg(module(OPENSC));
        tool
    };
    let wrong = any_output(tool().args(["-l", "-p", "999999", "-O"]));
    assert!(text(&wrong.stderr).contains("CKR_PIN_INCORRECT"), "{}", text(&wrong.stderr));
    scratch.file("message", "a message");
    let sign = ["-l", "-p", "123456", "-s", "-m", "ECDSA-SHA256", "--signature-format", "openssl", "--id", "01"];
    output(tool().args(sign).args(["-i", "message", "-o", "signature"]));
    output(tool().args(["-r", "-y", "cert", "--id", "01", "-o", "certificate"]));
    let x509 = ["x509", "-inform", "der", "-in", "certificate", "-noout", "-pubkey", "-out", "public.pem"];
    output(scratch.command("openssl").args(x509));
    let verify = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "message"];
    assert_eq!(output(scratch.command("openssl").args(verify)).trim(), "Verified OK");
    output(tool().args(["--change-pin", "-l", "-p", "123456", "--new-pin", "222222"]));
    assert_eq!(pcsc.counts("card").signatures, 1);
}

#[test]
fn opensc_administers_the_plain_card() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, "piv");
    let key: Vec<&str> = (0..ADMIN.len()).step_by(2).map(|at| &ADMIN[at..at + 2]).collect();
    let key = scratch.file("admin", &key.join(":"));
    // `-G` is left out: with this OpenSSL the tool cannot write down the key that the card made.
    let make = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", "x.key", "-out", "x.pem"];
    output(scratch.command("openssl").args(make));
    let mut put = pcsc.command("piv-tool");
    put.env("PIV_EXT_AUTH_KEY", &key).args(["-A", "M:9B:03", "-C", "9D", "-i", "x.pem"]);
    // It ends with the number of bytes written for a status, which says nothing; the card does.
    any_output(&mut put);
    assert_eq!(pcsc.counts("card").writes, 1);
    let objects = output(pcsc.command("pkcs15-tool").args(["--read-certificate", "03"]));
    assert_eq!(objects.trim(), fs::read_to_string(scratch.path().join("x.pem")).unwrap().trim());
}

#[test]
fn a_bench_is_up_at_once() {
    let scratch = Scratch::new();
    let before = Instant::now();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey");
    // Printed, not judged: a test must not fail because the machine is busy.
    println!("pcscd, reader and card up after {:?}", before.elapsed());
    assert_eq!(pcsc.counts("key").power_ups, 1);
    assert!(before.elapsed() < Duration::from_secs(20));
}
