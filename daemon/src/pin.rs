//! The PIN of a token, and its PUK: from the holder to at most one VERIFY (design §5, PIN rules).
//!
//! The holder is told the tries left; the token looks at them again before it verifies the entry, so
//! the last try is held until the holder confirms it; the form is checked before the token is touched;
//! the same wrong PIN is not tried twice; nothing is kept but keyed digests of wrong ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use token::{Ability, Fault, Op, Outcome, Pin, PinState, TokenId, TokenInfo};

use crate::actor::{TokenHandle, Turn};
use crate::holder::{Holder, Question, SecretKind, Standing, Unanswered};

/// Entries asked for until a caller is told that the PIN is wrong.
const MOST_ENTRIES: usize = 3;

/// Wrong entries remembered per token; a token blocks long before.
const MOST_WRONG: usize = 16;

/// Why there is no turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    /// The token says no.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Only one try is left, and the holder did not want to risk it.
    #[error(
        "Only one try is left, and it was not confirmed. Confirm the final try, or ask the administrator for help."
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
    /// It never leaves this process.
    key: [u8; 32],
    wrong: Mutex<BTreeMap<TokenId, Wrong>>,
}

/// The wrong entries at one token, for as long as it is plugged in: another hand may change its PIN
/// elsewhere.
struct Wrong {
    generation: u64,
    digests: Vec<[u8; 32]>,
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
    /// A token that had all its tries when it was last read is not read before the holder is asked:
    /// should another program have spent them meanwhile, the token holds the last one by itself.
    ///
    /// # Errors
    /// [`NoTurn`].
    pub async fn unlock(&self, token: &TokenHandle, holder: &dyn Holder, question: Question) -> Result<Turn, NoTurn> {
        let mut asking = self.ask(token, holder, question);
        loop {
            let Entry { pin, digest, shown } = asking.entry().await?;
            let on_keypad = pin.is_none();
            let turn = match asking.last_confirmed {
                true => token.turn_at_last_try(pin).await,
                false => token.turn(pin).await,
            };
            drop(shown);
            match turn {
                Ok(turn) => {
                    self.forget(token.id());
                    return Ok(turn);
                }
                Err(Fault::PinWrong { left }) => asking.wrong(digest, left).await,
                // Nothing was verified. The holder is asked whether to risk it, and then for the entry again.
                Err(Fault::FinalTryHeld) => asking.reads = true,
                Err(fault) if on_keypad && asking.is_asked_again(&fault) => {}
                // Whether it was verified is not known, so whether it is wrong is not either.
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Begins to ask for one token's PIN, for callers that verify it otherwise than by a turn.
    #[must_use]
    pub fn ask<'a>(&self, token: &'a TokenHandle, holder: &'a dyn Holder, question: Question) -> Asking<'a> {
        self.asking(Code::Pin, token, holder, question)
    }

    /// Begins to ask for one token's PUK, by the same rules.
    #[must_use]
    pub fn ask_puk<'a>(&self, token: &'a TokenHandle, holder: &'a dyn Holder, question: Question) -> Asking<'a> {
        self.asking(Code::Puk, token, holder, question)
    }

    fn asking<'a>(
        &self,
        code: Code,
        token: &'a TokenHandle,
        holder: &'a dyn Holder,
        mut question: Question,
    ) -> Asking<'a> {
        question.token = Some(token.info());
        Asking {
            pins: self.clone(),
            code,
            token,
            holder,
            question,
            entries: 0,
            reads: false,
            last_confirmed: false,
            failure: code.wrong(None),
        }
    }

    /// Forgets what was wrong at this token: its PIN and PUK were right, or are others now.
    pub fn forget(&self, token: &TokenId) {
        self.wrong().remove(token);
    }

    /// A wrong entry as it is remembered.
    fn digest(&self, token: &TokenHandle, code: Code, pin: &Pin) -> [u8; 32] {
        // Every length is a valid key length for HMAC (RFC 2104).
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.shared.key) else { return [0; 32] };
        mac.update(token.id().to_string().as_bytes());
        mac.update(&[0, code as u8]);
        mac.update(pin.expose());
        mac.finalize().into_bytes().into()
    }

    fn is_known_wrong(&self, token: &TokenHandle, digest: &[u8; 32]) -> bool {
        let wrong = self.wrong();
        let known = wrong.get(token.id()).filter(|w| w.generation == token.generation());
        known.is_some_and(|w| w.digests.contains(digest))
    }

