//! One open token: what it is asked, and in which state it is.

use std::collections::{BTreeSet, HashMap};

use ::token::{Ability, Device, Event, Fault, Op, Outcome, SlotId, TokenId, TokenInfo};
use cryptoki::mechanism::MechanismType;

use super::fault::{cannot, fault};
use super::identity::identity;
use super::module::Module;
use super::pin::Unlocked;
use super::read;
use super::sign::KnownKey;
use super::slot::OpenSlot;

/// A token in a slot of a module.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) open: OpenSlot,
    pub(super) mechanisms: Vec<MechanismType>,
    /// Which keys it makes; none where it cannot be written to.
    pub(super) makes: BTreeSet<Ability>,
    /// The turn under way.
    pub(super) turn: Option<Unlocked>,
    /// Private keys that were found and compared; handles of private objects die with the turn.
    pub(super) keys: HashMap<SlotId, KnownKey>,
    id: TokenId,
}

impl Token {
    /// Opens the token in a slot. No session is opened yet.
    ///
    /// # Errors
    /// [`Fault::Absent`] when none is in the slot.
    pub(super) fn open(module: Module, slot: u64) -> Result<Self, Fault> {
        let open = OpenSlot::new(module, Module::slot(slot)?);
        let id = identity(&open.said()?).ok_or(Fault::Absent)?;
        let mechanisms = open.module.context().get_mechanism_list(open.slot).map_err(fault)?;
        let makes = read::makes(&open, &mechanisms);
        Ok(Self { open, mechanisms, makes, turn: None, keys: HashMap::new(), id })
    }

    /// Refuses what would write to a token that nothing can be written to.
    fn require_writable(&self, op: &Op) -> Result<(), Fault> {
        match op {
            Op::Generate { algorithm, .. }
                if !Ability::generate(*algorithm).is_some_and(|ability| self.makes.contains(&ability)) =>
            {
                Err(cannot(&format!("be asked for {algorithm} keys")))
            }
            Op::DeleteKey { .. } if self.makes.is_empty() => Err(cannot("delete keys")),
            Op::InstallCertificate { .. } if self.makes.is_empty() => Err(cannot("take certificates")),
            _ => Ok(()),
        }
    }

    /// Refuses what changes or uses private objects when they cannot be seen: an object that is
    /// hidden must not be taken for one that is not there.
    pub(super) fn require_turn(&self) -> Result<(), Fault> {
        if self.turn.is_none() && self.open.said()?.login_required() {
            return Err(Fault::PinRequired { left: None });
        }
        Ok(())
    }

    fn dispatch(&mut self, op: &Op) -> Result<Outcome, Fault> {
        self.require_writable(op)?;
        match op {
            Op::Attest { .. } => Err(cannot("prove where a key was made")),
            Op::CalculateOtp { .. } | Op::ListOtp | Op::ProvisionOtp { .. } => Err(cannot("yield one-time passwords")),
            Op::ChangePin { old, new } => self.change_pin(old, new).map(|()| Outcome::Done),
            Op::ChangePinOnKeypad => Err(cannot("change its PIN on its own keypad")),
            Op::DeleteKey { slot, expected } => self.delete(slot, expected).map(|()| Outcome::Done),
            Op::Generate { slot, algorithm, policy, mark } => {
                self.generate(slot, *algorithm, *policy, mark).map(Outcome::Generated)
            }
            Op::InstallCertificate { slot, expected, certificate } => {
                self.install(slot, expected, certificate).map(|()| Outcome::Done)
            }
            Op::Lock => self.lock().map(|()| Outcome::Done),
            Op::ReadInfo => self.info().map(Outcome::Info),
            // C_InitPIN is the security officer's, whose PIN is no PUK: it can do more than unblock, and not every
            // module takes it for that.
            Op::ReadPuk | Op::UnblockPin { .. } | Op::UnblockPinOnKeypad => Err(cannot("unblock its PIN with a PUK")),
            Op::Sign { slot, expected, algorithm, statement } => {
                self.sign(slot, expected, *algorithm, statement).map(Outcome::Signature)
            }
            Op::Unlock { pin, last } => self.unlock(pin.as_ref(), *last).map(|()| Outcome::Done),
        }
    }

    /// Forgets all that stood for a token that is out of reach.
    pub(super) fn forget(&mut self) {
        self.keys.clear();
        self.turn = None;
        self.open.close();
    }
}

impl Device for Token {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        let read = read::info(&mut self.open, &self.mechanisms, &self.makes, self.turn.is_some());
        match read {
            Ok(info) if info.id == self.id => Ok(info),
            Ok(_) => {
                self.forget();
                Err(Fault::Changed)
            }
            Err(fault) => {
                self.forget();
                Err(fault)
            }
        }
    }

    fn perform(&mut self, op: &Op, _notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        let outcome = self.dispatch(op);
        if matches!(outcome, Err(Fault::Absent | Fault::Changed)) {
            self.forget();
        }
        outcome
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // The token is left logged out, whatever ended the work.
        let _ = self.lock();
    }
}
