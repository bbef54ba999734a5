//! The bodies of the fuzz targets: what must hold whatever a card, a token or another process says.
//!
//! They stand in one place and run in two ways. `fuzz/` runs each under libFuzzer; the tests below run each, at every
//! `make test`, over the seeds in `fuzz/seeds`, over seeds with something changed, and over arbitrary bytes. A body
//! returns, or a rule was broken.

mod uri;
mod wire;

#[cfg(test)]
mod tests;

use crate::{oath, otp_hid, piv};

/// A card that answers APDUs as it should.
pub type Honest = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// Makes a card, by the name of its model as `virtual-card` has it. The caller brings them: a driver is not built from
/// the virtual cards.
pub type Cards = fn(&str) -> Honest;

/// One target.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its seeds' folder.
    pub name: &'static str,
    body: fn(&[u8], Cards),
}

/// The targets, one line each.
pub static TARGETS: &[Target] = &[
    Target { name: "certificate", body: |bytes, _| piv::fuzzing::certificate(bytes) },
    Target { name: "hid_descriptor", body: |bytes, _| otp_hid::fuzzing::descriptor(bytes) },
    Target { name: "hid_session", body: |bytes, _| otp_hid::fuzzing::session(bytes) },
    Target { name: "oath_answers", body: |bytes, _| oath::fuzzing::answers(bytes) },
    Target { name: "oath_session", body: oath::fuzzing::session },
    Target { name: "piv_objects", body: |bytes, _| piv::fuzzing::objects(bytes) },
    Target { name: "piv_session", body: piv::fuzzing::session },
    Target { name: "tlv", body: |bytes, _| piv::fuzzing::tlv(bytes) },
    Target { name: "uri", body: |bytes, _| uri::uri(bytes) },
    Target { name: "wire", body: |bytes, _| wire::wire(bytes) },
];

/// Runs the target of that name. One that does not exist is a broken rule, too.
pub fn run(name: &str, bytes: &[u8], cards: Cards) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "there is no target {name}");
    target.into_iter().for_each(|target| (target.body)(bytes, cards));
}

/// Bytes that decide what happens, taken one after the other. When there are no more, all is zero.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// As many as there still are of so many bytes.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).unwrap_or(rest).to_vec();
        self.at += taken.len();
        taken
    }

    /// Whether nothing is left to decide by.
    pub(crate) fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let index = usize::from(self.byte()).checked_rem(all.len())?;
        all.get(index).copied()
    }
}
