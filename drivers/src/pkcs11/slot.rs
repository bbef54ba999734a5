//! The session kept on a slot.

use ::token::Fault;
use cryptoki::error::{Error, RvError};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};

use super::fault::fault;
use super::module::Module;

/// A slot and the one session kept open on it: opening one costs as much as twenty signatures.
#[derive(Debug)]
pub(super) struct OpenSlot {
    pub(super) module: Module,
    pub(super) slot: Slot,
    session: Option<Session>,
}

impl OpenSlot {
    pub(super) fn new(module: Module, slot: Slot) -> Self {
        Self { module, slot, session: None }
    }

    /// The session, opened now if there is none. It can write where the token lets it.
    pub(super) fn session(&mut self) -> Result<&Session, Fault> {
        let session = match self.session.take() {
            Some(session) => session,
            None => match self.module.context().open_rw_session(self.slot) {
                Err(Error::Pkcs11(RvError::TokenWriteProtected, _)) => {
                    self.module.context().open_ro_session(self.slot).map_err(fault)?
                }
                other => other.map_err(fault)?,
            },
        };
        Ok(self.session.insert(session))
    }

    /// Closes the session. Closing the last one of a token also logs out (§5.6.7).
    pub(super) fn close(&mut self) {
        self.session = None;
    }

    /// Whether a session is open.
    pub(super) fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// The token's description of itself.
    pub(super) fn said(&self) -> Result<TokenInfo, Fault> {
        self.module.context().get_token_info(self.slot).map_err(fault)
    }
}
