//! An open token, and what is asked of it again and again.

use tests::scratch::{Scratch, output};
use token::{
    Ability, CertificateFacts, Challenge, Device, Fault, KeyAlgorithm, KeyPolicy, Op, Origin, Outcome, Pin, PublicKey,
    Secret, SignatureAlgorithm, SlotId, SlotInfo, SlotSpace, Statement, TokenInfo, TokenKind,
};

use crate::subject::Subject;

/// An entry of the right form that is never the PIN.
pub(crate) const WRONG: &str = "999999";

/// An open token.
pub(crate) struct Bench<'a> {
    device: Box<dyn Device + Send>,
    pub(crate) scratch: &'a Scratch,
    pub(crate) subject: &'a dyn Subject,
}

impl<'a> Bench<'a> {
    pub(crate) fn open(scratch: &'a Scratch, subject: &'a dyn Subject) -> Self {
        Self { device: open(subject), scratch, subject }
    }

    /// Opens it anew, as after the daemon's start.
    pub(crate) fn reopen(&mut self) {
        self.device = open(self.subject);
    }

    pub(crate) fn op(&mut self, op: &Op) -> Result<Outcome, Fault> {
        self.device.perform(op, &mut |_| {})
    }

    pub(crate) fn info(&mut self) -> TokenInfo {
        self.device.info().expect("a reading")
    }

    pub(crate) fn declares(&mut self, ability: Ability) -> bool {
        self.info().abilities.contains(&ability)
    }

    /// What lies in a slot.
    pub(crate) fn slot(&mut self, slot: &SlotId) -> SlotInfo {
        self.info().slot(slot).unwrap_or_else(|| panic!("nothing in {slot}")).clone()
    }

    pub(crate) fn enter(&mut self, pin: &str) -> Result<Outcome, Fault> {
        self.op(&unlock(Some(entry(pin))))
    }

    /// Begins a turn.
    pub(crate) fn unlock(&mut self) {
        assert_eq!(self.enter(self.subject.pin()), Ok(Outcome::Done), "the right PIN");
    }

    pub(crate) fn lock(&mut self) {
        assert_eq!(self.op(&Op::Lock), Ok(Outcome::Done));
    }

    /// PIN entries that the token was shown, where they are counted.
    pub(crate) fn verifies(&self) -> Option<u64> {
        self.subject.counts().map(|counts| counts.verifies)
    }

    /// Whatever was stored or destroyed, where it is counted.
    pub(crate) fn writes(&self) -> Option<u64> {
        self.subject.counts().map(|counts| counts.writes)
    }

