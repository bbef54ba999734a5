//! The tokens.

pub(crate) mod card;
pub(crate) mod foreign;
pub(crate) mod module;

use std::path::{Path, PathBuf};

use token::{Sighting, TokenKind};

/// The slot of a module in which a token with that label is, or the first one with a token.
fn in_module(module: &Path, label: Option<&str>) -> Sighting {
    let module = drivers::pkcs11::Module::load(module).expect("the module");
    let mut sightings = module.present().expect("its slots").into_iter().map(|seen| module.sighting(seen.slot));
    let found = sightings.find(|sighting| {
        let mut device =
            drivers::driver_for(TokenKind::Keys, sighting).expect("a driver").open(sighting).expect("the token");
        label.is_none_or(|label| device.info().expect("a reading").label == label)
    });
    found.unwrap_or_else(|| panic!("the module shows no token {label:?}"))
}

/// A module, wherever this machine's architecture keeps it.
fn installed(name: &str) -> PathBuf {
    let path = PathBuf::from(format!("/usr/lib/{}-linux-gnu/{name}", std::env::consts::ARCH));
    assert!(path.exists(), "{} is missing: scripts/setup --test installs it", path.display());
    path
}