    fn note_wrong(&self, token: &TokenHandle, digest: [u8; 32]) {
        let mut wrong = self.wrong();
        let fresh = || Wrong { generation: token.generation(), digests: Vec::new() };
        let known = wrong.entry(token.id().clone()).or_insert_with(fresh);
        if known.generation != token.generation() {
            *known = fresh();
        }
        if known.digests.len() >= MOST_WRONG {
            known.digests.remove(0);
        }
        known.digests.push(digest);
    }

    fn wrong(&self) -> MutexGuard<'_, BTreeMap<TokenId, Wrong>> {
        self.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Pin,
    Puk,
}

impl Code {
    fn secret(self) -> SecretKind {
        match self {
            Self::Pin => SecretKind::CardPin,
            Self::Puk => SecretKind::Puk,
        }
    }

    fn blocked(self) -> Fault {
        match self {
            Self::Pin => Fault::PinBlocked,
            Self::Puk => Fault::PukBlocked,
        }
    }

    fn wrong(self, left: Option<u8>) -> Fault {
        match self {
            Self::Pin => Fault::PinWrong { left },
            Self::Puk => Fault::PukWrong { left },
        }
    }

    /// Whether the token could take this entry at all.
    fn check(self, state: &PinState, entry: &Pin) -> Result<(), Fault> {
        match (check(state, entry), self) {
            (Err(Fault::PinBlocked), _) => Err(self.blocked()),
            (Err(Fault::PinFormat { min, max }), Self::Puk) => Err(Fault::PukFormat { min, max }),
            (checked, _) => checked,
        }
    }
}

/// The entry of one token's PIN or PUK within one request.
pub struct Asking<'a> {
    pins: Pins,
    code: Code,
    token: &'a TokenHandle,
    holder: &'a dyn Holder,
    question: Question,
    entries: usize,
    /// The token is read before each question, whatever it said when it was last read.
    reads: bool,
    last_confirmed: bool,
    /// What the end of all entries is reported as.
    failure: Fault,
}

/// An entry that may be verified, once.
pub struct Entry {
    /// `None` where the token has its own keypad.
    pub pin: Option<Pin>,
    /// How it is remembered if it is wrong.
    pub digest: [u8; 32],
    /// What the holder is told until it has been verified.
    pub shown: Standing,
}

