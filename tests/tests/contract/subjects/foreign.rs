//! PIV cards, by other people's PKCS#11 modules: OpenSC's and Yubico's.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tests::own;
use tests::pcsc::{CARD_READER, Pcsc, YUBIKEY_READER};
use tests::scratch::Scratch;
use token::{Ability, Sighting};
use virtual_card::counts::Counts;

use super::card::{KEYS, PIN, insert};
use crate::subject::{Subject, Tries};

/// A card in a reader, and somebody's module.
pub(crate) struct ForeignCard<'a> {
    pcsc: Pcsc<'a>,
    module: PathBuf,
    open: Option<&'static str>,
}

/// A card of the standard, with three keys and certificates.
pub(crate) fn plain(scratch: &Scratch) -> ForeignCard<'_> {
    start(scratch, CARD_READER, &format!("piv:serial=7,{KEYS},key=9a/rsa2048"))
}

/// A YubiKey with three.
pub(crate) fn yubikey(scratch: &Scratch) -> ForeignCard<'_> {
    start(scratch, YUBIKEY_READER, &format!("yubikey:serial=5020304,{KEYS},key=9a/p384"))
}

/// The same YubiKey, by Yubico's own module, for which all keys are private.
pub(crate) fn by_ykcs11(scratch: &Scratch) -> ForeignCard<'_> {
    ForeignCard { module: super::installed("libykcs11.so"), open: None, ..yubikey(scratch) }
}

fn start<'a>(scratch: &'a Scratch, reader: &str, model: &str) -> ForeignCard<'a> {
    let pcsc = insert(scratch, reader, model);
    // Nobody's own settings, and nothing kept on the disk.
    let settings = "app default { framework pkcs15 { use_file_caching = no; } }\n";
    own::tell("OPENSC_CONF", scratch.file("opensc.conf", settings));
    ForeignCard { pcsc, module: super::installed("opensc-pkcs11.so"), open: Some("04") }
}

impl Subject for ForeignCard<'_> {
    fn sighting(&self) -> Sighting {
        super::in_module(&self.module, None)
    }

    fn driver(&self) -> &'static str {
        "pkcs11"
    }

    fn pin(&self) -> &'static str {
        PIN
    }

    /// Both write for the card's administrator only.
    fn abilities(&self) -> BTreeSet<Ability> {
        BTreeSet::from([Ability::ChangePin, Ability::Sign])
    }

    fn counts(&self) -> Option<Counts> {
        Some(self.pcsc.counts("card"))
    }

    fn tries(&self) -> Tries {
        Tries::Flagged(3)
    }

    fn key_for_each_pin(&self) -> Option<&'static str> {
        Some("02")
    }

    fn open_key(&self) -> Option<&'static str> {
        self.open
    }
}
