//! What the runner is tried with: a token, an authority and a person, all in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use der::{Decode, Encode};
use enrol::cmp::Evidence;
use enrol::cmp::client::{Confirmation, Issued, Refused, Response, Template};
use enrol::cmp::server::{Incoming, Request, Wish};
use enrol::machine::server::{Decision, Inquiry, Stage, Transaction, decide};
use enrol::machine::{Confirmation as SignedConfirmation, EnrolmentId};
use futures_util::future::BoxFuture;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use token::{
    Ability, CertificateFacts, ContractId, Device, Event, Fault, KeyAlgorithm, Op, Outcome, PinState, PublicKey,
    Refusal, Secret, SlotId, SlotInfo, SlotSpace, TokenId, TokenInfo, UserId,
};
use tokio::sync::watch;
use virtual_card::attestation::Wrong;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use super::super::api::{EnrolmentAudit, EnrolmentSettings, EnrolmentStatus, Order, Renewed};
use super::super::authority::{Authority, CaCertificates, Page1, Signed, SignedRequest, Talk, Trouble};
use super::super::{Enrolments, Issuer, Refused as NotStarted};
use crate::actor::{Registries, Tokens};
use crate::holder::{Holder, HolderFor, Question, SecretKind, Unanswered};
use crate::pin::Pins;

pub(super) const PIN: &str = "73119942";
pub(super) const USER_PIN: &str = "abc73119942";
pub(super) const OTP: &str = "631994";
pub(super) const NAME: &str = "00009876543 riyousya 1635";

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token's memory: it outlives the daemon.
#[derive(Default)]
pub(super) struct Card {
    pub(super) keys: Vec<CardKey>,
    pub(super) verifies: u32,
    /// Writes of certificates that are left torn.
    pub(super) torn: u32,
    /// It can prove where its keys were made.
    pub(super) proves: Option<Proves>,
    unlocked: bool,
}

/// What a token says of its keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proves {
    /// That another key was made in it.
    Another,
    /// That it knows nothing of them.
    Nothing,
    /// The truth.
    Truth,
}

#[derive(Clone)]
pub(super) struct CardKey {
    pub(super) slot: SlotId,
    pub(super) label: String,
    pub(super) key: SigningKey,
    pub(super) certificate: Option<Vec<u8>>,
}

impl CardKey {
    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey::from_point(self.key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
    }
}

struct Reader(Arc<Mutex<Card>>);

