//! A loaded module: its slots, and what happens in them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ::token::{Fault, Sighting, TokenId};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::slot::Slot;

use super::fault::{device, fault};
use super::identity::identity;
use super::maker::Maker;
use super::raw::RawSign;

/// Slots that are read; a module that reports more is not believed.
const MAX_SLOTS: usize = 256;

/// A module that was loaded and initialized (`C_Initialize`, with locking by the operating
/// system). Clones are the same module; it stays loaded until the process ends, because few
/// modules survive being unloaded.
#[derive(Clone, Debug)]
pub struct Module {
    path: Arc<Path>,
    context: Pkcs11,
    raw: RawSign,
    maker: Maker,
}

/// A token that is present in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `CK_SLOT_ID`.
    pub slot: u64,
    /// Which token.
    pub token: TokenId,
}

/// `C_Initialize` may be called once a process.
static LOADED: Mutex<Vec<Module>> = Mutex::new(Vec::new());

impl Module {
    /// Loads and initializes the module, or yields it again.
    ///
    /// # Errors
    /// [`Fault::Device`] when it cannot be loaded or does not initialize.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.iter().find(|m| *m.path == *path) {
            return Ok(module.clone());
        }
        let context = Pkcs11::new(path).map_err(|error| match error {
            Error::LibraryLoading(reason) => device(&format!("dlopen: {reason}")),
            other => fault(other),
        })?;
        let raw = RawSign::of(path)?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(fault(error)),
        }
        let maker = Maker::of(&context);
        let module = Self { path: Arc::from(path), context, raw, maker };
        loaded.push(module.clone());
        Ok(module)
    }

    /// The tokens that are present and initialized. Reads every slot; opens none.
    ///
    /// # Errors
    /// When the slots cannot be listed. A slot that cannot be read is left out.
    pub fn present(&self) -> Result<Vec<Seen>, Fault> {
        let slots = self.context.get_slots_with_token().map_err(fault)?;
        if slots.len() > MAX_SLOTS {
            return Err(device("C_GetSlotList: more slots than can be"));
        }
        let mut seen = Vec::new();
        for slot in slots {
            match self.context.get_token_info(slot) {
                Ok(said) if said.token_initialized() => {
                    seen.extend(identity(&said).map(|token| Seen { slot: slot.id(), token }));
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(slot = slot.id(), reason = %fault(error), "slot not read"),
            }
        }
        Ok(seen)
    }

    /// Blocks until something happens in a slot (`C_WaitForSlotEvent`), and says in which.
    ///
    /// # Errors
    /// [`Fault::CannotDo`] when the module has no such events: it is then read on request only.
    pub fn wait(&self) -> Result<u64, Fault> {
        match self.context.wait_for_slot_event() {
            Ok(slot) => Ok(slot.id()),
            Err(Error::Pkcs11(RvError::FunctionNotSupported | RvError::NoEvent, _) | Error::NullFunctionPointer) => {
                Err(super::fault::cannot("tell of insertions and removals"))
            }
            Err(error) => Err(fault(error)),
        }
    }

    /// What the driver table is asked with for a slot of this module.
    #[must_use]
    pub fn sighting(&self, slot: u64) -> Sighting {
        Sighting::ModuleSlot { module: PathBuf::from(&*self.path), slot }
    }

    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    pub(super) fn maker(&self) -> Maker {
        self.maker
    }

    pub(super) fn raw(&self) -> &RawSign {
        &self.raw
    }

    pub(super) fn slot(id: u64) -> Result<Slot, Fault> {
        Slot::try_from(id).map_err(|_| Fault::Absent)
    }
}
