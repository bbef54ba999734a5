//! The world around the machine: token, authority, journal, memory, and all that can happen.

use std::collections::HashMap;

use enrol::journal::Journal;
use enrol::machine::server::{Applicant, Decision, Inquiry, Stage, Transaction, decide};
use enrol::machine::{Action, Event, Issued, Knowledge, Machine, Need, Observation, Record, State};
use token::Refusal;

use crate::things::{FOREIGN, Key, OLD, Place, THINGS, TORN};

/// A way to break the world around the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A key is made before the journal says that it will be.
    ActBeforeJournal,
    /// Cancelling throws the work away, as the manual's system did.
    CancelDiscards,
    /// The old key goes as soon as the new certificate is installed.
    DeleteOldEarly,
    /// The new key takes the old one's place.
    KeygenInPlace,
    /// Whatever token is plugged in counts as ours.
    NoIdentityCheck,
    /// The authority does not know a request again.
    NonIdempotentServer,
    /// A key that was found in the slot is overwritten.
    OverwriteFoundKey,
    /// The authority revokes the old certificate when it issues the new one.
    RevokeOnIssue,
    /// The authority lets a confirmed certificate be given up.
    VoidAfterConfirm,
}

impl Mutation {
    pub(crate) const ALL: [Self; 9] = [
        Self::ActBeforeJournal,
        Self::CancelDiscards,
        Self::DeleteOldEarly,
        Self::KeygenInPlace,
        Self::NoIdentityCheck,
        Self::NonIdempotentServer,
        Self::OverwriteFoundKey,
        Self::RevokeOnIssue,
        Self::VoidAfterConfirm,
    ];

    /// The invariant that must notice.
    pub(crate) fn breaks(self) -> &'static str {
        match self {
            Self::DeleteOldEarly | Self::KeygenInPlace | Self::RevokeOnIssue | Self::VoidAfterConfirm => "I1",
            Self::CancelDiscards | Self::NonIdempotentServer => "I3",
            Self::ActBeforeJournal | Self::OverwriteFoundKey => "I6",
            Self::NoIdentityCheck => "I7",
        }
    }
}

/// Everything that is, at one moment. Records and machines are numbers of [`Tables`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The journal: what an older copy of it could be, each further along than the one before; the
    /// last is how it stands.
    history: Vec<u32>,
    /// The daemon's memory; `None` while it does not run.
    memory: Option<Memory>,
    plug: Plug,
    /// Old key, spare slot, next spare slot.
    places: [Place; 3],
    /// What the authority has on our transaction.
    bound: Option<(Key, Stage)>,
    certificates: u8,
    old_valid: bool,
    proven: bool,
    made: u8,
    foreign_came: bool,
    rolled_back: bool,
    /// The OTP was mistyped, or a proof failed.
    mishap: bool,
    destroyed: bool,
    wrote_elsewhere: bool,
    /// The transaction under way is not the one the authority opened the issue for.
    lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Memory {
    machine: u32,
    entries: bool,
    question: bool,
    signed: Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Plug {
    Nothing,
    Other,
    Ours,
}

/// How an arrow counts for I3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The holder gives it up.
    Abandon,
    /// It happens to people; nobody may depend on it, nor on its not happening.
    Chance,
    /// It will happen if nothing else does.
    Fair,
    /// An OTP beyond the one that the transaction is bound to.
    NewOtp,
}

pub(crate) struct Arrow {
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) to: World,
}

/// Records, machines and journals by number, so that a world is small and quick to compare.
#[derive(Default)]
pub(crate) struct Tables {
    records: Numbered<Record>,
    machines: Numbered<Machine>,
    restored: HashMap<Vec<u32>, u32>,
}

struct Numbered<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> u32 {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap();
        self.all.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }

    fn thing(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
}

impl Tables {
    pub(crate) fn first(&mut self) -> World {
        let machine = Machine::begin(THINGS.order.clone());
        let record = self.records.number(machine.record().clone());
        let memory = Memory { machine: self.machines.number(machine), entries: false, question: false, signed: 0 };
        World {
            history: vec![record],
            memory: Some(memory),
            plug: Plug::Ours,
            places: [Place { key: OLD, certificate: OLD }, Place::default(), Place::default()],
            bound: None,
            certificates: 0,
            old_valid: true,
            proven: false,
            made: 0,
            foreign_came: false,
            rolled_back: false,
            mishap: false,
            destroyed: false,
            wrote_elsewhere: false,
            lost: false,
        }
    }

