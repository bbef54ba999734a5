//! Tokens that a PKCS#11 module keeps on this machine: SoftHSM's, in files, and a TPM's.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use tests::own;
use tests::running::built;
use tests::scratch::{Scratch, output};
use tests::soft_token::{self, SoftHsm, SoftToken};
use tests::tpm::{self, Tpm};
use token::{Ability, Sighting};

use crate::subject::{Subject, Tries};

const PIN: &str = "739164";

/// A token, and whatever has to be there for it.
pub(crate) struct ModuleToken {
    module: PathBuf,
    token: SoftToken,
    for_each_pin: Option<&'static str>,
    open: Option<&'static str>,
    tries: Tries,
    adds: &'static [Ability],
    _tpm: Option<Tpm>,
}

/// One of two tokens in a store, with a key that wants the PIN each time and one that needs none.
pub(crate) fn soft_hsm(scratch: &Scratch) -> ModuleToken {
    let hsm = SoftHsm::new(scratch, "hsm");
    let _ = hsm.token("neighbour", "111111");
    let token = hsm.token("subject", PIN);
    own::tell("SOFTHSM2_CONF", &hsm.conf);
    always(hsm.pkcs11_tool(), &token);
    output(Command::new(built("open-key")).args([&token.label, "08"]));
    ModuleToken {
        module: soft_token::MODULE.into(),
        token,
        for_each_pin: Some("05"),
        open: Some("08"),
        tries: Tries::Unlimited,
        adds: &[Ability::GenerateEd25519],
        _tpm: None,
    }
}

/// One of two tokens of a TPM.
pub(crate) fn tpm(scratch: &Scratch) -> ModuleToken {
    let tpm = Tpm::managed(scratch);
    let _ = tpm.token("neighbour", "111111");
    let token = tpm.token("subject", PIN);
    always(tpm.pkcs11_tool(), &token);
    for (name, value) in tpm.environment() {
        own::tell(name, value);
    }
    ModuleToken {
        module: tpm::module(),
        token,
        for_each_pin: Some("05"),
        open: None,
        // What a TPM leaves the factory of swtpm with.
        tries: Tries::Silent(3),
        adds: &[],
        _tpm: Some(tpm),
    }
}

/// Has pkcs11-tool make a key that wants the PIN each time.
fn always(mut pkcs11_tool: Command, token: &SoftToken) {
    let made = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "05", "--label", "own", "--always-auth"];
    output(pkcs11_tool.args(["--token-label", &token.label, "--login", "--pin", &token.pin]).args(made));
}

impl Subject for ModuleToken {
    fn sighting(&self) -> Sighting {
        super::in_module(&self.module, Some(&self.token.label))
    }

    fn driver(&self) -> &'static str {
        "pkcs11"
    }

    fn pin(&self) -> &'static str {
        PIN
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        let all = [
            Ability::ChangePin,
            Ability::DeleteKey,
            Ability::GenerateP256,
            Ability::GenerateP384,
            Ability::GenerateRsa2048,
            Ability::GenerateRsa3072,
            Ability::InstallCertificate,
            Ability::Sign,
        ];
        all.into_iter().chain(self.adds.iter().copied()).collect()
    }

    fn tries(&self) -> Tries {
        self.tries
    }

    fn key_for_each_pin(&self) -> Option<&'static str> {
        self.for_each_pin
    }

    fn open_key(&self) -> Option<&'static str> {
        self.open
    }
}
