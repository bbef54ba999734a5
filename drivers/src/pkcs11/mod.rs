//! `pkcs11`: tokens behind a PKCS#11 module (OASIS PKCS#11 v3.1; 2.40 is enough).
//!
//! A module is foreign code: whoever calls this on a workstation does so in a worker process.

mod fault;
mod generate;
mod identity;
mod maker;
mod module;
mod objects;
mod pin;
mod raw;
mod read;
mod sign;
mod slot;
mod token;
pub mod uri;
mod write;

use ::token::{Device, Driver, Fault, Sighting};

pub use module::{Module, Seen};
pub use uri::Uri;

/// The driver's name in token names and configuration.
pub const NAME: &str = "pkcs11";

/// The driver.
#[derive(Debug)]
pub struct Pkcs11;

impl Driver for Pkcs11 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn claims(&self, sighting: &Sighting) -> bool {
        matches!(sighting, Sighting::ModuleSlot { .. })
    }

    fn open(&self, sighting: &Sighting) -> Result<Box<dyn Device + Send>, Fault> {
        match sighting {
            Sighting::ModuleSlot { module, slot } => {
                let module = Module::load(module)?;
                Ok(Box::new(token::Token::open(module, *slot)?))
            }
            _ => Err(Fault::CannotDo { what: "be opened by this driver".to_owned() }),
        }
    }
}