    pub(crate) fn state<'a>(&'a self, world: &World) -> &'a State {
        self.durable(world).state()
    }

    fn durable<'a>(&'a self, world: &World) -> &'a Record {
        self.records.thing(*world.history.last().unwrap())
    }

    /// What a daemon finds that starts now: the journal goes through the real codec, with half of
    /// one more entry at its end.
    fn restore(&mut self, world: &World) -> u32 {
        if let Some(known) = self.restored.get(&world.history) {
            return *known;
        }
        let mut journal = Journal::new();
        let mut bytes = Journal::head();
        for number in &world.history {
            let record = self.records.thing(*number).clone();
            let entry = journal.encode(&record).unwrap();
            bytes.extend(&entry);
            journal.appended(record, &entry);
        }
        let torn = journal.encode(&journal.records[0]).unwrap();
        bytes.extend(&torn[..torn.len() / 2]);
        let read = Journal::read(&bytes).expect("a torn tail is no damage");
        assert_eq!(read.records, journal.records);
        let machine = self.machines.number(Machine::restore(read.records.last().unwrap().clone()));
        self.restored.insert(world.history.clone(), machine);
        machine
    }

    fn machine(&self, memory: Memory) -> &Machine {
        self.machines.thing(memory.machine)
    }

    fn with_machine(&mut self, world: &World, change: impl FnOnce(&mut Machine)) -> World {
        let mut world = world.clone();
        if let Some(memory) = &mut world.memory {
            let mut machine = self.machines.thing(memory.machine).clone();
            change(&mut machine);
            memory.machine = self.machines.number(machine);
        }
        world
    }

    /// Writes the record of an event and takes it over.
    fn record(&mut self, world: &World, event: Event) -> World {
        let machine = self.machine(world.memory.unwrap());
        let record = machine.apply(event).expect("the machine asks for what its state allows");
        let rank = record.state().rank();
        let number = self.records.number(record.clone());
        let mut world = self.with_machine(world, |machine| machine.commit(record));
        while world.history.last().is_some_and(|last| self.records.thing(*last).state().rank() >= rank) {
            world.history.pop();
        }
        world.history.push(number);
        world
    }

    fn learn(&mut self, world: &World, knowledge: Knowledge) -> World {
        self.with_machine(world, |machine| machine.learn(knowledge))
    }

    /// All that can happen next.
    pub(crate) fn arrows(&mut self, world: &World, mutation: Option<Mutation>) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        self.daemon(world, mutation, &mut arrows);
        self.chances(world, mutation, &mut arrows);
        if world.plug != Plug::Ours {
            arrows.push(fair("our token put back", World { plug: Plug::Ours, ..world.clone() }));
        }
        if let Some((key, Stage::Bound)) = world.bound {
            let mut to = world.clone();
            to.bound = Some((key, Stage::Issued));
            to.certificates += 1;
            arrows.push(fair("the authority issues", to));
        }
        arrows
    }

    fn daemon(&mut self, world: &World, mutation: Option<Mutation>, arrows: &mut Vec<Arrow>) {
        let Some(memory) = world.memory else {
            let machine = self.restore(world);
            let memory = Some(Memory { machine, entries: false, question: false, signed: 0 });
            arrows.push(fair("restart", World { memory, ..world.clone() }));
            return;
        };
        let machine = self.machine(memory).clone();
        if machine.record().paused() {
            arrows.push(fair("the holder resumes", self.record(world, Event::Resume)));
        } else if machine.state().may_pause() {
            let discards = mutation == Some(Mutation::CancelDiscards)
                && matches!(machine.state(), State::Certificate { .. } | State::Installing { .. });
            let to = if discards { self.thrown_away(world) } else { self.record(world, Event::Pause) };
            arrows.push(Arrow { label: "the holder cancels", kind: Kind::Chance, to });
        }
        if machine.state().may_abandon() {
            let to = self.record(world, Event::Abandon);
            arrows.push(Arrow { label: "the holder abandons", kind: Kind::Abandon, to });
        }
        let info = match world.plug {
            Plug::Nothing => None,
            Plug::Ours => Some(THINGS.token(true, &world.places)),
            Plug::Other => Some(THINGS.token(mutation == Some(Mutation::NoIdentityCheck), &[Place::default(); 3])),
        };
        let action = machine.next(&Observation {
            token: info.as_ref(),
            // nothing is typed where the old key signs
            entries: memory.entries || crate::RENEWS,
            question: memory.question,
            signed: memory.signed != 0,
            now: 0,
        });
        let action = match action {
            // Time passes, and nothing else happens.
            Action::Wait(Need::Grace { until }) => machine.next(&Observation {
                token: info.as_ref(),
                entries: false,
                question: false,
                signed: false,
                now: until,
            }),
            action => action,
        };
        if let Some(arrow) = self.mutated(world, &machine, &action, mutation) {
            arrows.push(arrow);
            return;
        }
        self.act(world, memory, &machine, action, mutation, arrows);
    }

    /// One step of the machine, carried out.
    fn act(
        &mut self,
        world: &World,
        memory: Memory,
        machine: &Machine,
        action: Action,
        mutation: Option<Mutation>,
        arrows: &mut Vec<Arrow>,
    ) {
        // A write to whatever is plugged in.
        let elsewhere = |label| fair(label, World { wrote_elsewhere: true, ..world.clone() });
        match action {
            Action::Record(event) => arrows.push(fair("record", self.record(world, event))),
            Action::AskTerms => {
                arrows.push(fair("page 1", self.record(world, Event::Terms(THINGS.terms()))));
            }
            Action::AskEntries => {
                let mut to = world.clone();
                to.memory = Some(Memory { entries: true, ..memory });
                let accepted = world.bound.is_some_and(|(_, stage)| stage != Stage::Abandoned);
                let kind = if accepted { Kind::NewOtp } else { Kind::Fair };
                arrows.push(Arrow { label: "the holder types the OTP", kind, to });
            }
            Action::Generate { slot, .. } if world.plug == Plug::Ours => {
                let place = THINGS.place(&slot);
                assert_eq!(world.places[place].key, 0, "generation only into an empty slot");
                if world.made < 3 {
                    let mut to = world.clone();
                    to.made += 1;
                    to.places[place] = Place { key: to.made, certificate: 0 };
                    if mutation == Some(Mutation::KeygenInPlace) {
                        to.places[0] = Place::default();
                    }
                    arrows.push(fair("generate", to));
                }
            }
            Action::SignQuestion { by } if world.plug == Plug::Ours => {
                assert_eq!(world.places[THINGS.place(&by.slot)].key, THINGS.number(&by.public_key), "the old key");
                let mut to = world.clone();
                to.memory = Some(Memory { question: true, ..memory });
                arrows.push(fair("sign the question", to));
            }
            Action::SignRequest { key, by } if world.plug == Plug::Ours => {
                assert_eq!(by.is_some(), crate::RENEWS, "the old key signs a renewal, and nothing else");
                if let Some(by) = by {
                    assert_eq!(world.places[THINGS.place(&by.slot)].key, THINGS.number(&by.public_key), "the old key");
                }
                let signed = THINGS.number(&key.public_key);
                assert_eq!(world.places[THINGS.place(&key.slot)].key, signed);
                let mut to = match machine.state() {
                    State::KeyReady { .. } => self.record(world, Event::Signed),
                    _ => world.clone(),
                };
                if let Some(memory) = &mut to.memory {
                    memory.signed = signed;
                }
                arrows.push(fair("sign the request", to));
            }
            Action::Submit => self.submit(world, memory, machine, mutation, arrows),
            Action::AskAuthority | Action::Poll => {
                let knowledge = self.query(world, mutation);
                let to = self.learn(world, knowledge);
                arrows.push(fair("ask the authority", to));
            }
            Action::Install { key, certificate } if world.plug == Plug::Ours => {
                let place = THINGS.place(&key.slot);
                assert_eq!(world.places[place].key, THINGS.number(&key.public_key), "beside its own key");
                let mut to = world.clone();
                to.places[place].certificate = certificate[0];
                arrows.push(fair("write the certificate", to.clone()));
                to.places[place].certificate = TORN;
                arrows.push(Arrow { label: "a torn write", kind: Kind::Chance, to });
            }
            Action::Prove { key, .. } if world.plug == Plug::Ours => {
                let place = world.places[THINGS.place(&key.slot)];
                assert_eq!((place.key, place.certificate), (place.certificate, THINGS.number(&key.public_key)));
                let mut to = self.record(world, Event::Proved);
                to.proven = true;
                arrows.push(fair("prove", to));
                if !world.mishap {
                    let mut to = self.record(world, Event::ProofFailed);
                    to.mishap = true;
                    arrows.push(Arrow { label: "the proof fails", kind: Kind::Chance, to });
                }
            }
            Action::SignConfirmation { key, .. } if world.plug == Plug::Ours => {
                let confirmation = THINGS.confirmation(THINGS.number(&key.public_key));
                arrows.push(fair("sign the confirmation", self.record(world, Event::ConfirmationSigned(confirmation))));
            }
            Action::Confirm(confirmation) => self.confirm(world, confirmation.message[0], mutation, arrows),
            Action::Reject { .. } => self.reject(world, mutation, arrows),
            Action::Delete { slot, public_key, .. } if world.plug == Plug::Ours => {
                let place = THINGS.place(&slot);
                assert_eq!(world.places[place].key, THINGS.number(&public_key), "only the key that was named");
                let mut to = world.clone();
                to.destroyed |= to.places[place].key == FOREIGN;
                to.places[place] = Place::default();
                arrows.push(fair("delete a key", to));
            }
            Action::Generate { .. } => arrows.push(elsewhere("generate on whatever is plugged in")),
            Action::Install { .. } => arrows.push(elsewhere("write to whatever is plugged in")),
            Action::Delete { .. } => arrows.push(elsewhere("delete from whatever is plugged in")),
            Action::Wait(Need::Grace { .. }) => panic!("the grace is over"),
            Action::Nothing
            | Action::Prove { .. }
            | Action::SignConfirmation { .. }
            | Action::SignQuestion { .. }
            | Action::SignRequest { .. }
            | Action::Wait(_) => {}
        }
    }

    fn transaction(world: &World) -> Option<Transaction> {
        world.bound.filter(|_| !world.lost).map(|(key, stage)| Transaction {
            applicant: applicant(),
            key: [key; 32],
            certificate: (stage != Stage::Bound).then_some([key; 32]),
            stage,
        })
    }

    fn issued(world: &World) -> Issued {
        THINGS.issued(world.bound.unwrap().0)
    }

    fn submit(
        &mut self,
        world: &World,
        memory: Memory,
        machine: &Machine,
        mutation: Option<Mutation>,
        arrows: &mut Vec<Arrow>,
    ) {
        assert_eq!(machine.record(), self.durable(world), "submitting is on disk");
        let me = applicant();
        let inquiry = Inquiry::Submit { applicant: &me, key: [memory.signed; 32] };
        let decision = match decide(Self::transaction(world).as_ref(), &inquiry) {
            // The issue was opened once, and its OTP is burnt.
            Decision::Bind if world.lost => Decision::Refuse(Refusal::NotIssued),
            Decision::Repeat | Decision::Wait if mutation == Some(Mutation::NonIdempotentServer) => {
                Decision::Refuse(Refusal::NotIssued)
            }
            decision => decision,
        };
        let forgotten = |mut world: World| {
            if let Some(memory) = &mut world.memory {
                memory.entries = false;
                memory.signed = 0;
            }
            world
        };
        match decision {
            Decision::Bind => {
                let mut bound = world.clone();
                bound.bound = Some((memory.signed, Stage::Bound));
                arrows.push(Arrow { label: "submit, reply lost", kind: Kind::Chance, to: bound.clone() });
                let heard = self.record(&bound, Event::Accepted);
                let heard = self.learn(&heard, Knowledge::Waiting);
                arrows.push(fair("submit", forgotten(heard)));
                if !world.mishap {
                    let event = Event::Refused { refusal: Some(Refusal::Otp), text: String::new() };
                    let mut to = forgotten(self.record(world, event));
                    to.mishap = true;
                    arrows.push(Arrow { label: "submit, wrong OTP", kind: Kind::Chance, to });
                }
            }
            Decision::Repeat | Decision::Wait => {
                let knowledge = self.query(world, mutation);
                let heard = self.record(world, Event::Accepted);
                let heard = self.learn(&heard, knowledge);
                arrows.push(fair("submit again", forgotten(heard)));
            }
            Decision::Refuse(refusal) => {
                let event = Event::Refused { refusal: Some(refusal), text: String::new() };
                arrows.push(fair("submit, refused", forgotten(self.record(world, event))));
            }
            other => panic!("{other:?} is no answer to a submission"),
        }
    }

    fn query(&mut self, world: &World, mutation: Option<Mutation>) -> Knowledge {
        match decide(Self::transaction(world).as_ref(), &Inquiry::Query) {
            // Its answer was given, and is given to nobody twice.
            Decision::Repeat | Decision::Wait
                if mutation == Some(Mutation::NonIdempotentServer)
                    && !matches!(self.state(world), State::Pending { .. })
                    && !matches!(world.bound, Some((_, Stage::Confirmed))) =>
            {
                Knowledge::Unknown
            }
            Decision::Repeat => Knowledge::Issued(Self::issued(world)),
            Decision::Wait => Knowledge::Waiting,
            Decision::Unknown => Knowledge::Unknown,
            Decision::Refuse(Refusal::Install) => Knowledge::Abandoned,
            other => panic!("{other:?} is no answer to a query"),
        }
    }

    fn confirm(&mut self, world: &World, certificate: Key, _: Option<Mutation>, arrows: &mut Vec<Arrow>) {
        let inquiry = Inquiry::Confirm { certificate: [certificate; 32], proved: true };
        match decide(Self::transaction(world).as_ref(), &inquiry) {
            Decision::Confirm => {
                let mut to = world.clone();
                to.bound = Some((certificate, Stage::Confirmed));
                // Superseded (S-044): from here on only the new one counts.
                to.old_valid = false;
                arrows.push(Arrow { label: "confirm, reply lost", kind: Kind::Chance, to: to.clone() });
                arrows.push(fair("confirm", self.record(&to, Event::Confirmed { at: 0 })));
            }
            Decision::AlreadyConfirmed => {
                arrows.push(fair("confirm again", self.record(world, Event::Confirmed { at: 0 })));
            }
            Decision::Refuse(refusal) => {
                let event = Event::Refused { refusal: Some(refusal), text: String::new() };
                arrows.push(fair("confirm, refused", self.record(world, event)));
            }
            other => panic!("{other:?} is no answer to a confirmation"),
        }
    }

    fn reject(&mut self, world: &World, mutation: Option<Mutation>, arrows: &mut Vec<Arrow>) {
        let mut void = world.clone();
        void.bound = void.bound.map(|(key, _)| (key, Stage::Abandoned));
        match decide(Self::transaction(world).as_ref(), &Inquiry::Abandon) {
            Decision::ConfirmedBefore if mutation != Some(Mutation::VoidAfterConfirm) => {
                let to = self.learn(world, Knowledge::Confirmed(Self::issued(world)));
                arrows.push(fair("reject, but it is confirmed", to));
            }
            Decision::Abandon | Decision::ConfirmedBefore => {
                arrows.push(Arrow { label: "reject, reply lost", kind: Kind::Chance, to: void.clone() });
                arrows.push(fair("reject", self.learn(&void, Knowledge::Abandoned)));
            }
            Decision::AlreadyAbandoned | Decision::Unknown => {
                arrows.push(fair("reject again", self.learn(world, Knowledge::Abandoned)));
            }
            other => panic!("{other:?} is no answer to a rejection"),
        }
    }

    fn chances(&mut self, world: &World, mutation: Option<Mutation>, arrows: &mut Vec<Arrow>) {
        let mut chance = |label, to| arrows.push(Arrow { label, kind: Kind::Chance, to });
        if world.memory.is_some() {
            chance("CRASH", World { memory: None, ..world.clone() });
        }
        match world.plug {
            Plug::Nothing => chance("another token", World { plug: Plug::Other, ..world.clone() }),
            Plug::Other | Plug::Ours => chance("token pulled", World { plug: Plug::Nothing, ..world.clone() }),
        }
        if !world.foreign_came && world.plug == Plug::Ours && world.places[1].key == 0 {
            let mut to = world.clone();
            to.places[1].key = FOREIGN;
            to.foreign_came = true;
            chance("a foreign tool makes a key in the spare slot", to);
        }
        let given_up = matches!(self.state(world), State::Abandoning { .. } | State::Abandoned);
        if !world.rolled_back && world.memory.is_none() && !given_up {
            for length in 1..world.history.len() {
                let mut to = world.clone();
                to.history.truncate(length);
                to.rolled_back = true;
                chance("an older journal is put back", to);
            }
        }
        let issued = matches!(world.bound, Some((_, Stage::Issued)));
        if mutation == Some(Mutation::RevokeOnIssue) && issued && world.old_valid {
            chance("the authority revokes the old certificate", World { old_valid: false, ..world.clone() });
        }
    }

    /// What the world does instead of what the machine wanted.
    fn mutated(
        &mut self,
        world: &World,
        machine: &Machine,
        action: &Action,
        mutation: Option<Mutation>,
    ) -> Option<Arrow> {
        let ours = world.plug == Plug::Ours;
        match (mutation?, machine.state(), action) {
            (Mutation::ActBeforeJournal, State::Intent, Action::Record(Event::Slot(_) | Event::Adopted { .. }))
                if ours =>
            {
                let mut to = world.clone();
                let found = to.places[1].key;
                if found == 0 {
                    to.made += 1;
                    to.places[1].key = to.made;
                    return Some(fair("generate, nothing on disk yet", to));
                }
                // The journal does not say that the slot was empty: what lies there must be ours.
                let to = self.record(&to, Event::Slot(THINGS.slots[1].clone()));
                let public_key = THINGS.key(found).clone();
                Some(fair("book the key that is found", self.record(&to, Event::KeyMade { public_key })))
            }
            (Mutation::DeleteOldEarly, State::Installed { .. }, _) if ours && world.places[0].key != 0 => {
                let mut to = world.clone();
                to.places[0] = Place::default();
                Some(fair("delete the old key", to))
            }
            (Mutation::OverwriteFoundKey, State::Keygen { slot }, _)
                if ours && world.places[THINGS.place(slot)].key == FOREIGN =>
            {
                let mut to = world.clone();
                to.made += 1;
                to.places[THINGS.place(slot)] = Place { key: to.made, certificate: 0 };
                to.destroyed = true;
                Some(fair("generate over the key that is found", to))
            }
            _ => None,
        }
    }

    /// The manual's system: cancelling in the installation needs a reissue.
    fn thrown_away(&mut self, world: &World) -> World {
        let machine = Machine::begin(THINGS.other_order.clone());
        let mut to = world.clone();
        to.history = vec![self.records.number(machine.record().clone())];
        to.memory = Some(Memory { machine: self.machines.number(machine), entries: false, question: false, signed: 0 });
        to.lost = true;
        to
    }

    /// The invariant that is broken here, if one is (all but I3, which is about ways, not states).
    pub(crate) fn broken(&self, world: &World) -> Option<&'static str> {
        let new = world.bound.filter(|(_, stage)| *stage == Stage::Confirmed).is_some_and(|(key, _)| {
            world.proven && world.places.iter().any(|place| place.key == key && place.certificate == key)
        });
        let old = world.places[0].key == OLD;
        let confirmed = matches!(world.bound, Some((_, Stage::Confirmed)));
        let booked = self.state(world).key();
        let usable = new || (old && world.old_valid);
        let replaced = world.proven && confirmed;
        if !usable {
            Some("I1: no usable credential")
        } else if world.certificates > 1 {
            Some("I2: two certificates")
        } else if !(old || replaced) {
            Some("I4: the old key is gone too early")
        } else if world.places.iter().any(|p| !matches!(p.certificate, 0 | TORN) && p.certificate != p.key) {
            Some("I5: a certificate beside another key")
        } else if world.destroyed || booked.is_some_and(|k| k.born && k.public_key == *THINGS.key(FOREIGN)) {
            Some("I6: a foreign key was destroyed, or booked as our own")
        } else if world.wrote_elsewhere {
            Some("I7: another token was written to")
        } else {
            None
        }
    }
}

fn fair(label: &'static str, to: World) -> Arrow {
    Arrow { label, kind: Kind::Fair, to }
}

fn applicant() -> Applicant {
    Applicant { contract: THINGS.order.contract.clone(), user: THINGS.order.user.clone() }
}