impl Device for Reader {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        let card = lock(&self.0);
        Ok(TokenInfo {
            id: token_id(),
            label: "test".to_owned(),
            model: "in memory".to_owned(),
            reader: String::new(),
            pin: PinState {
                initialized: true,
                tries: Some(3),
                count_low: false,
                final_try: false,
                blocked: false,
                min: 4,
                max: 8,
            },
            abilities: [Ability::DeleteKey, Ability::GenerateP256, Ability::InstallCertificate, Ability::Sign]
                .into_iter()
                .chain(card.proves.map(|_| Ability::Attest))
                .collect(),
            slots: card
                .keys
                .iter()
                .map(|key| SlotInfo {
                    slot: key.slot.clone(),
                    label: key.label.clone(),
                    public_key: Some(key.public_key()),
                    certificate: key.certificate.clone(),
                    born_on_token: true,
                    needs_pin: true,
                    pin_always: false,
                    needs_touch: false,
                })
                .collect(),
            space: SlotSpace::Free,
        })
    }

    fn perform(&mut self, op: &Op, _: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        if matches!(op, Op::ReadInfo) {
            return self.info().map(Outcome::Info);
        }
        let mut card = lock(&self.0);
        let place = |card: &Card, slot: &SlotId, expected: &PublicKey| {
            let found = card.keys.iter().position(|k| k.slot == *slot);
            let found = found.ok_or_else(|| Fault::SlotEmpty { slot: slot.clone() })?;
            let same = card.keys[found].public_key() == *expected;
            if same { Ok(found) } else { Err(Fault::KeyMismatch { slot: slot.clone() }) }
        };
        match op {
            Op::Unlock { pin, .. } => {
                card.verifies += 1;
                card.unlocked = pin.as_ref().is_some_and(|p| p.expose() == PIN.as_bytes());
                if card.unlocked { Ok(Outcome::Done) } else { Err(Fault::PinWrong { left: Some(2) }) }
            }
            Op::Lock => {
                card.unlocked = false;
                Ok(Outcome::Done)
            }
            _ if !card.unlocked => Err(Fault::PinRequired { left: None }),
            Op::Generate { slot, mark, .. } => {
                if card.keys.iter().any(|k| k.slot == *slot) {
                    return Err(Fault::SlotTaken { slot: slot.clone() });
                }
                let key = CardKey { slot: slot.clone(), label: mark.clone(), key: new_key(), certificate: None };
                let public_key = key.public_key();
                card.keys.push(key);
                Ok(Outcome::Generated(public_key))
            }
            Op::Attest { slot } => {
                let found = card.keys.iter().find(|k| k.slot == *slot);
                let key = match card.proves {
                    Some(Proves::Truth) => found.ok_or_else(|| Fault::SlotEmpty { slot: slot.clone() })?.public_key(),
                    Some(Proves::Another) => {
                        PublicKey::from_point(new_key().verifying_key().to_sec1_point(false).as_bytes()).unwrap()
                    }
                    Some(Proves::Nothing) | None => return Err(Fault::CannotDo { what: "prove this".to_owned() }),
                };
                let device = virtual_card::attestation::Device { firmware: [5, 7, 1], form_factor: 1, serial: 1 };
                let chain = virtual_card::attestation::chain(device, 0x9a, key.as_der(), [2, 1], Wrong::Nothing);
                Ok(Outcome::Attestation(chain.unwrap()))
            }
            Op::Sign { slot, expected, statement, .. } => {
                let found = place(&card, slot, expected)?;
                let signature: Signature = card.keys[found].key.sign(statement.bytes());
                Ok(Outcome::Signature(signature.to_bytes().to_vec()))
            }
            Op::InstallCertificate { slot, expected, certificate } => {
                let found = place(&card, slot, expected)?;
                let mut written = certificate.clone();
                if card.torn > 0 {
                    card.torn -= 1;
                    written.truncate(written.len() / 2);
                }
                card.keys[found].certificate = Some(written);
                Ok(Outcome::Done)
            }
            Op::DeleteKey { slot, expected } => {
                if let Ok(found) = place(&card, slot, expected) {
                    card.keys.remove(found);
                }
                Ok(Outcome::Done)
            }
            _ => Err(Fault::CannotDo { what: "do this".to_owned() }),
        }
    }
}

/// An authority's memory, by the rules of [`decide`].
#[derive(Default)]
pub(super) struct Office {
    pub(super) bound: BTreeMap<[u8; 16], Transaction>,
    pub(super) certificates: BTreeMap<[u8; 16], Vec<u8>>,
    /// The OTP was burnt.
    pub(super) burnt: bool,
    /// Answers that get lost, the authority having acted.
    pub(super) lose: u32,
    /// Nobody can be reached.
    pub(super) offline: bool,
    /// The certificates on the card are another authority's.
    pub(super) foreign: bool,
    /// Somebody stopped the user.
    pub(super) stopped: bool,
    /// The name on the certificates it issues, instead of the right one.
    pub(super) odd_name: Option<&'static str>,
    pub(super) submissions: u32,
    /// It says on page 1 that it wants proof of where the key was made.
    pub(super) wants_proof: bool,
    /// The proof in the request that came last.
    pub(super) proof: Option<Evidence>,
    /// The key of a certificate that it issued before.
    pub(super) old: Option<PublicKey>,
    /// What was asked about that certificate.
    pub(super) wishes: Vec<Wish>,
    /// The OTP that the person typed last: the office does not read CMP here.
    pub(super) typed: Arc<Mutex<String>>,
}

