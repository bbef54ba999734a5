//! The PIN of a token: from the holder to at most one VERIFY (design §5, PIN rules).
//!
//! Tries left are read before each entry; the form is checked before the token is touched; the last
//! try is held until the holder confirms it; the same wrong PIN is not tried twice; nothing is kept
//! but a keyed digest of a wrong one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use token::{Ability, Fault, Op, Outcome, Pin, PinState, TokenId};

use crate::actor::{TokenHandle, Turn};
use crate::holder::{Holder, Question, SecretKind, Unanswered};

/// Entries asked for until a caller is told that the PIN is wrong.
const ENTRIES: usize = 3;

/// Why there is no turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    /// The token says no.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Only one try is left, and the holder did not want to risk it.
    #[error(
        "Only one try is left, and it was not confirmed. Confirm the final try, or ask for the PIN to be unblocked."
    )]
    FinalTryHeld,
    /// The holder did not answer.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Asks for PINs. Clones share what was wrong.
#[derive(Clone)]
pub struct Pins {
    shared: Arc<Shared>,
}

struct Shared {
    key: [u8; 32],
    /// The last wrong entry at each token, for as long as it is plugged in.
    wrong: Mutex<BTreeMap<TokenId, (u64, [u8; 32])>>,
}

impl Default for Pins {
    fn default() -> Self {
        Self::new()
    }
}

impl Pins {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        // Two v4 UUIDs: 244 bits of the system's randomness, for a digest that never leaves memory.
        let mut key = [0; 32];
        let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        for (place, byte) in key.iter_mut().zip(halves.iter().flat_map(|u| u.as_bytes())) {
            *place = *byte;
        }
        Self { shared: Arc::new(Shared { key, wrong: Mutex::new(BTreeMap::new()) }) }
    }

    /// Asks the holder for the PIN and begins a turn with it. A wrong or ill-formed entry is asked
    /// for again, three entries in all; each costs at most one try.
    ///
    /// # Errors
    /// [`NoTurn`].
    pub async fn unlock(
        &self,
        token: &TokenHandle,
        holder: &dyn Holder,
        mut question: Question,
    ) -> Result<Turn, NoTurn> {
        let mut last = Fault::PinRequired { left: None };
        for entry in 0..ENTRIES {
            let state = self.read(token, &mut question).await?;
            if entry > 0 {
                holder.notice("pin-wrong", &question).await;
            }
            if question.final_try {
                holder.consent(&question).await.map_err(|why| match why {
                    Unanswered::Cancelled | Unanswered::Denied => NoTurn::FinalTryHeld,
                    other => NoTurn::Unanswered(other),
                })?;
            }
            if token.info().abilities.contains(&Ability::PinPad) {
                // Nothing to type here: the keypad is the token's own.
                return Ok(token.turn(None).await?);
            }
            let pin = Pin::new(holder.secret(SecretKind::CardPin, &question).await?);
            last = match self.attempt(token, &state, pin).await {
                Ok(turn) => return Ok(turn),
                Err(fault @ (Fault::PinWrong { .. } | Fault::PinFormat { .. })) => fault,
                Err(fault) => return Err(fault.into()),
            };
        }
        Err(last.into())
    }

    /// Checks an entry and verifies it, once.
    ///
    /// # Errors
    /// [`Fault::PinFormat`] and a repeated [`Fault::PinWrong`] cost no try.
    pub async fn attempt(&self, token: &TokenHandle, state: &PinState, pin: Pin) -> Result<Turn, Fault> {
        check(state, &pin)?;
        let digest = self.digest(token, &pin);
        if self.is_known_wrong(token, &digest) {
            return Err(Fault::PinWrong { left: state.tries });
        }
        let outcome = token.turn(Some(pin)).await;
        match &outcome {
            Err(Fault::PinWrong { .. }) => self.note_wrong(token, digest),
            Ok(_) => self.forget(token),
            // Whether it was verified is not known, so whether it is wrong is not either.
            Err(_) => {}
        }
        outcome
    }

    /// Reads the tries left, and puts them into the question.
    async fn read(&self, token: &TokenHandle, question: &mut Question) -> Result<PinState, Fault> {
        let Outcome::Info(info) = token.perform(Op::ReadInfo).await? else {
            return Err(Fault::Device { detail: "ReadInfo: another outcome".to_owned() });
        };
        let state = info.pin;
        if state.blocked {
            return Err(Fault::PinBlocked);
        }
        question.tries_left = state.tries;
        question.final_try = state.final_try || state.tries == Some(1);
        question.token = Some(Arc::new(info));
        Ok(state)
    }

    /// A wrong PIN as it is remembered.
    fn digest(&self, token: &TokenHandle, pin: &Pin) -> [u8; 32] {
        let id = token.id().to_string();
        let hash = Sha256::new().chain_update(self.shared.key).chain_update(id.as_bytes()).chain_update([0]);
        hash.chain_update(pin.expose()).finalize().into()
    }

    fn is_known_wrong(&self, token: &TokenHandle, digest: &[u8; 32]) -> bool {
        let wrong = self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(token.id()).is_some_and(|(generation, known)| *generation == token.generation() && known == digest)
    }

    fn note_wrong(&self, token: &TokenHandle, digest: [u8; 32]) {
        let mut wrong = self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.insert(token.id().clone(), (token.generation(), digest));
    }

    fn forget(&self, token: &TokenHandle) {
        self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner).remove(token.id());
    }
}

/// Whether the token could take this as a PIN at all.
///
/// # Errors
/// [`Fault::PinFormat`], [`Fault::PinBlocked`].
pub fn check(state: &PinState, pin: &Pin) -> Result<(), Fault> {
    if state.blocked {
        return Err(Fault::PinBlocked);
    }
    let fits = (usize::from(state.min)..=usize::from(state.max)).contains(&pin.len());
    if fits { Ok(()) } else { Err(Fault::PinFormat { min: state.min, max: state.max }) }
}
