//! Other people's tools as judges of what we make.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::scratch::{Scratch, any_output, output, text};

/// Has openssl verify a login token with an ECDSA P-256 key: the signature over `hash(origin) ‖ hash(challenge)` by
/// the key in the token's own certificate. Yields the certificate's subject as openssl prints it.
///
/// # Errors
/// What openssl said.
pub fn login_token(scratch: &Scratch, token: &Value, origin: &str, challenge: &str) -> Result<String, String> {
    let field = |name: &str| token[name].as_str().ok_or(format!("no {name} in {token}"));
    let decoded = |name: &str| BASE64_STANDARD.decode(field(name)?).map_err(|e| format!("{name}: {e}"));
    if (field("format")?, field("algorithm")?) != ("web-eid:1.0", "ES256") {
        return Err(format!("another format or algorithm: {token}"));
    }
    let folder = scratch.folder("judge");
    let path = |name: &str| folder.join(name);
    fs::write(path("certificate.der"), decoded("unverifiedCertificate")?).expect("a file");
    let hash = |name: &str, content: &str| {
        fs::write(path(name), content).expect("a file");
        any_output(scratch.command("openssl").args(["dgst", "-sha256", "-binary"]).arg(path(name))).stdout
    };
    fs::write(path("signed"), [hash("origin", origin), hash("challenge", challenge)].concat()).expect("a file");
    let raw = decoded("signature")?;
    if raw.len() != 64 {
        return Err(format!("an ES256 signature has 64 bytes, not {}", raw.len()));
    }
    let (r, s) = raw.split_at(32);
    let numbers = format!(
        "asn1 = SEQUENCE:signature\n[signature]\nr = INTEGER:0x{}\ns = INTEGER:0x{}\n",
        hex::encode(r),
        hex::encode(s)
    );
    fs::write(path("signature.conf"), numbers).expect("a file");
    let mut openssl = scratch.command("openssl");
    output(openssl.args(["asn1parse", "-noout", "-genconf"]).arg(path("signature.conf")).arg("-out").arg(path("sig")));
    let mut openssl = scratch.command("openssl");
    let key = output(openssl.args(["x509", "-inform", "DER", "-noout", "-pubkey", "-in"]).arg(path("certificate.der")));
    fs::write(path("key.pem"), key).expect("a file");
    let mut openssl = scratch.command("openssl");
    openssl.args(["dgst", "-sha256", "-verify"]).arg(path("key.pem")).arg("-signature").arg(path("sig"));
    let judgement = any_output(openssl.arg(path("signed")));
    if !judgement.status.success() {
        return Err(text(&judgement.stdout) + &text(&judgement.stderr));
    }
    let mut openssl = scratch.command("openssl");
    openssl.args(["x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "utf8", "-in"]);
    Ok(output(openssl.arg(path("certificate.der"))).trim().trim_start_matches("subject=").to_owned())
}
