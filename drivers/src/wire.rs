//! The protocol between the daemon and a worker process, as both ends see it.
//!
//! Two kinds of channel, both `SOCK_STREAM` socketpairs that the daemon makes:
//!
//! * the **control** channel, one a worker: [`ToWorker`] down, [`FromWorker`] up. It carries no
//!   secret and nothing of any token but its name.
//! * a **token** channel for each token in use, handed over by [`ToWorker::Serve`]: a [`Request`]
//!   down, a [`Reply`] up, in the order of the requests, of which some may wait. Each has a thread of its own in the worker, so a
//!   token that keeps its module busy does not hold up another, unless the module itself does.
//!
//! A frame is its length (4 bytes, little-endian) and its body in postcard. A PIN is never in a
//! body: it follows its request as a frame of its own, raw bytes that are read into wiped memory
//! ([`Secrets`]). A body that does not decode whole, or is longer than its end accepts, ends the
//! channel.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use token::secret::MAX_SECRET;
use token::{
    Fault, KeyAlgorithm, KeyPolicy, Op, Outcome, Pin, PublicKey, Secret, SignatureAlgorithm, SlotId, Statement,
    TokenId, TokenInfo,
};
use zeroize::Zeroizing;

/// Longest body that a worker accepts, in bytes.
pub const MAX_DOWN: usize = 64 * 1024;

/// Longest body that the daemon accepts: a token full of certificates.
pub const MAX_UP: usize = 1024 * 1024;

/// What a worker is told at its start: the module, and the only files beside what a dynamic loader
/// needs that it may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The module's name in the configuration.
    pub name: String,
    /// The shared object.
    pub path: PathBuf,
    /// Files and folders that the module may read.
    pub readable: Vec<PathBuf>,
    /// Files and folders that the module may read and write.
    pub writable: Vec<PathBuf>,
    /// The whole environment of the process.
    pub environment: BTreeMap<String, String>,
}

/// Daemon to worker, on the control channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first frame: lock yourself in, then load the module.
    Begin(Setup),
    /// Say which tokens are present; answered by [`FromWorker::Present`].
    List,
    /// Serve the token in that slot on the channel that comes with this frame as a descriptor.
    Serve {
        /// `CK_SLOT_ID`.
        slot: u64,
    },
}

/// Worker to daemon, on the control channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The module cannot be used; the worker ends.
    Failed(Fault),
    /// Something happened in a slot. The next is told only after a [`ToWorker::List`].
    Happened {
        /// `CK_SLOT_ID`.
        slot: u64,
    },
    /// The tokens that are present, by slot.
    Present(Vec<(u64, TokenId)>),
    /// The module is loaded. `gaps`: which part of the sandbox this system does not give, in
    /// sentences for the operator; empty when all of it stands.
    Ready {
        /// See above.
        gaps: Vec<String>,
    },
    /// The module does not tell of insertions and removals: it is read on request only.
    Silent,
}

/// Daemon to worker, on a token channel: an [`Op`] without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// [`Op::Attest`]
    Attest {
        /// The slot.
        slot: SlotId,
    },
    /// [`Op::ChangePin`]; the old PIN and the new one follow, a frame each.
    ChangePin,
    /// [`Op::ChangePinOnKeypad`]
    ChangePinOnKeypad,
    /// [`Op::DeleteKey`]
    DeleteKey {
        /// The slot.
        slot: SlotId,
        /// The key that may be deleted.
        expected: PublicKey,
    },
    /// [`Op::Generate`]
    Generate {
        /// The slot.
        slot: SlotId,
        /// The kind of key.
        algorithm: KeyAlgorithm,
        /// How it is guarded.
        policy: KeyPolicy,
        /// `CKA_LABEL`.
        mark: String,
    },
    /// [`Op::InstallCertificate`]
    InstallCertificate {
        /// The slot.
        slot: SlotId,
        /// The key that must be in it.
        expected: PublicKey,
        /// DER.
        certificate: Vec<u8>,
    },
    /// [`Op::Lock`]
    Lock,
    /// [`Op::ReadInfo`]
    ReadInfo,
    /// [`Op::ReadPuk`]
    ReadPuk,
    /// [`Op::Sign`]; the statement goes by family and bytes, and is judged again on arrival.
    Sign {
        /// The slot.
        slot: SlotId,
        /// The key that must be in it.
        expected: PublicKey,
        /// How.
        algorithm: SignatureAlgorithm,
        /// [`Statement::family`]
        family: String,
        /// [`Statement::bytes`]
        message: Vec<u8>,
    },
    /// [`Op::UnblockPin`]; the PUK and the new PIN follow, a frame each.
    UnblockPin,
    /// [`Op::UnblockPinOnKeypad`]
    UnblockPinOnKeypad,
    /// [`Op::Unlock`]
    Unlock {
        /// Whether a PIN follows in a frame of its own.
        pin: bool,
        /// Whether the last try may be spent.
        last: bool,
    },
}

