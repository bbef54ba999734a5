//! Somebody else's server: the example of `jitsuin-verify` runs as it is, beside a real authority, a real daemon and
//! SoftHSM. A stranger's program fetches the revocation list with curl, as the example says.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::PathBuf;

use tests::running::{Running, built, wait_for};
use tests::scratch::{any_output, output, text};
use tests::world::{CONTRACT, USER, World};

const SHOP: &str = "https://shop.example";

/// The example server, and the browser that comes to it.
struct Shop<'a> {
    world: &'a World,
    address: String,
    list: PathBuf,
    leaf: PathBuf,
    _running: Running,
}

/// A challenge, and the cookie of the session that it was given to.
struct Given {
    challenge: String,
    cookie: String,
}

impl<'a> Shop<'a> {
    fn open(world: &'a World) -> Self {
        let scratch = &world.scratch;
        let (list, leaf) = (scratch.path().join("list.crl"), scratch.path().join("leaf.der"));
        let mut server = scratch.command(built("examples/relying_party"));
        server.args([SHOP, tests::authority::INSTITUTION]).arg(&world.authority.root).arg(&world.authority.issuing);
        let running = Running::start(scratch, "shop", server.arg(&list).arg("127.0.0.1:0"));
        let address = wait_for("the shop", || {
            running.printed().lines().find_map(|line| line.strip_prefix("listening on ")).map(str::to_owned)
        });
        Self { world, address, list, leaf, _running: running }
    }

    /// curl at the server: status and body, with the header in front.
    fn ask(&self, path: &str, cookie: &str, body: &str) -> (String, String) {
        let mut curl = self.world.scratch.command("curl");
        curl.args(["--silent", "--show-error", "--include", "--data-binary", body]);
        if !cookie.is_empty() {
            curl.args(["--cookie", cookie]);
        }
        let answer = output(curl.arg(format!("http://{}{path}", self.address)));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a header");
        (head.to_owned(), body.to_owned())
    }

