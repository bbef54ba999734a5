//! A mail relay that takes the authority's notices: aiosmtpd, by the authority's own script.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::authority::Authority;
use crate::running::PATIENCE;
use crate::scratch::Scratch;
use crate::tree;

/// Who gets the notices to a contract.
pub const CONTRACTS_ADDRESS: &str = "kanri@keiyaku.example";

/// A relay; it ends with its standard input.
#[derive(Debug)]
pub struct Relay {
    process: Child,
    mails: Receiver<String>,
    port: u16,
}

impl Relay {
    /// Starts one on a port of its choice.
    ///
    /// # Panics
    /// When it says no port.
    #[must_use]
    pub fn start(scratch: &Scratch) -> Self {
        // Debian's, which has the package.
        let mut python = scratch.command("/usr/bin/python3");
        python.arg(tree::root().join("authority/tests/smtp/server.py"));
        let mut process = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the relay");
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the port");
        let port = line.trim().parse().expect("a port");
        // Taken at once, or a relay whose pipe is full takes no more mail.
        let (sender, mails) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, mails, port }
    }

    /// Has the authority tell this contract by it, in English.
    ///
    /// # Panics
    /// When the operator may not.
    pub fn serves(&self, scratch: &Scratch, authority: &mut Authority, contract: &str) {
        let relay = format!(
            "[notice]\nsmtp = \"127.0.0.1:{}\"\nsmtp-tls = \"none\"\nfrom = \"notice@bank.example\"\n",
            self.port
        );
        authority.set(scratch, &relay);
        let form = ["--contract-id", contract, "--form-reference", "F-0002"];
        let address = ["contract", "notices", "--email", CONTRACTS_ADDRESS, "--language", "en"];
        authority.operator(scratch, "", &[&address[..], &form].concat()).expect("the address");
    }

    /// The next mail whose text has all of these; the ones before it are passed over.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn mail(&self, words: &[&str]) -> String {
        loop {
            let line = self.mails.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("no mail with {words:?}: {e}"));
            let mail: Value = serde_json::from_str(&line).expect("a mail");
            let text = mail["text"].as_str().unwrap_or_default();
            if words.iter().all(|word| text.contains(word)) {
                return text.to_owned();
            }
        }
    }

    /// The stop code of the next such mail.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn stop_code(&self, words: &[&str]) -> String {
        let mail = self.mail(words);
        let code = mail.lines().find_map(|line| line.strip_prefix("Stop code: "));
        code.unwrap_or_else(|| panic!("no stop code in {mail}")).to_owned()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