/// Worker to daemon, on a token channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// [`Outcome::Attestation`]
    Attestation(Vec<Vec<u8>>),
    /// [`Outcome::Done`]
    Done,
    /// It failed.
    Fault(Fault),
    /// [`Outcome::Generated`]
    Generated(PublicKey),
    /// [`Outcome::Info`]
    Info(TokenInfo),
    /// [`Outcome::Signature`]
    Signature(Vec<u8>),
    /// [`Outcome::Tries`]
    Tries(Option<u8>),
}

/// Why a channel cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other end is gone.
    #[error("the other end closed the channel")]
    Closed,
    /// A frame longer than is accepted.
    #[error("a frame of {0} bytes is too long")]
    Length(usize),
    /// A body that is not of the protocol.
    #[error("a frame does not decode")]
    Malformed,
    /// Reading or writing failed.
    #[error("the channel failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// The frame of a message: length and body, to be written at once.
///
/// # Errors
/// [`WireError::Length`] when its body is longer than `limit`.
pub fn frame<T: Serialize>(message: &T, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = postcard::to_extend(message, vec![0; 4]).map_err(|_| WireError::Malformed)?;
    let body = bytes.len().saturating_sub(4);
    let length = u32::try_from(body).ok().filter(|_| body <= limit).ok_or(WireError::Length(body))?;
    if let Some(place) = bytes.first_chunk_mut::<4>() {
        *place = length.to_le_bytes();
    }
    Ok(bytes)
}

/// The length of the body that follows this header.
///
/// # Errors
/// [`WireError::Length`] when it is longer than `limit`.
pub fn body_length(header: [u8; 4], limit: usize) -> Result<usize, WireError> {
    let length = usize::try_from(u32::from_le_bytes(header)).unwrap_or(usize::MAX);
    if length <= limit { Ok(length) } else { Err(WireError::Length(length)) }
}

/// Decodes a body, all of it.
///
/// # Errors
/// [`WireError::Malformed`]: not a message of that type, or something after it.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(WireError::Malformed),
    }
}

/// Writes a message.
///
/// # Errors
/// [`WireError`]
pub fn send<T: Serialize>(mut to: impl Write, message: &T, limit: usize) -> Result<(), WireError> {
    Ok(to.write_all(&frame(message, limit)?)?)
}

/// Reads a message, and not a byte more: what follows may be a secret.
///
/// # Errors
/// [`WireError`]
pub fn receive<T: DeserializeOwned>(mut from: impl Read, limit: usize) -> Result<T, WireError> {
    let mut header = [0; 4];
    from.read_exact(&mut header)?;
    let mut body = vec![0; body_length(header, limit)?];
    from.read_exact(&mut body)?;
    decode(&body)
}

/// The raw frame of a secret. Nothing keeps a copy of it but the socket's own buffer.
///
/// # Errors
/// [`WireError::Length`]
pub fn secret_frame(pin: &Pin) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let length = u8::try_from(pin.len()).map_err(|_| WireError::Length(pin.len()))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 + pin.len()));
    bytes.push(length);
    bytes.extend_from_slice(pin.expose());
    Ok(bytes)
}

/// Reads a secret's raw frame straight into memory that is wiped.
///
/// # Errors
/// [`WireError`]
pub fn receive_secret(mut from: impl Read) -> Result<Pin, WireError> {
    let mut length = [0];
    from.read_exact(&mut length)?;
    let mut bytes = Zeroizing::new(vec![0; MAX_SECRET.min(usize::from(u8::from_le_bytes(length)))]);
    from.read_exact(&mut bytes)?;
    Ok(Pin::new(Secret::new(std::mem::take(&mut *bytes))))
}

/// The secrets of an operation, in the order in which they follow its request.
#[derive(Debug)]
pub struct Secrets<'a>(pub [Option<&'a Pin>; 2]);

