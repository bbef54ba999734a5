//! A CA that is not ours, made by openssl: certificates of any name and time for keys that are on a token.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running::built;
use crate::scratch::{Scratch, output};
use crate::soft_token::{SoftHsm, SoftToken};

/// openssl's files for it.
#[derive(Debug)]
pub struct ForeignCa {
    key: PathBuf,
    /// Its certificate, PEM.
    pub certificate: PathBuf,
}

impl ForeignCa {
    /// Makes one.
    #[must_use]
    pub fn new(scratch: &Scratch) -> Self {
        let (key, certificate) = (scratch.path().join("foreign-ca.key"), scratch.path().join("foreign-ca.pem"));
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Foreign CA"];
        output(openssl(scratch).args(["req", "-x509"]).args(ec).arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        Self { key, certificate }
    }

    /// Generates a key that signs without a PIN, and gives it a certificate of this name for `days` (less than 0:
    /// expired).
    pub fn open_key(&self, scratch: &Scratch, hsm: &SoftHsm, token: &SoftToken, id: &str, name: &str, days: i32) {
        output(Command::new(built("open-key")).env("SOFTHSM2_CONF", &hsm.conf).args([&token.label, id]));
        self.certify(scratch, hsm, token, id, name, days);
    }

    /// Generates a key that signs with the token's PIN, and gives it a certificate.
    pub fn key(&self, scratch: &Scratch, hsm: &SoftHsm, token: &SoftToken, id: &str, name: &str, days: i32) {
        let login = ["--token-label", &token.label, "--login", "--pin", &token.pin];
        output(hsm.pkcs11_tool().args(login).args(["--keypairgen", "--key-type", "EC:prime256v1", "--id", id]));
        self.certify(scratch, hsm, token, id, name, days);
    }

    fn certify(&self, scratch: &Scratch, hsm: &SoftHsm, token: &SoftToken, id: &str, name: &str, days: i32) {
        let public = scratch.path().join("public.der");
        let on_token = ["--token-label", &token.label, "--login", "--pin", &token.pin, "--id", id];
        output(hsm.pkcs11_tool().args(on_token).args(["--read-object", "--type", "pubkey", "-o"]).arg(&public));
        let leaf = self.issue(scratch, &public, name, days);
        output(hsm.pkcs11_tool().args(on_token).args(["--type", "cert", "--write-object"]).arg(&leaf));
    }

    /// Makes a certificate (DER) of this name for a public key in some file.
    #[must_use]
    pub fn issue(&self, scratch: &Scratch, public: &Path, name: &str, days: i32) -> PathBuf {
        let leaf = scratch.path().join("leaf.der");
        let usage = scratch.file("usage", "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n");
        let mut make = openssl(scratch);
        make.args(["x509", "-new", "-subj", &format!("/CN={name}"), "-days", &days.to_string(), "-outform", "DER"]);
        make.arg("-force_pubkey").arg(public).arg("-extfile").arg(usage).arg("-out").arg(&leaf);
        output(make.arg("-CA").arg(&self.certificate).arg("-CAkey").arg(&self.key));
        leaf
    }
}

fn openssl(scratch: &Scratch) -> Command {
    scratch.command("openssl")
}
