//! A new PIN for a token.

use std::sync::Arc;

use token::{Ability, Fault, Op, Outcome, Pin, Secret};

use super::asking::question;
use super::pin::{BadNewPin, check_new};
use super::policy::Act;
use super::{Admission, Error, Permit, Service};
use crate::Caller;
use crate::actor::TokenHandle;
use crate::holder::{Holder, Purpose, Question, SecretKind};

/// New PINs that a person may propose in one request.
const MOST_PROPOSALS: u8 = 3;

impl Service {
    /// Changes the PIN of a token: the holder enters the old one and a new one.
    ///
    /// # Errors
    /// [`Error`]: the PIN is as it was, except after [`Error::TimedOut`] and
    /// [`Error::WorkerFailed`], which leave it open.
    pub async fn change_pin(
        &self,
        caller: &Caller,
        token: TokenHandle,
        holder: Option<Arc<dyn Holder>>,
        _room: Admission,
    ) -> Result<(), Error> {
        let work = |permit| async move {
            let change = self.replace_pin(permit, &token, holder);
            tokio::select! {
                biased;
                changed = change => changed,
                () = token.departed() => Err(Error::TokenAbsent),
            }
        };
        self.serve(caller, Act::ManagePin, work).await
    }

    /// Would unblock the PIN of a token.
    ///
    /// # Errors
    /// [`Error::NotSupported`] until a driver can: none declares the ability yet, and there is no
    /// operation for it.
    pub async fn unblock_pin(&self, caller: &Caller, token: TokenHandle) -> Result<(), Error> {
        let work = |permit: Permit| async move {
            permit.concerns(token.id());
            Err(Error::NotSupported { what: "unblock its PIN".to_owned() })
        };
        self.serve(caller, Act::ManagePin, work).await
    }

    async fn replace_pin(
        &self,
        permit: Permit,
        token: &TokenHandle,
        own: Option<Arc<dyn Holder>>,
    ) -> Result<(), Error> {
        permit.concerns(token.id());
        if !token.info().abilities.contains(&Ability::ChangePin) {
            return Err(Error::NotSupported { what: "change its PIN".to_owned() });
        }
        let person = self.ask(&permit.caller, own).await?;
        let question = question(Purpose::ChangePin, &permit.caller);
        let mut asking = self.inner.pins.ask(token, &*person.holder, question.clone());
        loop {
            let entry = asking.next().await?;
            let Some(old) = entry.pin else {
                return Err(Error::NotSupported { what: "change its PIN but on its own keypad".to_owned() });
            };
            let new = self.propose(token, &*person.holder, &question, &old).await?;
            match token.perform(Op::ChangePin { old, new: Pin::new(new) }).await {
                Ok(Outcome::Done) => {
                    self.inner.pins.forget(token.id());
                    return Ok(());
                }
                Ok(_) => return Err(Error::Internal),
                Err(Fault::PinWrong { left }) => asking.wrong(entry.digest, left).await,
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// A new PIN that keeps the rules.
    async fn propose(
        &self,
        token: &TokenHandle,
        holder: &dyn Holder,
        question: &Question,
        old: &Pin,
    ) -> Result<Secret, Error> {
        let mut question = question.clone();
        question.token = Some(token.info());
        let mut proposals = 0;
        loop {
            let new = holder.secret(SecretKind::NewCardPin, &question).await?;
            let Err(bad) = check_new(&new, old.expose(), &token.info().pin) else { return Ok(new) };
            proposals += 1;
            let (reason, error) = match bad {
                BadNewPin::Common => ("common", Error::InvalidArgument { reason: bad.to_string() }),
                BadNewPin::Length { min, max } => ("format", Error::PinFormat { min, max }),
                BadNewPin::Same => ("same", Error::InvalidArgument { reason: bad.to_string() }),
            };
            if proposals == MOST_PROPOSALS {
                return Err(error);
            }
            question.detail.insert("reason", reason.to_owned());
        }
    }
}