impl Request {
    /// An operation as it goes over the channel, and the secrets that go after it; `None` for what no
    /// module is asked for.
    #[must_use]
    pub fn of(op: &Op) -> Option<(Self, Secrets<'_>)> {
        let mut secrets = [None, None];
        let request = match op {
            Op::Attest { slot } => Self::Attest { slot: slot.clone() },
            // PKCS#11's OTP mechanisms are in no module that people have.
            Op::CalculateOtp { .. } | Op::ListOtp | Op::ProvisionOtp { .. } => return None,
            Op::ChangePin { old, new } => {
                secrets = [Some(old), Some(new)];
                Self::ChangePin
            }
            Op::ChangePinOnKeypad => Self::ChangePinOnKeypad,
            Op::DeleteKey { slot, expected } => Self::DeleteKey { slot: slot.clone(), expected: expected.clone() },
            Op::Generate { slot, algorithm, policy, mark } => {
                Self::Generate { slot: slot.clone(), algorithm: *algorithm, policy: *policy, mark: mark.clone() }
            }
            Op::InstallCertificate { slot, expected, certificate } => Self::InstallCertificate {
                slot: slot.clone(),
                expected: expected.clone(),
                certificate: certificate.clone(),
            },
            Op::Lock => Self::Lock,
            Op::ReadInfo => Self::ReadInfo,
            Op::ReadPuk => Self::ReadPuk,
            Op::Sign { slot, expected, algorithm, statement } => Self::Sign {
                slot: slot.clone(),
                expected: expected.clone(),
                algorithm: *algorithm,
                family: statement.family().to_owned(),
                message: statement.bytes().to_vec(),
            },
            Op::UnblockPin { puk, new } => {
                secrets = [Some(puk), Some(new)];
                Self::UnblockPin
            }
            Op::UnblockPinOnKeypad => Self::UnblockPinOnKeypad,
            Op::Unlock { pin, last } => {
                secrets = [pin.as_ref(), None];
                Self::Unlock { pin: pin.is_some(), last: *last }
            }
        };
        Some((request, Secrets(secrets)))
    }

    /// The operation again, its secrets read from the channel.
    ///
    /// # Errors
    /// [`WireError`]; [`WireError::Malformed`] also for a statement of no family.
    pub fn into_op(self, mut from: impl Read) -> Result<Op, WireError> {
        Ok(match self {
            Self::Attest { slot } => Op::Attest { slot },
            Self::ChangePin => {
                let old = receive_secret(&mut from)?;
                let new = receive_secret(&mut from)?;
                Op::ChangePin { old, new }
            }
            Self::ChangePinOnKeypad => Op::ChangePinOnKeypad,
            Self::DeleteKey { slot, expected } => Op::DeleteKey { slot, expected },
            Self::Generate { slot, algorithm, policy, mark } => Op::Generate { slot, algorithm, policy, mark },
            Self::InstallCertificate { slot, expected, certificate } => {
                Op::InstallCertificate { slot, expected, certificate }
            }
            Self::Lock => Op::Lock,
            Self::ReadInfo => Op::ReadInfo,
            Self::ReadPuk => Op::ReadPuk,
            Self::Sign { slot, expected, algorithm, family, message } => {
                let statement = Statement::from_daemon(&family, message).map_err(|_| WireError::Malformed)?;
                Op::Sign { slot, expected, algorithm, statement }
            }
            Self::UnblockPin => {
                let puk = receive_secret(&mut from)?;
                let new = receive_secret(&mut from)?;
                Op::UnblockPin { puk, new }
            }
            Self::UnblockPinOnKeypad => Op::UnblockPinOnKeypad,
            Self::Unlock { pin, last } => Op::Unlock { pin: pin.then(|| receive_secret(&mut from)).transpose()?, last },
        })
    }
}

impl From<Result<Outcome, Fault>> for Reply {
    fn from(outcome: Result<Outcome, Fault>) -> Self {
        match outcome {
            Ok(Outcome::Attestation(chain)) => Self::Attestation(chain),
            Ok(Outcome::Done) => Self::Done,
            Ok(Outcome::Generated(key)) => Self::Generated(key),
            Ok(Outcome::Info(info)) => Self::Info(info),
            Ok(Outcome::Signature(signature)) => Self::Signature(signature),
            // Nobody asked for those.
            Ok(Outcome::OtpAccounts(_) | Outcome::OtpCode(_)) => Self::Fault(Fault::Cancelled),
            Ok(Outcome::Tries(left)) => Self::Tries(left),
            Err(fault) => Self::Fault(fault),
        }
    }
}

