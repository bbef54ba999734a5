//! A SoftHSM token, as an HSM vendor's tools and OpenSC's see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scratch::{Scratch, output};

/// SoftHSM's module, where Debian installs it.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// One SoftHSM store of the test's own, with the tokens made in it.
#[derive(Debug)]
pub struct SoftHsm {
    /// The folder of the store.
    pub store: PathBuf,
    /// What `SOFTHSM2_CONF` says.
    pub conf: PathBuf,
}

/// A token in the store.
#[derive(Debug, Clone)]
pub struct SoftToken {
    /// Its label.
    pub label: String,
    /// Its serial, as the module reports it.
    pub serial: String,
    /// The user's PIN.
    pub pin: String,
}

impl SoftHsm {
    /// An empty store in the scratch folder.
    #[must_use]
    pub fn new(scratch: &Scratch, name: &str) -> Self {
        let store = scratch.folder(&format!("{name}-store"));
        let conf = scratch.file(
            &format!("{name}.conf"),
            &format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", store.display()),
        );
        Self { store, conf }
    }

    /// Makes a token with this label and PIN.
    pub fn token(&self, label: &str, pin: &str) -> SoftToken {
        let so_pin = "12345678";
        output(Command::new("softhsm2-util").env("SOFTHSM2_CONF", &self.conf).args([
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            pin,
            "--so-pin",
            so_pin,
        ]));
        let serial = self.serial_of(label);
        SoftToken { label: label.to_owned(), serial, pin: pin.to_owned() }
    }

    /// pkcs11-tool over this store.
    #[must_use]
    pub fn pkcs11_tool(&self) -> Command {
        let mut command = Command::new("pkcs11-tool");
        command.env("SOFTHSM2_CONF", &self.conf).args(["--module", MODULE]);
        command
    }

    /// What `pkcs11-tool -O` says of a token's objects, the PIN given.
    #[must_use]
    pub fn objects(&self, token: &SoftToken) -> String {
        output(self.pkcs11_tool().args(["--token-label", &token.label, "--login", "--pin", &token.pin, "-O"]))
    }

    /// Blocks of `objects` that begin with a kind: `Private Key Object`, `Public Key Object`, `Certificate Object`.
    #[must_use]
    pub fn objects_of_kind(&self, token: &SoftToken, kind: &str) -> Vec<String> {
        let mut blocks: Vec<String> = Vec::new();
        for line in self.objects(token).lines() {
            if line.starts_with(' ') {
                if let Some(block) = blocks.last_mut() {
                    block.push_str(line.trim());
                    block.push('\n');
                }
            } else {
                blocks.push(format!("{line}\n"));
            }
        }
        blocks.retain(|block| block.starts_with(kind));
        blocks
    }

    /// Takes a token out of its reader: what was in the store goes elsewhere, until [`SoftHsm::insert`].
    pub fn pull(&self) {
        fs::rename(&self.store, self.aside()).expect("the store moves away");
        fs::create_dir(&self.store).expect("an empty store");
    }

    /// Puts it back.
    pub fn insert(&self) {
        fs::remove_dir(&self.store).expect("the empty store");
        fs::rename(self.aside(), &self.store).expect("the store comes back");
    }

    fn aside(&self) -> PathBuf {
        self.store.with_extension("pulled")
    }

    fn serial_of(&self, label: &str) -> String {
        let slots = output(self.pkcs11_tool().arg("--list-token-slots"));
        let mut labelled = false;
        for line in slots.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            match key.trim() {
                "token label" => labelled = value.trim() == label,
                "serial num" if labelled => return value.trim().to_owned(),
                _ => {}
            }
        }
        panic!("no token {label} in\n{slots}")
    }
}

/// Whether a folder holds a byte string anywhere, and where.
#[must_use]
pub fn find_bytes(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(find_bytes(&path, needle)),
            Ok(kind)
                if kind.is_file()
                    && fs::read(&path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|w| w == needle)) =>
            {
                found.push(path);
            }
            _ => {}
        }
    }
    found
}
