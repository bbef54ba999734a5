//! PIV cards, by the driver that speaks to them itself.

use std::collections::BTreeSet;

use tests::pcsc::{CARD_READER, Pcsc, YUBIKEY_READER};
use tests::scratch::{Scratch, output};
use token::{Ability, Sighting};
use virtual_card::counts::Counts;

use crate::subject::{Subject, Tries};

/// The PIN that all virtual cards leave the factory with.
pub(super) const PIN: &str = "123456";

/// Keys that a card comes with: one that wants the PIN each time, and one that needs none.
pub(super) const KEYS: &str = "key=9c/p256,key=9e/p256";

/// A card in a reader.
pub(crate) struct PivCard<'a> {
    pub(super) pcsc: Pcsc<'a>,
    adds: Vec<Ability>,
}

/// A card of the standard, with four keys and certificates.
pub(crate) fn plain(scratch: &Scratch) -> PivCard<'_> {
    PivCard { pcsc: insert(scratch, CARD_READER, &format!("piv:serial=7,{KEYS},key=9d/rsa2048")), adds: vec![] }
}

/// A YubiKey of today.
pub(crate) fn yubikey(scratch: &Scratch) -> PivCard<'_> {
    let adds = [&YUBIKEY[..], &[Ability::DeleteKey, Ability::GenerateEd25519, Ability::GenerateRsa3072]].concat();
    PivCard { pcsc: insert(scratch, YUBIKEY_READER, &format!("yubikey:serial=5020304,{KEYS}")), adds }
}

/// A YubiKey of yesterday, which neither deletes keys nor knows the longer RSA ones.
pub(crate) fn yubikey_5_4(scratch: &Scratch) -> PivCard<'_> {
    let model = format!("yubikey:serial=5020304,firmware=5.4.3,{KEYS}");
    PivCard { pcsc: insert(scratch, YUBIKEY_READER, &model), adds: YUBIKEY.to_vec() }
}

/// A YubiKey whose owner has chosen a management key and keeps it to himself: nobody else writes to it.
pub(crate) fn yubikey_kept(scratch: &Scratch) -> PivCard<'_> {
    let model = format!("yubikey:serial=5020304,{KEYS},key=9a/p256");
    let card = PivCard { pcsc: insert(scratch, YUBIKEY_READER, &model), adds: vec![Ability::Attest] };
    change_management_key(&card.pcsc, &["--new-management-key", "a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8"]);
    card
}

/// A YubiKey that gives its management key out against the PIN.
pub(crate) fn yubikey_protected(scratch: &Scratch) -> PivCard<'_> {
    let card = yubikey(scratch);
    change_management_key(&card.pcsc, &["--generate", "--protect", "--pin", PIN]);
    card
}

fn change_management_key(pcsc: &Pcsc<'_>, how: &[&str]) {
    let change = ["piv", "access", "change-management-key", "--force", "--algorithm", "AES192"];
    let factory = "010203040506070801020304050607080102030405060708";
    output(pcsc.command("ykman").args(change).args(["--management-key", factory]).args(how));
    pcsc.tell("forget card");
}

/// What all YubiKeys here can do beyond the standard's cards.
const YUBIKEY: [Ability; 6] = [
    Ability::Attest,
    Ability::GenerateP256,
    Ability::GenerateP384,
    Ability::GenerateRsa2048,
    Ability::InstallCertificate,
    Ability::KeyPolicy,
];

/// A card in the only reader, for this process too.
pub(super) fn insert<'a>(scratch: &'a Scratch, reader: &str, model: &str) -> Pcsc<'a> {
    let pcsc = Pcsc::start(scratch, &[("reader", reader)], &[("card", model)]);
    pcsc.adopt();
    pcsc.insert("card", "reader");
    pcsc
}

impl Subject for PivCard<'_> {
    fn sighting(&self) -> Sighting {
        Sighting::Card { reader: self.pcsc.reader("reader").to_owned() }
    }

    fn driver(&self) -> &'static str {
        "piv"
    }

    fn pin(&self) -> &'static str {
        PIN
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        [Ability::ChangePin, Ability::Sign, Ability::UnblockPin].into_iter().chain(self.adds.iter().copied()).collect()
    }

    fn counts(&self) -> Option<Counts> {
        Some(self.pcsc.counts("card"))
    }

    fn tries(&self) -> Tries {
        Tries::Counted(3)
    }

    fn key_for_each_pin(&self) -> Option<&'static str> {
        Some("9c")
    }

    fn open_key(&self) -> Option<&'static str> {
        Some("9e")
    }
}
