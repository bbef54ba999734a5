//! The worker's side that the authority sees: a process, and a socket with frames. A frame is its length (32 bits,
//! little endian), one octet for its kind, and its fields, each after its length. The PIN goes this way and no other.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use token::{KeyAlgorithm, PublicKey, Secret};
use zeroize::Zeroizing;

use super::WORKER;
use crate::settings::Pkcs11Place;

/// Longest frame, in bytes: a revocation list of a million certificates fits.
pub(super) const MAX_FRAME: usize = 64 * 1024 * 1024;

/// What is asked of a worker, and how it answers.
pub(super) mod kind {
    pub(in crate::ca::token) const OPEN: u8 = b'O';
    pub(in crate::ca::token) const SIGN: u8 = b'S';
    pub(in crate::ca::token) const GENERATE: u8 = b'G';
    pub(in crate::ca::token) const DONE: u8 = b'd';
    pub(in crate::ca::token) const FAULT: u8 = b'f';
    pub(in crate::ca::token) const PIN_REFUSED: u8 = b'p';
}

/// Why the token did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The worker ended, or spoke nonsense.
    #[error("the worker that holds the token ended. It is started anew for the next signature")]
    Broken,
    /// The PIN was never entered, or was refused.
    #[error("the token's PIN is not known. Start the server again and enter it")]
    NoPin,
    /// A signature took too long a moment ago.
    #[error("the token did not answer a moment ago. It is tried again in some seconds")]
    Paused,
    /// The token refused the PIN, or it is blocked, or only its last try is left.
    #[error("the token refused its PIN. It is not tried again: check it, start the server again and enter it")]
    PinRefused,
    /// The worker cannot be started.
    #[error("the worker that holds the token cannot be started: {0}")]
    Start(String),
    /// The token took too long; the worker was killed.
    #[error("the token did not answer in time. Check the device")]
    TimedOut,
    /// What the token says.
    #[error("{0}")]
    Token(String),
}

/// A worker, killed when dropped.
pub(super) struct Proxy {
    child: Child,
    stream: UnixStream,
    /// Until when it may answer.
    pub(super) until: Instant,
}

impl Proxy {
    /// Starts a worker, which may answer until then.
    pub(super) fn start(until: Instant) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Start(error.to_string());
        let program = match WORKER.get() {
            Some(program) => program.clone(),
            // this very program, also after a package has put a newer one in its place: its path would be that one's
            None => "/proc/self/exe".into(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let child = Command::new(program)
            .arg0("jitsuin-authority")
            .arg("ca-token-worker")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, stream: ours, until })
    }

    /// Opens the token and offers it the PIN, once. Yields the token's name.
    pub(super) fn open(&mut self, place: &Pkcs11Place, token: Option<&str>, pin: &Secret) -> Result<String, Failure> {
        let module = place.module.to_string_lossy();
        let fields = [module.as_bytes(), place.token.as_bytes(), token.unwrap_or_default().as_bytes(), pin.expose()];
        let name = self.ask(kind::OPEN, &fields)?;
        String::from_utf8(name).map_err(|_| Failure::Broken)
    }

    /// Signs with the key of that public half; ECDSA as `r ‖ s`.
    pub(super) fn sign(&mut self, public: &PublicKey, message: &[u8]) -> Result<Vec<u8>, Failure> {
        self.ask(kind::SIGN, &[public.as_der(), message])
    }

    /// Makes a key pair.
    pub(super) fn generate(&mut self, algorithm: KeyAlgorithm, label: &str) -> Result<PublicKey, Failure> {
        let key = self.ask(kind::GENERATE, &[algorithm.name().as_bytes(), label.as_bytes()])?;
        PublicKey::from_der(&key).map_err(|_| Failure::Broken)
    }

    fn ask(&mut self, kind: u8, fields: &[&[u8]]) -> Result<Vec<u8>, Failure> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::TimedOut);
        }
        self.stream.set_write_timeout(Some(left)).map_err(failure)?;
        self.stream.set_read_timeout(Some(left)).map_err(failure)?;
        write_frame(&mut self.stream, kind, fields).map_err(failure)?;
        let (kind, answer) = read_frame(&mut self.stream).map_err(failure)?.ok_or(Failure::Broken)?;
        let field = super::worker::fields(&answer).and_then(|fields| fields.first().map(|f| f.to_vec()));
        match kind {
            kind::DONE => field.ok_or(Failure::Broken),
            kind::PIN_REFUSED => Err(Failure::PinRefused),
            kind::FAULT => Err(Failure::Token(String::from_utf8_lossy(&field.unwrap_or_default()).into_owned())),
            _ => Err(Failure::Broken),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // at the end of its input the worker leaves by itself; one that hangs does not
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failure(error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Broken,
    }
}

/// Writes a frame in one piece.
pub(super) fn write_frame(stream: &mut impl Write, kind: u8, fields: &[&[u8]]) -> std::io::Result<()> {
    let too_long = || std::io::Error::other("a frame is too long");
    let body = 1 + fields.iter().map(|field| 4 + field.len()).sum::<usize>();
    if body > MAX_FRAME {
        return Err(too_long());
    }
    let mut frame = Zeroizing::new(Vec::with_capacity(4 + body));
    frame.extend(u32::try_from(body).map_err(|_| too_long())?.to_le_bytes());
    frame.push(kind);
    for field in fields {
        frame.extend(u32::try_from(field.len()).map_err(|_| too_long())?.to_le_bytes());
        frame.extend_from_slice(field);
    }
    stream.write_all(&frame)
}

/// Reads a frame: its kind and its fields. `None` where the other side has ended.
pub(super) fn read_frame(stream: &mut impl Read) -> std::io::Result<Option<(u8, Zeroizing<Vec<u8>>)>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if !(1..=MAX_FRAME).contains(&length) {
        return Err(std::io::Error::other("a frame of that length is none"));
    }
    let mut kind = [0; 1];
    stream.read_exact(&mut kind)?;
    let mut fields = Zeroizing::new(vec![0; length - 1]);
    stream.read_exact(&mut fields)?;
    Ok(Some((kind[0], fields)))
}