impl Asking<'_> {
    /// Asks until there is an entry worth a try: of the right form, not known to be wrong, and not
    /// the last try unless the holder wants to risk it. The entry may have taken minutes, so the
    /// tries left are read again after it.
    ///
    /// # Errors
    /// [`NoTurn`]; after three entries, why the last one was no good.
    pub async fn next(&mut self) -> Result<Entry, NoTurn> {
        self.reads = true;
        let entry = self.entry().await?;
        if entry.pin.is_some() {
            self.look().await?;
        }
        Ok(entry)
    }

    /// The same for who verifies by a turn, in which the token looks at the tries itself.
    async fn entry(&mut self) -> Result<Entry, NoTurn> {
        loop {
            let state = self.glance().await?;
            if self.entries == MOST_ENTRIES {
                return Err(self.failure.clone().into());
            }
            self.entries += 1;
            if self.token.info().abilities.contains(&Ability::PinPad) {
                // Nothing to type here: the keypad is the token's own, or its reader's.
                let shown = self.holder.standing("pin-pad", &self.question).await;
                return Ok(Entry { pin: None, digest: [0; 32], shown });
            }
            let kind = match self.token.info().abilities.contains(&Ability::CalculateOtp) {
                true => SecretKind::AccessCode,
                false => self.code.secret(),
            };
            let pin = Pin::new(self.holder.secret(kind, &self.question).await?);
            if let Err(fault) = self.code.check(&state, &pin) {
                self.again("format", fault);
                continue;
            }
            let digest = self.pins.digest(self.token, self.code, &pin);
            if self.pins.is_known_wrong(self.token, &digest) {
                self.again("same", self.code.wrong(state.tries));
                continue;
            }
            return Ok(Entry { pin: Some(pin), digest, shown: Standing::default() });
        }
    }

    /// Learns that an entry was wrong, and tells the holder.
    pub async fn wrong(&mut self, digest: [u8; 32], left: Option<u8>) {
        self.pins.note_wrong(self.token, digest);
        self.again("wrong", self.code.wrong(left));
        self.question.tries_left = left;
        let notice = match self.code {
            Code::Pin => "pin-wrong",
            Code::Puk => "puk-wrong",
        };
        self.holder.notice(notice, &self.question).await;
    }

    /// Looks once more, for callers that let time pass after the entry: another program may have used
    /// up the tries, and the last one is not spent by who did not risk it.
    ///
    /// # Errors
    /// [`NoTurn`]; nobody is asked.
    pub async fn still(&self) -> Result<(), NoTurn> {
        let (state, _) = self.state().await?;
        if state.is_last() && !self.last_confirmed { Err(NoTurn::FinalTryHeld) } else { Ok(()) }
    }

    /// Whether the keypad did not take an entry, which is then to be made again: no try was used.
    pub fn is_asked_again(&mut self, fault: &Fault) -> bool {
        let reason = match fault {
            Fault::NewPinsDiffer => "differ",
            Fault::PinFormat { .. } => "format",
            _ => return false,
        };
        self.again(reason, fault.clone());
        true
    }

    fn again(&mut self, reason: &'static str, failure: Fault) {
        self.question.detail.insert("reason", reason.to_owned());
        self.failure = failure;
    }

    /// The state as the token was last read; it is read again where anything was amiss then.
    async fn glance(&mut self) -> Result<PinState, NoTurn> {
        let info = self.token.info();
        let state = info.pin;
        if self.reads || self.code == Code::Puk || state.count_low || state.blocked || state.is_last() {
            return self.look().await;
        }
        self.question.tries_left = state.tries;
        self.question.final_try = false;
        self.question.token = Some(info);
        Ok(state)
    }

    /// How what is asked for stands, and the token with it; no try is spent.
    async fn state(&self) -> Result<(PinState, Arc<TokenInfo>), NoTurn> {
        let (state, info) = match self.code {
            Code::Pin => match self.token.perform(Op::ReadInfo).await? {
                Outcome::Info(info) => (info.pin, Arc::new(info)),
                _ => return Err(Fault::Device { detail: "ReadInfo: another outcome".to_owned() }.into()),
            },
            Code::Puk => match self.token.perform(Op::ReadPuk).await? {
                Outcome::Tries(tries) => {
                    let info = self.token.info();
                    // A PUK has as many characters as a PIN.
                    let (blocked, final_try) = (tries == Some(0), tries == Some(1));
                    (PinState { tries, blocked, final_try, count_low: false, ..info.pin }, info)
                }
                _ => return Err(Fault::Device { detail: "ReadPuk: another outcome".to_owned() }.into()),
            },
        };
        if state.blocked { Err(self.code.blocked().into()) } else { Ok((state, info)) }
    }

    /// Reads the state into the question; before the last try, the holder confirms it.
    async fn look(&mut self) -> Result<PinState, NoTurn> {
        let (state, info) = self.state().await?;
        self.question.tries_left = state.tries.or(state.final_try.then_some(1));
        self.question.final_try = state.is_last();
        self.question.token = Some(info);
        if self.question.final_try && !self.last_confirmed {
            self.holder.consent(&self.question).await.map_err(|why| match why {
                Unanswered::Cancelled | Unanswered::Denied => NoTurn::FinalTryHeld,
                other => NoTurn::Unanswered(other),
            })?;
            self.last_confirmed = true;
        }
        Ok(state)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use futures_util::future::BoxFuture;
    use proptest::prelude::*;
    use token::{CertificateFacts, Device, Event, Secret, SlotSpace, TokenInfo};

    use super::*;
    use crate::actor::Tokens;
    use crate::holder::Purpose;

    const RIGHT: &str = "739164";

    /// What happened to a card.
    struct Fate {
        left: AtomicU8,
        puk: AtomicU8,
        verifies: AtomicUsize,
    }

    /// A card of three tries for its PIN and as many for its PUK, which is the same; it counts both.
    struct Card(Arc<Fate>);

    impl Device for Card {
        fn info(&mut self) -> Result<TokenInfo, Fault> {
            let left = self.0.left.load(Ordering::SeqCst);
            let pin = PinState {
                initialized: true,
                tries: Some(left),
                count_low: left < 3,
                final_try: left == 1,
                blocked: left == 0,
                min: 4,
                max: 8,
            };
            Ok(TokenInfo {
                id: "test:1".parse().unwrap(),
                label: String::new(),
                model: String::new(),
                reader: String::new(),
                pin,
                abilities: BTreeSet::from([Ability::UnblockPin]),
                slots: Vec::new(),
                space: SlotSpace::Free,
            })
        }

        fn perform(&mut self, op: &Op, _: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
            match op {
                Op::Unlock { pin, last } => {
                    let left = match self.0.left.load(Ordering::SeqCst) {
                        1 if !last => return Err(Fault::FinalTryHeld),
                        left => left,
                    };
                    self.0.verifies.fetch_add(1, Ordering::SeqCst);
                    if left == 0 {
                        return Err(Fault::PinBlocked);
                    }
                    if pin.as_ref().is_some_and(|p| p.expose() == RIGHT.as_bytes()) {
                        self.0.left.store(3, Ordering::SeqCst);
                        return Ok(Outcome::Done);
                    }
                    self.0.left.store(left - 1, Ordering::SeqCst);
                    Err(Fault::PinWrong { left: Some(left - 1) })
                }
                Op::ReadInfo => Ok(Outcome::Info(self.info()?)),
                Op::ReadPuk => Ok(Outcome::Tries(Some(self.0.puk.load(Ordering::SeqCst)))),
                Op::UnblockPin { puk, .. } => {
                    self.0.verifies.fetch_add(1, Ordering::SeqCst);
                    if puk.expose() == RIGHT.as_bytes() {
                        return Ok(Outcome::Done);
                    }
                    let left = self.0.puk.load(Ordering::SeqCst).saturating_sub(1);
                    self.0.puk.store(left, Ordering::SeqCst);
                    Err(Fault::PukWrong { left: Some(left) })
                }
                _ => Ok(Outcome::Done),
            }
        }
    }

    /// A person with a list of entries, who risks the last try or not.
    struct Person {
        entries: Mutex<Vec<&'static str>>,
        typed: AtomicUsize,
        risks: bool,
    }

    impl Person {
        fn new(entries: &[&'static str], risks: bool) -> Self {
            let entries = entries.iter().rev().copied().collect();
            Self { entries: Mutex::new(entries), typed: AtomicUsize::new(0), risks }
        }
    }

    impl Holder for Person {
        fn secret<'a>(&'a self, _: SecretKind, _: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
            let entry = self.entries.lock().unwrap().pop();
            self.typed.fetch_add(usize::from(entry.is_some()), Ordering::SeqCst);
            Box::pin(async move { entry.map(|e| Secret::new(e.into())).ok_or(Unanswered::Cancelled) })
        }

        fn consent<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
            assert!(question.final_try && question.tries_left == Some(1));
            Box::pin(async { if self.risks { Ok(()) } else { Err(Unanswered::Denied) } })
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

    async fn card() -> (Pins, TokenHandle, Arc<Fate>) {
        let fate = Arc::new(Fate { left: AtomicU8::new(3), puk: AtomicU8::new(3), verifies: AtomicUsize::new(0) });
        let token = Tokens::new().adopt_blocking(Box::new(Card(fate.clone()))).await.unwrap();
        (Pins::new(), token, fate)
    }

    async fn unlock(pins: &Pins, token: &TokenHandle, person: &Person) -> Result<(), NoTurn> {
        pins.unlock(token, person, Question::new(Purpose::Login)).await.map(drop)
    }

    #[tokio::test]
    async fn the_last_try_is_held_until_it_is_confirmed() {
        let (pins, token, fate) = card().await;
        let careful = Person::new(&["1111", "2222", "3333"], false);
        assert_eq!(unlock(&pins, &token, &careful).await, Err(NoTurn::FinalTryHeld));
        assert_eq!(fate.verifies.load(Ordering::SeqCst), 2);
        assert_eq!(unlock(&pins, &token, &careful).await, Err(NoTurn::FinalTryHeld));
        assert_eq!(
            (fate.verifies.load(Ordering::SeqCst), careful.typed.load(Ordering::SeqCst)),
            (2, 2),
            "nothing is typed"
        );
        assert_eq!(unlock(&pins, &token, &Person::new(&[RIGHT], true)).await, Ok(()));
        assert_eq!(fate.verifies.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_try_that_others_made_the_last_one_is_held_too() {
        for (risks, expected, verified) in [(false, Err(NoTurn::FinalTryHeld), 0), (true, Ok(()), 1)] {
            let (pins, token, fate) = card().await;
            fate.left.store(1, Ordering::SeqCst);
            assert_eq!(token.info().pin.tries, Some(3), "nobody has read it since");
            assert_eq!(unlock(&pins, &token, &Person::new(&[RIGHT, RIGHT], risks)).await, expected);
            assert_eq!(fate.verifies.load(Ordering::SeqCst), verified);
        }
    }

    #[tokio::test]
    async fn the_puk_is_asked_for_by_the_same_rules() {
        let (pins, token, fate) = card().await;
        let unblock = async |person: &Person| {
            let mut asking = pins.ask_puk(&token, person, Question::new(Purpose::UnblockPin));
            loop {
                let entry = asking.next().await?;
                asking.still().await?;
                let (puk, new) = (entry.pin.unwrap(), Pin::new(Secret::new(b"246802".to_vec())));
                match token.perform(Op::UnblockPin { puk, new }).await {
                    Err(Fault::PukWrong { left }) => asking.wrong(entry.digest, left).await,
                    other => return other.map(drop).map_err(NoTurn::from),
                }
            }
        };
        let clumsy = Person::new(&["1", "111111", "111111"], true);
        assert_eq!(unblock(&clumsy).await, Err(Fault::PukWrong { left: Some(2) }.into()));
        assert_eq!(fate.verifies.load(Ordering::SeqCst), 1, "neither the short one nor the same one was tried");
        let careful = Person::new(&["222222", RIGHT], false);
        assert_eq!(unblock(&careful).await, Err(NoTurn::FinalTryHeld));
        assert_eq!((fate.verifies.load(Ordering::SeqCst), careful.typed.load(Ordering::SeqCst)), (2, 1));
        let reckless = Person::new(&["333333", RIGHT], true);
        assert_eq!(unblock(&reckless).await, Err(Fault::PukBlocked.into()));
        assert_eq!((fate.verifies.load(Ordering::SeqCst), reckless.typed.load(Ordering::SeqCst)), (3, 1));
    }

    #[tokio::test]
    async fn wrong_entries_are_remembered_until_the_right_one() {
        let (pins, token, fate) = card().await;
        let stubborn = Person::new(&["1111", "1111", "1111", RIGHT], true);
        assert_eq!(unlock(&pins, &token, &stubborn).await, Err(Fault::PinWrong { left: Some(2) }.into()));
        assert_eq!(fate.verifies.load(Ordering::SeqCst), 1);
        assert_eq!(unlock(&pins, &token, &stubborn).await, Ok(()));
        assert_eq!(unlock(&pins, &token, &Person::new(&["1111"], true)).await, Err(Unanswered::Cancelled.into()));
        assert_eq!(fate.verifies.load(Ordering::SeqCst), 3, "the PIN may be another one since");
    }

    #[tokio::test]
    async fn a_blocked_pin_is_not_asked_for() {
        let (pins, token, fate) = card().await;
        let reckless = Person::new(&["1111", "2222", "3333"], true);
        assert_eq!(unlock(&pins, &token, &reckless).await, Err(Fault::PinBlocked.into()));
        let nobody = Person::new(&["4444"], true);
        assert_eq!(unlock(&pins, &token, &nobody).await, Err(Fault::PinBlocked.into()));
        assert_eq!((fate.verifies.load(Ordering::SeqCst), nobody.typed.load(Ordering::SeqCst)), (3, 0));
    }

    proptest! {
        /// Threat 1: whatever is asked and however often, there are at most as many VERIFYs as
        /// entries by a person, and without a confirmation the card is never blocked.
        #[test]
        fn verifies_are_entries(
            sessions in proptest::collection::vec(
                (proptest::collection::vec(prop_oneof![
                    Just("1111"), Just("2222"), Just("3333"), Just("12"), Just("123456789"), Just(RIGHT),
                ], 0..5), any::<bool>()),
                1..8,
            ),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (pins, token, fate) = card().await;
                let (mut typed, mut risked) = (0, false);
                for (entries, risks) in &sessions {
                    let person = Person::new(entries, *risks);
                    let _ = unlock(&pins, &token, &person).await;
                    typed += person.typed.load(Ordering::SeqCst);
                    risked |= *risks;
                    assert!(fate.verifies.load(Ordering::SeqCst) <= typed);
                }
                assert!(risked || !token.info().pin.blocked);
            });
        }
    }
}
