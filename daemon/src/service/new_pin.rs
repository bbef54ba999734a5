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
use crate::pin::Entry;

/// New PINs that a person may propose in one request.
const MOST_PROPOSALS: u8 = 3;

/// What the holder proves with that the PIN is theirs to set.
#[derive(Debug, Clone, Copy)]
enum By {
    /// The PIN so far.
    Pin,
    /// The PUK.
    Puk,
}

impl By {
    fn act(self) -> Act<'static> {
        match self {
            Self::Pin => Act::ManagePin,
            Self::Puk => Act::UnblockPin,
        }
    }

    fn ability(self) -> Ability {
        match self {
            Self::Pin => Ability::ChangePin,
            Self::Puk => Ability::UnblockPin,
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Pin => Purpose::ChangePin,
            Self::Puk => Purpose::UnblockPin,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Pin => "change its PIN",
            Self::Puk => "unblock its PIN",
        }
    }
}

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
        room: Admission,
    ) -> Result<(), Error> {
        self.set_pin(caller, By::Pin, token, holder, room).await
    }

    /// Sets a new PIN with the PUK, whether or not the PIN is blocked: the holder enters both.
    ///
    /// # Errors
    /// As [`Service::change_pin`].
    pub async fn unblock_pin(
        &self,
        caller: &Caller,
        token: TokenHandle,
        holder: Option<Arc<dyn Holder>>,
        room: Admission,
    ) -> Result<(), Error> {
        self.set_pin(caller, By::Puk, token, holder, room).await
    }

    async fn set_pin(
        &self,
        caller: &Caller,
        by: By,
        token: TokenHandle,
        holder: Option<Arc<dyn Holder>>,
        _room: Admission,
    ) -> Result<(), Error> {
        let work = |permit| async move {
            let replace = self.replace_pin(permit, by, &token, holder);
            tokio::select! {
                biased;
                replaced = replace => replaced,
                () = token.departed() => Err(Error::TokenAbsent),
            }
        };
        self.serve(caller, by.act(), work).await
    }

    async fn replace_pin(
        &self,
        permit: Permit,
        by: By,
        token: &TokenHandle,
        own: Option<Arc<dyn Holder>>,
    ) -> Result<(), Error> {
        permit.concerns(token.id());
        if !token.info().abilities.contains(&by.ability()) {
            return Err(Error::NotSupported { what: by.what().to_owned() });
        }
        let person = self.ask(&permit.caller, own).await?;
        let question = question(by.purpose(), &permit.caller);
        let mut asking = match by {
            By::Pin => self.inner.pins.ask(token, &*person.holder, question.clone()),
            By::Puk => self.inner.pins.ask_puk(token, &*person.holder, question.clone()),
        };
        loop {
            let Entry { pin, digest, shown } = asking.next().await?;
            let on_keypad = pin.is_none();
            let op = match (by, pin) {
                (By::Pin, None) => Op::ChangePinOnKeypad,
                (By::Puk, None) => Op::UnblockPinOnKeypad,
                (_, Some(proof)) => {
                    let new = Pin::new(self.propose(by, token, &*person.holder, &question, &proof).await?);
                    // A new PIN may take minutes.
                    asking.still().await?;
                    match by {
                        By::Pin => Op::ChangePin { old: proof, new },
                        By::Puk => Op::UnblockPin { puk: proof, new },
                    }
                }
            };
            let replaced = token.perform(op).await;
            drop(shown);
            match replaced {
                Ok(Outcome::Done) => {
                    self.inner.pins.forget(token.id());
                    return Ok(());
                }
                Ok(_) => return Err(Error::Internal),
                Err(Fault::PinWrong { left } | Fault::PukWrong { left }) => asking.wrong(digest, left).await,
                Err(fault) if on_keypad && asking.is_asked_again(&fault) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// A new PIN that keeps the rules.
    async fn propose(
        &self,
        by: By,
        token: &TokenHandle,
        holder: &dyn Holder,
        question: &Question,
        proof: &Pin,
    ) -> Result<Secret, Error> {
        let mut question = question.clone();
        question.token = Some(token.info());
        let old = match by {
            By::Pin => proof.expose(),
            By::Puk => &[],
        };
        let mut proposals = 0;
        loop {
            let new = holder.secret(SecretKind::NewCardPin, &question).await?;
            let Err(bad) = check_new(&new, old, &token.info().pin) else { return Ok(new) };
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::future::BoxFuture;
    use token::{CertificateFacts, Device, Event, PinState, SlotSpace, TokenInfo};

    use super::*;
    use crate::actor::{Registries, Tokens};
    use crate::agents::Agents;
    use crate::audit::Audit;
    use crate::enrolment::{EnrolmentSettings, Enrolments};
    use crate::holder::Unanswered;
    use crate::pin::Pins;
    use crate::service::Foundation;
    use crate::service::limits::{Counted, Limits};
    use crate::service::policy::{Mode, Settings};
    use crate::worker::ModuleStates;

    /// What happened to the card, and whether another program has used up all tries but one.
    #[derive(Default)]
    struct Fate {
        last_try: AtomicBool,
        changed: AtomicBool,
    }

    struct Card(Arc<Fate>);

    impl Device for Card {
        fn info(&mut self) -> Result<TokenInfo, Fault> {
            let last = self.0.last_try.load(Ordering::SeqCst);
            let tries = Some(if last { 1 } else { 3 });
            let pin =
                PinState { initialized: true, tries, count_low: last, final_try: last, blocked: false, min: 4, max: 8 };
            Ok(TokenInfo {
                id: "test:1".parse().unwrap(),
                label: String::new(),
                model: String::new(),
                reader: String::new(),
                pin,
                abilities: BTreeSet::from([Ability::ChangePin]),
                slots: Vec::new(),
                space: SlotSpace::Free,
            })
        }

        fn perform(&mut self, op: &Op, _: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
            match op {
                Op::ReadInfo => Ok(Outcome::Info(self.info()?)),
                Op::ChangePin { .. } => {
                    self.0.changed.store(true, Ordering::SeqCst);
                    Ok(Outcome::Done)
                }
                _ => Ok(Outcome::Done),
            }
        }
    }

    /// Somebody who types these, and is slow with the new PIN.
    struct Person {
        entries: Mutex<VecDeque<&'static str>>,
        meanwhile: Option<Arc<Fate>>,
    }

    impl Holder for Person {
        fn secret<'a>(&'a self, kind: SecretKind, _: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
            if let (SecretKind::NewCardPin, Some(fate)) = (kind, &self.meanwhile) {
                fate.last_try.store(true, Ordering::SeqCst);
            }
            let entry = self.entries.lock().unwrap().pop_front();
            Box::pin(async move { entry.map(|e| Secret::new(e.into())).ok_or(Unanswered::Cancelled) })
        }

        fn consent<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
            Box::pin(async { Ok(()) })
        }

        fn choose<'a>(
            &'a self,
            _: &'a [CertificateFacts],
            _: &'a Question,
        ) -> BoxFuture<'a, Result<usize, Unanswered>> {
            Box::pin(async { Ok(0) })
        }

        fn notice<'a>(&'a self, _: &'static str, _: &'a Question) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }
    }

    async fn service(folder: &std::path::Path, tokens: &Tokens) -> Service {
        let (agents, pins) = (Agents::new(), Pins::new());
        let registries = Registries { keys: tokens.clone(), ..Registries::default() };
        let audit = Arc::new(Audit::open(&folder.join("audit.jsonl")).unwrap());
        let enrolments = Enrolments::open(
            folder.join("enrolments"),
            registries.clone(),
            Vec::new(),
            EnrolmentSettings::default(),
            Arc::new(agents.clone()),
            pins.clone(),
            audit.clone(),
        )
        .await
        .unwrap();
        Service::new(Foundation {
            agents,
            audit,
            enrolments,
            limits: Limits::default(),
            looks: tokio::sync::mpsc::channel(1).0,
            modules: ModuleStates::default(),
            pins,
            settings: Settings { mode: Mode::User { uid: 1000 }, unattended_origins: Vec::new() },
            registries,
        })
    }

    #[tokio::test]
    async fn tries_that_others_use_up_meanwhile_are_not_risked() {
        for (meanwhile, expected) in [(false, Ok(())), (true, Err(Error::PinFinalTryHeld))] {
            let folder = tempfile::tempdir().unwrap();
            let (tokens, fate) = (Tokens::new(), Arc::<Fate>::default());
            let token = tokens.adopt_blocking(Box::new(Card(fate.clone()))).await.unwrap();
            let service = service(folder.path(), &tokens).await;
            let caller = Caller::example(1000);
            let room = service.admit(&caller, Counted::Request).unwrap();
            let person = Person {
                entries: Mutex::new(VecDeque::from(["31415926", "27182818"])),
                meanwhile: meanwhile.then(|| fate.clone()),
            };
            let outcome = service.change_pin(&caller, token, Some(Arc::new(person)), room).await;
            assert_eq!(fate.changed.load(Ordering::SeqCst), expected.is_ok());
            assert_eq!(outcome, expected);
        }
    }
}
