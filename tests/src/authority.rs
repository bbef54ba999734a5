//! `jitsuin-authority` on a loopback port, and the bank operator's hand on it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};

use crate::otp::{Kind, OtpToken};
use crate::running::{Running, built, wait_for};
use crate::scratch::{Scratch, any_output, fed_output, output, text};

/// 金融機関コード of the manual's example.
pub const INSTITUTION: &str = "1635";

/// An authority of the test's own.
#[derive(Debug)]
pub struct Authority {
    /// Its folder: CA, database, settings.
    pub folder: PathBuf,
    /// `https://localhost:<port>`, where it is and what its logins are for.
    pub origin: String,
    /// SHA-256 of its root certificate, hexadecimal.
    pub fingerprint: String,
    /// Its root certificate, PEM.
    pub root: PathBuf,
    /// Its issuing certificate, PEM.
    pub issuing: PathBuf,
    /// The process.
    pub running: Running,
    _port: OwnedFd,
}

impl Authority {
    /// Sets it up and starts it.
    #[must_use]
    pub fn start(scratch: &Scratch) -> Self {
        let (held, port) = held_port();
        let (folder, origin) = (scratch.path().join("authority"), format!("https://localhost:{port}"));
        let mut init = scratch.command(built("jitsuin-authority"));
        init.args(["init", "--institution-code", INSTITUTION, "--origin", &origin, "--listen"]);
        let said = output(init.arg(format!("127.0.0.1:{port}")).arg("--dir").arg(&folder));
        let fingerprint =
            said.lines().find_map(|l| l.strip_prefix("root sha256 ")).expect("the fingerprint").to_owned();
        let (root, issuing) = (folder.join("ca/root.crt"), folder.join("ca/issuing.crt"));
        let running = Self::serve(scratch, &folder, &[]);
        let authority = Self { folder, origin, fingerprint, root, issuing, running, _port: held };
        authority.wait(scratch);
        authority
    }

    /// Starts it again, after it was ended or killed, with this environment besides.
    pub fn again(&mut self, scratch: &Scratch, environment: &[(&str, &str)]) {
        self.running = Self::serve(scratch, &self.folder, environment);
        self.wait(scratch);
    }

    /// Puts these sections (TOML) in the place of the settings that they name, and starts it again.
    pub fn set(&mut self, scratch: &Scratch, sections: &str) {
        let file = self.folder.join("authority.toml");
        let read = |text: &str| text.parse::<toml::Table>().expect("settings");
        let mut settings = read(&std::fs::read_to_string(&file).expect("the settings"));
        for (section, values) in read(sections) {
            let place = settings.get_mut(&section).and_then(toml::Value::as_table_mut).expect("a section");
            place.extend(values.as_table().expect("values").clone());
        }
        std::fs::write(&file, settings.to_string()).expect("the settings");
        assert!(self.running.end().success(), "{}", self.running.printed());
        self.again(scratch, &[]);
    }

    fn serve(scratch: &Scratch, folder: &std::path::Path, environment: &[(&str, &str)]) -> Running {
        let mut serve = scratch.command(built("jitsuin-authority"));
        serve.arg("serve").arg("--dir").arg(folder).envs(environment.iter().copied());
        Running::start(scratch, "authority", &serve)
    }

    fn wait(&self, scratch: &Scratch) {
        wait_for("the authority", || self.curl(scratch, "/healthz", &[]).map(drop).ok());
    }

    /// curl at one of its doors: POST with these form fields, GET without any.
    ///
    /// # Errors
    /// What curl said; an HTTP error is not one.
    pub fn curl(&self, scratch: &Scratch, path: &str, fields: &[(&str, &str)]) -> Result<String, String> {
        let mut curl = scratch.command("curl");
        curl.args(["--silent", "--show-error", "--cacert"]).arg(&self.root);
        for (name, value) in fields {
            curl.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let done = any_output(curl.arg(format!("{}{path}", self.origin)));
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// A command of the bank operator's, with these secrets (`name=value` lines) on its standard input.
    ///
    /// # Errors
    /// What it said.
    pub fn operator(&self, scratch: &Scratch, secrets: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = scratch.command(built("jitsuin-authority"));
        command.args(arguments).arg("--dir").arg(&self.folder);
        if !secrets.is_empty() {
            command.arg("--secrets-stdin");
        }
        let done = fed_output(&mut command, secrets);
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stdout) + &text(&done.stderr)) }
    }

    /// Opens a contract with its two PINs and its administrator. Yields the administrator's acquisition code.
    pub fn open_contract(&self, scratch: &Scratch, contract: &str, pin: &str, confirm_pin: &str) -> String {
        let secrets = format!("contract_pin={pin}\ncontract_confirm_pin={confirm_pin}\n");
        self.operator(scratch, &secrets, &["contract", "open", "--contract-id", contract]).expect("the contract");
        let administrator = ["administrator", "add", "--contract-id", contract, "--form-reference", "F-0001"];
        let said = self.operator(scratch, "", &administrator).expect("the administrator");
        said.lines().find_map(|l| l.strip_prefix("acquisition code ")).expect("the acquisition code").to_owned()
    }

    /// Registers a user with a user PIN and an OTP token.
    pub fn add_user(&self, scratch: &Scratch, contract: &str, user: &str, pin: &str, otp: &OtpToken) {
        let ok = |secrets: &str, arguments: &[&str]| drop(self.operator(scratch, secrets, arguments).expect("done"));
        ok(&format!("user_pin={pin}\n"), &["user", "add", "--contract-id", contract, "--user-id", user]);
        let kind = if otp.kind == Kind::Hotp { "hotp" } else { "totp" };
        let secret = format!("secret={}\n", otp.secret());
        ok(&secret, &["token", "add", "--serial", &otp.serial, "--kind", kind]);
        ok("", &["token", "assign", "--serial", &otp.serial, "--contract-id", contract, "--user-id", user]);
    }
}

/// A free loopback port that stays this test's own, through every restart of the server that listens on it.
///
/// A socket that is bound and does not listen holds it: Linux gives a bound port to nobody who asks for any port, as
/// the other tests and all connections that go out do, and lets a second socket that names it listen when both allow
/// reuse, which servers do.
fn held_port() -> (OwnedFd, u16) {
    let held = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    sockopt::set_socket_reuseaddr(&held, true).expect("reuse");
    bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = getsockname(&held).ok().and_then(|a| SocketAddr::try_from(a).ok()).expect("its address");
    (held, address.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_held_port_is_for_who_names_it_and_allows_reuse() {
        let (_held, port) = held_port();
        let stranger = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        assert!(bind(&stranger, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).is_err());
        for _start in 0..2 {
            // The standard library allows reuse, as tokio does.
            drop(TcpListener::bind(("127.0.0.1", port)).unwrap());
        }
    }
}