    fn challenge(&self) -> Given {
        let (head, challenge) = self.ask("/challenge", "", "");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        assert!(cookie.contains("; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        Given { challenge, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// The user's token for this challenge, by the daemon and the card.
    fn token(&self, origin: &str, given: &Given) -> String {
        self.world.by(&self.world.user, &["login", "--token-only", origin, &given.challenge]).ok().out
    }

    /// `Ok` with who logged in, or the reason why not.
    fn bring(&self, given: &Given, token: &str) -> Result<String, String> {
        let (head, body) = self.ask("/login", &given.cookie, token);
        match head.split(' ').nth(1) {
            Some("200") => Ok(body),
            Some("403") => Err(body),
            _ => panic!("{head}"),
        }
    }

    /// A whole login.
    fn log_in(&self) -> Result<String, String> {
        let given = self.challenge();
        let token = self.token(SHOP, &given);
        self.bring(&given, &token)
    }

    /// What was made with the key that the user has now is kept for later, when the daemon refuses to sign.
    fn prepare(&self) -> (Given, String) {
        let given = self.challenge();
        let token = self.token(SHOP, &given);
        (given, token)
    }

    /// Fetches the list from where the certificate says, and yields it.
    fn fetch(&self, token: &str) -> Vec<u8> {
        let scratch = &self.world.scratch;
        let token: serde_json::Value = serde_json::from_str(token).unwrap();
        let certificate = token["unverifiedCertificate"].as_str().unwrap();
        let der = scratch.file("leaf.base64", certificate);
        output(scratch.command("openssl").args(["base64", "-d", "-A", "-in"]).arg(der).arg("-out").arg(&self.leaf));
        let mut openssl = scratch.command("openssl");
        openssl.args(["x509", "-inform", "DER", "-noout", "-ext", "crlDistributionPoints", "-in"]);
        let points = output(openssl.arg(&self.leaf));
        let url =
            points.split("URI:").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a point").to_owned();
        let mut curl = scratch.command("curl");
        curl.args(["--silent", "--show-error", "--fail", "--cacert"]).arg(&self.world.authority.root);
        output(curl.arg("--output").arg(&self.list).arg(url));
        std::fs::read(&self.list).unwrap()
    }

    /// Puts a list there that the CA signed so many hours ago and that is good for a week: nobody waits for a day.
    fn stale(&self, hours: i64) {
        let scratch = &self.world.scratch;
        let ca = self.world.authority.folder.join("ca");
        scratch.file("index", "");
        scratch.file("number", "01\n");
        scratch.file("ca.conf", "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n[crl]\nauthorityKeyIdentifier=keyid\n");
        let date = |hours: i64| {
            let mut date = scratch.command("date");
            output(date.args(["--utc", "--date", &format!("{hours} hours"), "+%Y%m%d%H%M%SZ"])).trim().to_owned()
        };
        let mut openssl = scratch.command("openssl");
        openssl.current_dir(scratch.path()).args(["ca", "-gencrl", "-config", "ca.conf", "-crlexts", "crl"]);
        openssl.args(["-crl_lastupdate", &date(-hours), "-crl_nextupdate", &date(7 * 24), "-out", "stale.pem"]);
        output(openssl.arg("-cert").arg(ca.join("issuing.crt")).arg("-keyfile").arg(ca.join("issuing.key")));
        let mut openssl = scratch.command("openssl");
        openssl.current_dir(scratch.path()).args(["crl", "-in", "stale.pem", "-outform", "DER", "-out"]);
        output(openssl.arg(&self.list));
    }
}

#[test]
fn the_example_server_lets_in_whom_it_should() {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    let shop = Shop::open(&world);
    let good = Ok(format!("{CONTRACT} {USER} {}", tests::authority::INSTITUTION));
    let refused = |said: Result<String, String>, reason: &str| {
        let said = said.expect_err(reason);
        assert!(said.contains(reason), "{said} has not {reason}");
    };

    // Without a list nobody is let in, and the challenge is left alone.
    let (given, token) = shop.prepare();
    refused(shop.bring(&given, &token), "No such file");
    let fresh = shop.fetch(&token);
    assert_eq!(shop.bring(&given, &token), good);
    refused(shop.bring(&given, &token), "there is no challenge for this login, or it was used");
    assert_eq!(shop.log_in(), good, "with another challenge");

    // Another browser's challenge, and no session at all.
    let (given, token) = shop.prepare();
    refused(shop.bring(&shop.challenge(), &token), "does not fit the certificate, the origin and the challenge");
    let nobody = Given { cookie: String::new(), ..shop.challenge() };
    refused(shop.bring(&nobody, &token), "there is no challenge");
    assert_eq!(shop.bring(&given, &token), good, "nobody else uses it up");

    // Signed for another origin, as a shop that passes challenges on would have it.
    let given = shop.challenge();
    let token = shop.token("https://evil.example", &given);
    refused(shop.bring(&given, &token), "does not fit the certificate, the origin and the challenge");

    // A signature that somebody changed, and what is no token.
    let (given, token) = shop.prepare();
    let mut tampered: serde_json::Value = serde_json::from_str(&token).unwrap();
    let signature = tampered["signature"].as_str().unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    tampered["signature"] = format!("{other}{}", &signature[1..]).into();
    refused(shop.bring(&given, &tampered.to_string()), "does not fit the certificate, the origin and the challenge");
    refused(shop.bring(&given, &token), "there is no challenge"); // used up by whoever tried
    for rubbish in ["{}", "null", "\u{7f}", &"[".repeat(20_000)] {
        refused(shop.bring(&shop.challenge(), rubbish), "not an authentication token of the format web-eid:1.0");
    }

    // Lists: too old, forged, another file.
    shop.stale(25);
    refused(shop.log_in(), "there is no evidence, or none that is young enough");
    shop.stale(23);
    assert_eq!(shop.log_in(), good, "a list that was made within the day");
    let mut forged = fresh.clone();
    *forged.last_mut().unwrap() ^= 1;
    std::fs::write(&shop.list, &forged).unwrap();
    refused(shop.log_in(), "the evidence that the certificate is not revoked is not sound");
    std::fs::write(&shop.list, b"no list").unwrap();
    refused(shop.log_in(), "the revocation list cannot be read");

    // On hold, back, and at its end. The daemon signs until it learns of that, so the tokens are made before.
    std::fs::write(&shop.list, &fresh).unwrap();
    let (given, token) = shop.prepare();
    let (later, after) = (shop.prepare(), shop.prepare());
    let _ = world.by(&world.administrator, &["admin", "suspend", USER, "--reason", "suspicion"]).ok();
    let held = shop.fetch(&token);
    assert_ne!(held, fresh);
    refused(shop.bring(&given, &token), "the certificate is suspended");
    let form = ["--contract-id", CONTRACT, "--user-id", USER, "--form-reference", "F-9"];
    world.authority.operator(&world.scratch, "", &[&["certificate", "reinstate"], &form[..]].concat()).unwrap();
    let _ = shop.fetch(&token);
    assert_eq!(shop.bring(&later.0, &later.1), good);
    let revoke = ["admin", "certificate", USER, "--choice", "revoke", "--reason", "stolen"];
    let _ = world.by(&world.administrator, &revoke).ok();
    let _ = shop.fetch(&token);
    refused(shop.bring(&after.0, &after.1), "the certificate was revoked");

    // It still serves.
    let mut curl = world.scratch.command("curl");
    let lost =
        any_output(curl.args(["--silent", "--write-out", "%{http_code}"]).arg(format!("http://{}/", shop.address)));
    assert!(text(&lost.stdout).ends_with("404"), "{lost:?}");
}