impl Office {
    /// The old certificate's key signed it.
    fn is_old(&self, read: &Incoming) -> bool {
        self.old.as_ref().is_some_and(|old| read.is_signed_by(old))
    }
}

#[derive(Clone, Default)]
pub(super) struct Bank(pub(super) Arc<Mutex<Office>>);

fn refused(refusal: Refusal) -> Refused {
    Refused { refusal: Some(refusal), english: refusal.template(token::Language::En).to_owned(), japanese: None }
}

impl Bank {
    fn answer<T>(&self, act: impl FnOnce(&mut Office) -> T) -> Result<T, Trouble> {
        let mut office = lock(&self.0);
        if office.offline {
            return Err(Trouble::Http(503));
        }
        let answer = act(&mut office);
        if office.lose > 0 {
            office.lose -= 1;
            return Err(Trouble::Http(502));
        }
        Ok(answer)
    }

    fn issued(office: &Office, transaction: &[u8; 16]) -> Response {
        let certificate = office.certificates[transaction].clone();
        Response::Issued(Issued { certificate, chain: Vec::new(), time: None, nonce: vec![1] })
    }
}

impl Authority for Bank {
    fn terms<'a>(&'a self, talk: &'a Talk, pin: Option<&'a Secret>, _: Option<&'a Secret>) -> BoxFuture<'a, Page1> {
        Box::pin(async move {
            self.answer(|office| {
                if pin.is_none_or(|pin| pin.expose() != USER_PIN.as_bytes()) {
                    return Err(refused(Refusal::Auth));
                }
                let user = talk.applicant.user.clone().unwrap();
                Ok(Template {
                    subject: format!("{} {user} 1635", talk.applicant.contract).parse().unwrap(),
                    algorithms: vec![KeyAlgorithm::P384, KeyAlgorithm::P256],
                    otp_wanted: true,
                    otp_token: None,
                    pin_wanted: true,
                    attestation_wanted: office.wants_proof,
                    policy: token::KeyPolicy::default(),
                    device: None,
                    deadline: Some(4_000_000_000),
                    time: None,
                    nonce: vec![1],
                })
            })
        })
    }