    /// Does something that must leave no trace on the token.
    pub(crate) fn unchanged<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let (slots, writes) = (self.info().slots, self.writes());
        let done = what(self);
        assert_eq!(self.writes(), writes, "something was written");
        assert_eq!(self.info().slots, slots, "something was changed");
        done
    }

    /// A slot that is free for a new key.
    pub(crate) fn free(&mut self) -> SlotId {
        let info = self.info();
        match &info.space {
            SlotSpace::Fixed(spare) => spare.first().cloned(),
            SlotSpace::Free => (0xA0..=0xFF_u8)
                .filter_map(|name| SlotId::from_bytes(&[name]).ok())
                .find(|name| info.slot(name).is_none()),
        }
        // A token that takes no keys is asked all the same, and has to refuse.
        .unwrap_or_else(|| SlotId::new("95").unwrap())
    }

    pub(crate) fn generate(&mut self, slot: &SlotId, algorithm: KeyAlgorithm) -> Result<PublicKey, Fault> {
        let mark = format!("jitsuin {slot}");
        match self.op(&generate(slot, algorithm, &mark))? {
            Outcome::Generated(key) => Ok(key),
            other => panic!("{other:?}"),
        }
    }

    /// Whether it makes P-256 keys, which all do that make any.
    pub(crate) fn makes_keys(&mut self) -> bool {
        self.declares(Ability::GenerateP256)
    }

    /// A key that signs within a turn: a new one where the token makes keys, else one that it came with. To be asked
    /// for within a turn.
    pub(crate) fn key(&mut self) -> (SlotId, PublicKey) {
        if self.makes_keys() {
            let slot = self.free();
            let key = self.generate(&slot, KeyAlgorithm::P256).expect("a key");
            return (slot, key);
        }
        let ordinary = |place: &SlotInfo| place.needs_pin && !place.pin_always;
        let found = self.info().slots.into_iter().filter(ordinary).find_map(|p| Some((p.slot, p.public_key?)));
        found.expect("a token that makes no keys comes with one")
    }

    pub(crate) fn sign(&mut self, slot: &SlotId, key: &PublicKey) -> Result<Vec<u8>, Fault> {
        self.sign_with(slot, key, key.algorithm().default_signature())
    }

    pub(crate) fn sign_with(
        &mut self,
        slot: &SlotId,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Vec<u8>, Fault> {
        let op = Op::Sign { slot: slot.clone(), expected: key.clone(), algorithm, statement: statement(algorithm) };
        match self.op(&op)? {
            Outcome::Signature(signature) => Ok(signature),
            other => panic!("{other:?}"),
        }
    }

    /// Signs, and has our own verification judge.
    pub(crate) fn signs(&mut self, slot: &SlotId, key: &PublicKey) {
        let signature = self.sign(slot, key).unwrap_or_else(|fault| panic!("{slot}: {fault}"));
        verify(key, key.algorithm().default_signature(), &signature);
    }

    /// A certificate for a key, by somebody who is not ours.
    pub(crate) fn certificate(&self, key: &PublicKey, name: &str) -> Vec<u8> {
        let path = |file: &str| self.scratch.path().join(file);
        std::fs::write(path("key.der"), key.as_der()).unwrap();
        let openssl = |line: &str| output(self.scratch.command("openssl").args(line.split(' ')));
        openssl("ecparam -name prime256v1 -genkey -noout -out ca.pem");
        openssl("pkey -pubin -inform DER -in key.der -out key.pem");
        let certified = "-force_pubkey key.pem -key ca.pem -outform DER -out certificate.der";
        openssl(&format!("x509 -new -subj /CN={name} {certified}"));
        std::fs::read(path("certificate.der")).unwrap()
    }

    /// The key of somebody else, on no token: P-256.
    pub(crate) fn foreign_key(&self) -> PublicKey {
        let openssl = |line: &str| output(self.scratch.command("openssl").args(line.split(' ')));
        openssl("ecparam -name prime256v1 -genkey -noout -out foreign.pem");
        openssl("pkey -in foreign.pem -pubout -outform DER -out foreign.der");
        PublicKey::from_der(&std::fs::read(self.scratch.path().join("foreign.der")).unwrap()).unwrap()
    }

    /// Has openssl say that one certificate was signed by the key of the other.
    pub(crate) fn judge_certificate(&self, leaf: &[u8], above: &[u8]) {
        for (file, der) in [("leaf", leaf), ("above", above)] {
            CertificateFacts::from_der(der).unwrap();
            std::fs::write(self.scratch.path().join(format!("{file}.der")), der).unwrap();
            let convert = format!("x509 -inform DER -in {file}.der -out {file}.pem");
            output(self.scratch.command("openssl").args(convert.split(' ')));
        }
        let verify = "verify -partial_chain -trusted above.pem leaf.pem";
        output(self.scratch.command("openssl").args(verify.split(' ')));
    }
}

fn open(subject: &dyn Subject) -> Box<dyn Device + Send> {
    let sighting = subject.sighting();
    let driver = drivers::driver_for(TokenKind::Keys, &sighting).expect("a driver");
    assert_eq!(driver.name(), subject.driver());
    driver.open(&sighting).expect("an open token")
}

pub(crate) fn unlock(pin: Option<Pin>) -> Op {
    Op::Unlock { pin, last: true }
}

pub(crate) fn generate(slot: &SlotId, algorithm: KeyAlgorithm, mark: &str) -> Op {
    Op::Generate { slot: slot.clone(), algorithm, policy: KeyPolicy::default(), mark: mark.to_owned() }
}

pub(crate) fn entry(pin: &str) -> Pin {
    Pin::new(Secret::new(pin.as_bytes().to_vec()))
}

fn statement(algorithm: SignatureAlgorithm) -> Statement {
    let origin = Origin::new("https://bank.example").unwrap();
    Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).unwrap(), algorithm)
}

pub(crate) fn verify(key: &PublicKey, algorithm: SignatureAlgorithm, signature: &[u8]) {
    assert_eq!(key.verify(algorithm, statement(algorithm).bytes(), signature), Ok(()), "{algorithm}");
}

/// Whether this is how a token says that it does no such thing.
pub(crate) fn is_refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::CannotDo { .. } | Fault::WriteProtected)
}