/// Which kind of reply answers an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// [`Reply::Attestation`]
    Attestation,
    /// [`Reply::Done`]
    Done,
    /// [`Reply::Generated`], with a key of this kind
    Generated(KeyAlgorithm),
    /// [`Reply::Info`]
    Info,
    /// [`Reply::Signature`]
    Signature,
    /// [`Reply::Tries`]
    Tries,
}

impl Expected {
    /// What answers this operation.
    #[must_use]
    pub fn by(op: &Op) -> Self {
        match op {
            Op::Attest { .. } => Self::Attestation,
            Op::Generate { algorithm, .. } => Self::Generated(*algorithm),
            Op::ReadInfo => Self::Info,
            Op::ReadPuk => Self::Tries,
            Op::Sign { .. } => Self::Signature,
            Op::CalculateOtp { .. }
            | Op::ChangePin { .. }
            | Op::ChangePinOnKeypad
            | Op::DeleteKey { .. }
            | Op::InstallCertificate { .. }
            | Op::ListOtp
            | Op::Lock
            | Op::ProvisionOtp { .. }
            | Op::UnblockPin { .. }
            | Op::UnblockPinOnKeypad
            | Op::Unlock { .. } => Self::Done,
        }
    }
}

impl Reply {
    /// The outcome, or `None` when this is no answer to what was asked: the worker is then not what
    /// it should be.
    #[must_use]
    pub fn answer(self, expected: Expected) -> Option<Result<Outcome, Fault>> {
        let outcome = match (self, expected) {
            (Self::Fault(fault), _) => return Some(Err(fault)),
            (Self::Attestation(chain), Expected::Attestation) => Outcome::Attestation(chain),
            (Self::Generated(key), Expected::Generated(algorithm)) if key.algorithm() == algorithm => {
                Outcome::Generated(key)
            }
            (Self::Info(info), Expected::Info) => Outcome::Info(info),
            (Self::Signature(signature), Expected::Signature) => Outcome::Signature(signature),
            (Self::Tries(left), Expected::Tries) => Outcome::Tries(left),
            (Self::Done, Expected::Done) => Outcome::Done,
            _ => return None,
        };
        Some(Ok(outcome))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use token::{Challenge, Origin, PinPolicy, TouchPolicy};

    use super::*;

    fn key() -> PublicKey {
        // A point need not be on its curve to be written down.
        let mut point = vec![4; 65];
        point[1] = 9;
        PublicKey::from_point(&point).unwrap()
    }

    fn pin(text: &str) -> Pin {
        Pin::new(Secret::new(text.as_bytes().to_vec()))
    }

    /// Sends an operation through bytes, as both ends do it.
    fn carry(op: &Op) -> (Vec<u8>, Result<Op, WireError>) {
        let (request, Secrets(secrets)) = Request::of(op).unwrap();
        let mut bytes = frame(&request, MAX_DOWN).unwrap();
        let body_end = bytes.len();
        for pin in secrets.into_iter().flatten() {
            bytes.extend_from_slice(&secret_frame(pin).unwrap());
        }
        let mut from = bytes.as_slice();
        let read: Request = receive(&mut from, MAX_DOWN).unwrap();
        let op = read.into_op(&mut from);
        assert!(from.is_empty(), "something was left over");
        bytes.truncate(body_end);
        (bytes, op)
    }

    #[test]
    fn every_operation_arrives_as_it_was_sent() {
        let origin = Origin::new("https://bank.example").unwrap();
        let challenge = Challenge::from_bytes(&[3; 32]).unwrap();
        let slot = || SlotId::new("01").unwrap();
        let algorithm = SignatureAlgorithm::Es256;
        let statement = Statement::login(&origin, &challenge, algorithm);
        let policy = KeyPolicy { pin: PinPolicy::Always, touch: TouchPolicy::Cached };
        for op in [
            Op::Attest { slot: slot() },
            Op::ChangePin { old: pin("739164"), new: pin("428550") },
            Op::ChangePinOnKeypad,
            Op::DeleteKey { slot: slot(), expected: key() },
            Op::Generate { slot: slot(), algorithm: KeyAlgorithm::P384, policy, mark: "mark".into() },
            Op::InstallCertificate { slot: slot(), expected: key(), certificate: vec![1, 2, 3] },
            Op::Lock,
            Op::ReadInfo,
            Op::ReadPuk,
            Op::Sign { slot: slot(), expected: key(), algorithm, statement },
            Op::UnblockPin { puk: pin("739164"), new: pin("428550") },
            Op::UnblockPinOnKeypad,
            Op::Unlock { pin: None, last: true },
            Op::Unlock { pin: Some(pin("739164")), last: false },
        ] {
            let (body, arrived) = carry(&op);
            assert_eq!(format!("{:?}", arrived.unwrap()), format!("{op:?}"));
            for secret in [b"739164", b"428550"] {
                assert!(!body.windows(6).any(|w| w == secret), "{} has its PIN in the body", op.verb());
            }
        }
        let (_, arrived) = carry(&Op::ChangePin { old: pin("739164"), new: pin("428550") });
        let Ok(Op::ChangePin { old, new }) = arrived else { panic!() };
        assert_eq!((old.expose(), new.expose()), (b"739164".as_slice(), b"428550".as_slice()));
        let (_, arrived) = carry(&Op::UnblockPin { puk: pin("739164"), new: pin("428550") });
        let Ok(Op::UnblockPin { puk, new }) = arrived else { panic!() };
        assert_eq!((puk.expose(), new.expose()), (b"739164".as_slice(), b"428550".as_slice()));
    }

    #[test]
    fn a_statement_is_judged_again_on_arrival() {
        let forged = Request::Sign {
            slot: SlotId::new("01").unwrap(),
            expected: key(),
            algorithm: SignatureAlgorithm::Es256,
            family: "login".into(),
            message: b"an opaque digest of 32 bytes....".to_vec(),
        };
        assert!(matches!(forged.into_op(&[][..]), Err(WireError::Malformed)));
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let generate = Op::Generate {
            slot: SlotId::new("01").unwrap(),
            algorithm: KeyAlgorithm::P384,
            policy: KeyPolicy::default(),
            mark: String::new(),
        };
        assert_eq!(Reply::Done.answer(Expected::Info), None);
        assert_eq!(Reply::Signature(vec![1]).answer(Expected::by(&Op::Lock)), None);
        assert_eq!(Reply::Generated(key()).answer(Expected::by(&generate)), None, "of another kind than was asked");
        assert_eq!(Reply::Done.answer(Expected::by(&Op::Lock)), Some(Ok(Outcome::Done)));
        assert_eq!(Reply::Fault(Fault::Absent).answer(Expected::Info), Some(Err(Fault::Absent)));
    }

    #[test]
    fn overlong_frames_are_refused_before_they_are_read() {
        let header = u32::MAX.to_le_bytes();
        assert!(matches!(receive::<Request>(header.as_slice(), MAX_DOWN), Err(WireError::Length(_))));
        assert!(matches!(frame(&vec![0u8; 100], 50), Err(WireError::Length(_))));
        assert!(matches!(receive::<Request>([1u8, 0].as_slice(), MAX_DOWN), Err(WireError::Closed)));
    }

    proptest! {
        #[test]
        fn the_decoders_are_total(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode::<ToWorker>(&body);
            let _ = decode::<FromWorker>(&body);
            let _ = decode::<Reply>(&body);
            if let Ok(request) = decode::<Request>(&body) {
                let _ = request.into_op(body.as_slice());
            }
            let _ = receive::<Request>(body.as_slice(), MAX_DOWN);
            let _ = receive::<Reply>(body.as_slice(), MAX_UP);
        }

        /// Mutations of what is valid reach deeper than noise does.
        #[test]
        fn a_damaged_frame_decodes_to_something_or_nothing(at in 0usize..200, bits in 1u8.., cut in 0usize..200) {
            let (request, _) = Request::of(&Op::DeleteKey { slot: SlotId::new("01").unwrap(), expected: key() }).unwrap();
            let mut body = postcard::to_extend(&request, Vec::new()).unwrap();
            let length = body.len();
            body[at % length] ^= bits;
            body.truncate(length - cut % length);
            let _ = decode::<Request>(&body);
            let mut reply = postcard::to_extend(&Reply::Generated(key()), Vec::new()).unwrap();
            let length = reply.len();
            reply[at % length] ^= bits;
            let _ = decode::<Reply>(&reply);
        }

        #[test]
        fn what_decodes_has_one_form(body in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(present) = decode::<FromWorker>(&body) {
                let again = postcard::to_extend(&present, Vec::new()).unwrap();
                prop_assert_eq!(decode::<FromWorker>(&again).unwrap(), present);
            }
        }
    }
}