    fn renewal_terms<'a>(&'a self, talk: &'a Talk, question: &'a Signed) -> BoxFuture<'a, Page1> {
        Box::pin(async move {
            self.answer(|office| {
                let read = enrol::cmp::server::read(&question.message).unwrap();
                if !office.is_old(&read) {
                    return Err(refused(Refusal::Auth));
                }
                let user = talk.applicant.user.clone().unwrap();
                Ok(Template {
                    subject: format!("{} {user} 1635", talk.applicant.contract).parse().unwrap(),
                    algorithms: vec![KeyAlgorithm::P256],
                    otp_wanted: false,
                    otp_token: None,
                    pin_wanted: false,
                    attestation_wanted: false,
                    policy: token::KeyPolicy::default(),
                    device: None,
                    deadline: Some(4_000_000_000),
                    time: None,
                    nonce: vec![1],
                })
            })
        })
    }

    fn revoke<'a>(&'a self, _: &'a Talk, request: &'a Signed) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            self.answer(|office| {
                let read = enrol::cmp::server::read(&request.message).unwrap();
                if !office.is_old(&read) {
                    return Confirmation::Refused(refused(Refusal::Auth));
                }
                let Request::Revoke(revocation) = read.request else { panic!("no request about a certificate") };
                office.wishes.push(revocation.wish);
                Confirmation::Done
            })
        })
    }

    fn submit<'a>(
        &'a self,
        talk: &'a Talk,
        request: &'a SignedRequest,
        _: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async move {
            self.answer(|office| {
                office.submissions += 1;
                let read = enrol::cmp::server::read(&request.message).unwrap();
                let renewal = office.is_old(&read);
                let (Request::Enrol(enrolment) | Request::Renew(enrolment)) = read.request else {
                    panic!("no request for a certificate")
                };
                office.proof = enrolment.evidence;
                let key = request.public_key.fingerprint();
                let inquiry = Inquiry::Submit { applicant: &talk.applicant, key };
                match decide(office.bound.get(&talk.transaction), &inquiry) {
                    Decision::Bind if !renewal && (office.burnt || *lock(&office.typed) != OTP) => {
                        Response::Refused(refused(Refusal::Otp))
                    }
                    Decision::Bind => {
                        office.burnt |= !renewal;
                        let der = certificate(office.odd_name.unwrap_or(NAME), &request.public_key);
                        let certificate = CertificateFacts::from_der(&der).unwrap().sha256();
                        let applicant = talk.applicant.clone();
                        let transaction =
                            Transaction { applicant, key, certificate: Some(certificate), stage: Stage::Issued };
                        office.bound.insert(talk.transaction, transaction);
                        office.certificates.insert(talk.transaction, der);
                        Self::issued(office, &talk.transaction)
                    }
                    Decision::Repeat => Self::issued(office, &talk.transaction),
                    Decision::Refuse(refusal) => Response::Refused(refused(refusal)),
                    other => panic!("{other:?}"),
                }
            })
        })
    }

    fn query<'a>(&'a self, talk: &'a Talk) -> BoxFuture<'a, Result<Response, Trouble>> {
        Box::pin(async move {
            self.answer(|office| match decide(office.bound.get(&talk.transaction), &Inquiry::Query) {
                Decision::Unknown => Response::Unknown,
                Decision::Repeat => Self::issued(office, &talk.transaction),
                Decision::Refuse(refusal) => Response::Refused(refused(refusal)),
                other => panic!("{other:?}"),
            })
        })
    }

    fn confirm<'a>(
        &'a self,
        talk: &'a Talk,
        _: &'a SignedConfirmation,
    ) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            self.answer(|office| {
                if office.stopped {
                    return Confirmation::Refused(refused(Refusal::LockUser));
                }
                let known = office.bound.get_mut(&talk.transaction).unwrap();
                let certificate = known.certificate.unwrap();
                match decide(Some(known), &Inquiry::Confirm { certificate, proved: true }) {
                    Decision::Confirm | Decision::AlreadyConfirmed => {
                        known.stage = Stage::Confirmed;
                        Confirmation::Done
                    }
                    Decision::Refuse(refusal) => Confirmation::Refused(refused(refusal)),
                    other => panic!("{other:?}"),
                }
            })
        })
    }

    fn reject<'a>(&'a self, talk: &'a Talk, _: Option<&'a [u8]>) -> BoxFuture<'a, Result<Confirmation, Trouble>> {
        Box::pin(async move {
            self.answer(|office| match decide(office.bound.get(&talk.transaction), &Inquiry::Abandon) {
                Decision::Abandon | Decision::AlreadyAbandoned => {
                    office.bound.get_mut(&talk.transaction).unwrap().stage = Stage::Abandoned;
                    Confirmation::Done
                }
                Decision::Unknown => Confirmation::Done,
                Decision::ConfirmedBefore => Confirmation::Refused(refused(Refusal::Stale)),
                other => panic!("{other:?}"),
            })
        })
    }

    fn ca_certificates(&self) -> BoxFuture<'_, CaCertificates> {
        Box::pin(async move { self.answer(|_| Ok(Vec::new())) })
    }

    fn trusts(&self, _: &[u8], _: &[Vec<u8>], _: i64) -> bool {
        !lock(&self.0).foreign
    }
}

/// Somebody with a head for numbers.
#[derive(Default)]
pub(super) struct Mind {
    pub(super) asked: Vec<&'static str>,
    /// Answers to give once each, before the right ones; `None` cancels.
    pub(super) slips: Vec<(&'static str, Option<&'static str>)>,
    pub(super) notices: Vec<&'static str>,
    pub(super) typed: Arc<Mutex<String>>,
}

