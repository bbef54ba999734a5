//! The PIN: beginning and ending a turn, and changing it.
//!
//! One entry of the holder is verified once. The one exception is a key with
//! `CKA_ALWAYS_AUTHENTICATE` (§4.9): using it takes a second login of its own, so the entry *that
//! the token has just accepted* is kept, wiped, for one such login and no longer than the turn.
//! That costs no try, and an entry that was refused is never offered again.

use ::token::{Fault, Pin, PinState};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::{AuthPin, RawAuthPin};

use super::fault::{cannot, device, fault};
use super::objects;
use super::read::pin_state;
use super::token::Token;

/// A turn: the token is logged in.
#[derive(Debug)]
pub(super) struct Unlocked {
    /// For one use of a key that wants a login of its own.
    pub(super) again: Again,
}

/// What a key that wants a login for each use is logged in with.
#[derive(Debug)]
pub(super) enum Again {
    /// The holder enters it on the token's keypad, each time anew.
    Keypad,
    /// The entry that was accepted.
    Once(RawAuthPin),
    /// Nothing is left: a new turn is needed.
    Spent,
}

impl Token {
    /// Begins a turn with exactly one `C_Login`; `last`: also with the last try.
    pub(super) fn unlock(&mut self, entry: Option<&Pin>, last: bool) -> Result<(), Fault> {
        self.lock()?;
        let said = self.open.said()?;
        let state = pin_state(&said);
        if state.blocked {
            return Err(Fault::PinBlocked);
        }
        if state.is_last() && !last {
            return Err(Fault::FinalTryHeld);
        }
        let accepted = match entry {
            Some(pin) => {
                check_form(pin, &state)?;
                let secret = secret(pin);
                let verified = self.open.session()?.login_with_raw(UserType::User, &secret);
                self.judge(verified)?;
                Again::Once(secret)
            }
            None if said.protected_authentication_path() => {
                let verified = self.open.session()?.login(UserType::User, None);
                self.judge(verified)?;
                Again::Keypad
            }
            None => return Err(Fault::PinRequired { left: state.tries }),
        };
        let again = match accepted {
            Again::Once(_) if !self.has_key_with_own_login() => Again::Spent,
            other => other,
        };
        self.turn = Some(Unlocked { again });
        Ok(())
    }

    /// Ends the turn. A token that is gone counts as locked.
    pub(super) fn lock(&mut self) -> Result<(), Fault> {
        self.keys.clear();
        if self.turn.take().is_none() || !self.open.is_open() {
            return Ok(());
        }
        match self.open.session()?.logout() {
            Ok(()) | Err(Error::Pkcs11(RvError::UserNotLoggedIn, _)) => Ok(()),
            Err(_) => {
                // Closing the last session logs out as well; what comes of it is seen at the next use.
                self.open.close();
                Ok(())
            }
        }
    }

    /// Changes the PIN: one VERIFY of `entry`, inside `C_SetPIN`. Where the module does not tell what came of that, a
    /// login judges the entry before, and only a right one is offered again.
    pub(super) fn change_pin(&mut self, entry: &Pin, new: &Pin) -> Result<(), Fault> {
        let said = self.open.said()?;
        if said.protected_authentication_path() {
            return Err(cannot("take a PIN from the computer, for it has a keypad"));
        }
        let state = pin_state(&said);
        if state.blocked {
            return Err(Fault::PinBlocked);
        }
        check_form(entry, &state)?;
        check_form(new, &state)?;
        let (Some(old), Some(new)) = (text_secret(entry), text_secret(new)) else {
            return Err(Fault::PinFormat { min: state.min, max: state.max });
        };
        // A change is no turn, nor a part of one.
        self.lock()?;
        if self.open.module.maker().changes_pin_in_login_only() {
            // The holder has been asked about the last try by who asked for the change.
            self.unlock(Some(entry), true)?;
        }
        let changed = self.open.session()?.set_pin(&old, &new);
        let judged = self.judge(changed);
        self.lock()?;
        judged
    }

    /// The second login that a key with `CKA_ALWAYS_AUTHENTICATE` wants, after `C_SignInit`.
    pub(super) fn login_for_key(&mut self) -> Result<(), Fault> {
        let Some(turn) = &mut self.turn else { return Err(Fault::PinRequired { left: None }) };
        let again = match turn.again {
            Again::Keypad => Again::Keypad,
            _ => std::mem::replace(&mut turn.again, Again::Spent),
        };
        let session = self.open.session()?;
        let verified = match again {
            Again::Keypad => session.login(UserType::ContextSpecific, None),
            Again::Once(pin) => session.login_with_raw(UserType::ContextSpecific, &pin),
            Again::Spent => return Err(Fault::PinRequired { left: None }),
        };
        self.judge(verified)
    }

    /// Reads a verification's result; after a refusal, how the PIN stands now, from the flags.
    fn judge(&mut self, verified: Result<(), Error>) -> Result<(), Fault> {
        let Err(error) = verified else { return Ok(()) };
        if matches!(error, Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) {
            // Nothing was verified. Whoever logged in is logged out, so that the next entry counts.
            self.open.close();
            return Err(device("C_Login: CKR_USER_ALREADY_LOGGED_IN"));
        }
        let state = self.open.said().ok().map(|said| pin_state(&said));
        Err(match (fault(error), state) {
            (Fault::PinWrong { .. }, Some(state)) if state.blocked => Fault::PinBlocked,
            (Fault::PinWrong { .. }, Some(state)) => Fault::PinWrong { left: state.tries },
            (Fault::PinFormat { .. }, Some(PinState { min, max, .. })) => Fault::PinFormat { min, max },
            (other, _) => other,
        })
    }

    fn has_key_with_own_login(&mut self) -> bool {
        let wanted =
            [Attribute::Token(true), Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::AlwaysAuthenticate(true)];
        // A module that cannot be asked so has no such keys that we could use.
        self.open.session().is_ok_and(|session| objects::find(session, &wanted).is_ok_and(|keys| !keys.is_empty()))
    }
}

/// The form is checked before the token is touched: it spends no try.
fn check_form(pin: &Pin, state: &PinState) -> Result<(), Fault> {
    let fits = pin.len() >= usize::from(state.min) && (state.max == 0 || pin.len() <= usize::from(state.max));
    if pin.is_empty() || !fits {
        return Err(Fault::PinFormat { min: state.min, max: state.max });
    }
    Ok(())
}

/// A wiped copy in the form that the bindings take; its capacity is exact, so it never moves.
fn secret(pin: &Pin) -> RawAuthPin {
    RawAuthPin::new(Box::new(pin.expose().to_vec()))
}

fn text_secret(pin: &Pin) -> Option<AuthPin> {
    match String::from_utf8(pin.expose().to_vec()) {
        Ok(text) => Some(AuthPin::from(text)),
        Err(error) => {
            zeroize::Zeroizing::new(error.into_bytes());
            None
        }
    }
}