#[derive(Clone, Default)]
pub(super) struct Person(pub(super) Arc<Mutex<Mind>>);

impl Person {
    fn answer(&self, kind: &'static str, right: &'static str) -> Result<&'static str, Unanswered> {
        let mut mind = lock(&self.0);
        mind.asked.push(kind);
        let slip = mind.slips.iter().position(|(k, _)| *k == kind);
        let answer = match slip.map(|i| mind.slips.remove(i).1) {
            Some(None) => return Err(Unanswered::Cancelled),
            Some(Some(wrong)) => wrong,
            None => right,
        };
        if kind == "otp" {
            *lock(&mind.typed) = answer.to_owned();
        }
        Ok(answer)
    }

    pub(super) fn count(&self, kind: &str) -> usize {
        lock(&self.0).asked.iter().filter(|k| **k == kind).count()
    }
}

impl Holder for Person {
    fn secret<'a>(&'a self, kind: SecretKind, _: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
        Box::pin(async move {
            let right = match kind {
                SecretKind::CardPin => PIN,
                SecretKind::Otp => OTP,
                SecretKind::UserPin => USER_PIN,
                SecretKind::AccessCode
                | SecretKind::AcquisitionCode
                | SecretKind::NewCardPin
                | SecretKind::OtpSecret
                | SecretKind::Puk => "",
            };
            Ok(Secret::new(self.answer(kind.name(), right)?.as_bytes().to_vec()))
        })
    }

    fn consent<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
        Box::pin(async move { self.answer("consent", "").map(|_| ()) })
    }

    fn choose<'a>(&'a self, _: &'a [CertificateFacts], _: &'a Question) -> BoxFuture<'a, Result<usize, Unanswered>> {
        Box::pin(async { Ok(0) })
    }

    fn notice<'a>(&'a self, kind: &'static str, _: &'a Question) -> BoxFuture<'a, ()> {
        Box::pin(async move { lock(&self.0).notices.push(kind) })
    }
}

/// The session's agent: always the same person.
struct Session(Person, watch::Sender<u64>);

impl HolderFor for Session {
    fn holder_for(&self, _: u32) -> Arc<dyn Holder> {
        Arc::new(self.0.clone())
    }

    fn arrivals(&self) -> watch::Receiver<u64> {
        self.1.subscribe()
    }
}

struct Silent;

impl EnrolmentAudit for Silent {
    fn record(&self, _: u32, _: &str, _: &str, _: &str) {}
}

/// Everything that outlives a daemon.
pub(super) struct Bench {
    pub(super) card: Arc<Mutex<Card>>,
    pub(super) bank: Bank,
    pub(super) person: Person,
    pub(super) settings: EnrolmentSettings,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        let bench = Self {
            card: Arc::default(),
            bank: Bank::default(),
            person: Person::default(),
            settings: EnrolmentSettings { grace: Duration::ZERO, strict_cancel: false },
            folder: tempfile::tempdir().unwrap(),
        };
        lock(&bench.bank.0).typed = lock(&bench.person.0).typed.clone();
        bench
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.folder.path().join("enrolments")
    }

    /// A daemon, from its start to its violent end: then nothing of it is left but its files.
    pub(super) fn life<T>(&self, of: impl AsyncFnOnce(&Life) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let outcome = runtime.block_on(async {
            let life = Life::open(self).await;
            tokio::time::timeout(Duration::from_secs(60), of(&life)).await.expect("this takes too long")
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
        outcome
    }
}

pub(super) struct Life {
    pub(super) enrolments: Enrolments,
    pub(super) tokens: Tokens,
    person: Person,
    card: Arc<Mutex<Card>>,
}

impl Life {
    async fn open(bench: &Bench) -> Self {
        let tokens = Tokens::new();
        let authority: Arc<dyn Authority> = Arc::new(bench.bank.clone());
        let session = Arc::new(Session(bench.person.clone(), watch::channel(0).0));
        let enrolments = Enrolments::with_authorities(
            bench.state_dir(),
            Registries { keys: tokens.clone(), ..Registries::default() },
            BTreeMap::from([("bank".to_owned(), authority)]),
            bench.settings.clone(),
            session,
            Pins::new(),
            Arc::new(Silent),
        )
        .await
        .unwrap();
        let life = Self { enrolments, tokens, person: bench.person.clone(), card: bench.card.clone() };
        life.plug().await;
        life
    }

    pub(super) async fn plug(&self) {
        self.tokens.adopt_blocking(Box::new(Reader(self.card.clone()))).await.unwrap();
    }

    pub(super) async fn order(&self) -> Result<EnrolmentId, NotStarted> {
        self.order_for("riyousya").await
    }

    /// An order for another user.
    pub(super) async fn order_for(&self, user: &str) -> Result<EnrolmentId, NotStarted> {
        self.enrolments
            .start(Order {
                owner: 1000,
                profile: "bank".to_owned(),
                token: None,
                contract: ContractId::new("00009876543").unwrap(),
                user: Some(UserId::new(user).unwrap()),
                algorithm: None,
                renews: None,
                holder: Arc::new(self.person.clone()),
            })
            .await
    }

    /// An order to renew what lies in the slot.
    pub(super) async fn renew(&self, slot: &SlotId) -> Result<EnrolmentId, NotStarted> {
        self.renew_by(slot, self.issuer().await).await
    }

    /// What the bank has issued by.
    pub(super) async fn issuer(&self) -> Issuer {
        loop {
            // Its answers may get lost.
            if let Ok(issuer) = self.enrolments.issuer("bank").await {
                return issuer;
            }
        }
    }

    /// The same, the authority having been asked before.
    pub(super) async fn renew_by(&self, slot: &SlotId, issuer: Issuer) -> Result<EnrolmentId, NotStarted> {
        self.enrolments
            .start(Order {
                owner: 1000,
                profile: "bank".to_owned(),
                token: Some(token_id()),
                contract: ContractId::new("00009876543").unwrap(),
                user: Some(UserId::new("riyousya").unwrap()),
                algorithm: None,
                renews: Some(Renewed { slot: slot.clone(), issuer }),
                holder: Arc::new(self.person.clone()),
            })
            .await
    }

    /// Waits until an enrolment is as wanted.
    pub(super) async fn until(&self, id: EnrolmentId, wanted: impl Fn(&EnrolmentStatus) -> bool) -> EnrolmentStatus {
        let mut changes = self.enrolments.watch();
        loop {
            let status = self.enrolments.status(&id).unwrap();
            if wanted(&status) {
                return status;
            }
            let _ = changes.recv().await;
        }
    }
}

pub(super) fn token_id() -> TokenId {
    TokenId::new("memory", "1").unwrap()
}

pub(super) fn new_key() -> SigningKey {
    loop {
        let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
        if let Ok(key) = SigningKey::from_slice(&bytes) {
            return key;
        }
    }
}

/// A certificate of the test's own CA.
pub(super) fn certificate(name: &str, key: &PublicKey) -> Vec<u8> {
    use x509_cert::builder::{Builder, CertificateBuilder};

    let profile = Plain(format!("CN={name}").parse().unwrap());
    let validity = Validity::from_now(Duration::from_secs(365 * 24 * 3600)).unwrap();
    let spki = spki::SubjectPublicKeyInfoOwned::from_der(key.as_der()).unwrap();
    let builder = CertificateBuilder::new(profile, SerialNumber::from(7u32), validity, spki).unwrap();
    let ca = SigningKey::from_slice(&[7; 32]).unwrap();
    builder.build::<_, p256::ecdsa::DerSignature>(&ca).unwrap().to_der().unwrap()
}

struct Plain(Name);

impl BuilderProfile for Plain {
    fn get_issuer(&self, _: &Name) -> Name {
        "CN=Issuing".parse().unwrap()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _: spki::SubjectPublicKeyInfoRef<'_>,
        _: spki::SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}
