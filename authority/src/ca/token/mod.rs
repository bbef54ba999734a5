//! A CA's key in a PKCS#11 token, through [`drivers`].
//!
//! The module is foreign code that may hang or crash, so it is loaded in a process of its own: this program once more,
//! with `ca-token-worker`. Past its time the worker is killed and the signature has failed; the next one starts another.
//!
//! A PIN is offered to the token once for each worker that starts. When the token refuses it, it is forgotten, and
//! nothing is signed before the operator has entered another: no try is spent twice on one entry.

mod proxy;
pub(crate) mod worker;

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use der::Encode;
use der::asn1::Uint;
use token::{KeyAlgorithm, PublicKey, Secret, SignatureAlgorithm};

use self::proxy::{Failure, Proxy};
use super::{CaSigner, CannotSign, Opened};
use crate::settings::{CaSettings, Pkcs11Place};

/// After a worker had to be killed no other is started for so long: whoever waits is refused at once.
const PAUSE: Duration = Duration::from_secs(5);

/// A key that is made, or a token that is opened because an operator is there, may take longer: nobody waits behind it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program with the worker in it, where it is not the one that runs (tests).
static WORKER: OnceLock<PathBuf> = OnceLock::new();

/// Has workers started from that program.
pub fn use_worker(program: PathBuf) {
    let _ = WORKER.set(program);
}

/// A key in a token.
pub struct TokenSigner {
    public: PublicKey,
    place: Pkcs11Place,
    time: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pin: Option<Secret>,
    proxy: Option<Proxy>,
    /// The token that took the PIN: another one of its label is not offered it.
    token: Option<String>,
    paused_until: Option<Instant>,
}

impl TokenSigner {
    /// The key of that public half. Nothing is asked of the token yet.
    #[must_use]
    pub fn new(public: PublicKey, settings: &CaSettings, place: Pkcs11Place) -> Self {
        let time = Duration::from_secs(settings.sign_seconds.into());
        Self { public, place, time, state: Mutex::default() }
    }

    /// Makes a key pair in the token, with that label.
    ///
    /// # Errors
    /// [`CannotSign`] when the token refuses; why is in the log.
    pub fn generate(
        place: &Pkcs11Place,
        algorithm: KeyAlgorithm,
        label: &str,
        pin: Secret,
    ) -> Result<PublicKey, CannotSign> {
        let mut proxy = Proxy::start(Instant::now() + PATIENCE).map_err(told)?;
        proxy.open(place, None, &pin).map_err(told)?;
        proxy.generate(algorithm, label).map_err(told)
    }
}

impl State {
    /// A worker with the token open.
    fn proxy(&mut self, place: &Pkcs11Place, until: Instant) -> Result<&mut Proxy, Failure> {
        if self.proxy.is_none() {
            let pin = self.pin.as_ref().ok_or(Failure::NoPin)?;
            let mut proxy = Proxy::start(until)?;
            match proxy.open(place, self.token.as_deref(), pin) {
                Ok(token) => self.token = Some(token),
                Err(failure) => {
                    if failure == Failure::PinRefused {
                        self.pin = None;
                    }
                    return Err(failure);
                }
            }
            self.proxy = Some(proxy);
        }
        let proxy = self.proxy.as_mut().ok_or(Failure::Broken)?;
        proxy.until = until;
        Ok(proxy)
    }

    fn sign(
        &mut self,
        public: &PublicKey,
        place: &Pkcs11Place,
        time: Duration,
        message: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        if self.paused_until.is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Paused);
        }
        let (stood, until) = (self.proxy.is_some(), Instant::now() + time);
        let mut result = self.proxy(place, until).and_then(|proxy| proxy.sign(public, message));
        // a worker that stood may hold a token that was pulled and is back: a new one finds it. Signing spends no try.
        if stood && matches!(result, Err(Failure::Broken | Failure::Token(_))) {
            self.proxy = None;
            result = self.proxy(place, until).and_then(|proxy| proxy.sign(public, message));
        }
        match &result {
            Ok(_) => self.paused_until = None,
            Err(failure) => {
                self.proxy = None;
                if *failure == Failure::TimedOut {
                    self.paused_until = Some(Instant::now() + PAUSE);
                }
            }
        }
        result
    }
}

impl CaSigner for TokenSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = state.sign(&self.public, &self.place, self.time, message).map_err(told)?;
        drop(state);
        let algorithm = self.public.algorithm().default_signature();
        // what the token says it signed is believed when it fits
        self.public.verify(algorithm, message, &raw).map_err(|_| CannotSign)?;
        match algorithm {
            SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 => ecdsa_der(&raw).map_err(|_| CannotSign),
            _ => Ok(raw),
        }
    }

    fn wants(&self) -> Option<&'static str> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pin.is_none().then_some("ca_pin")
    }

    fn open(&self, secret: &Secret) -> Result<Opened, CannotSign> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pin = Some(Secret::new(secret.expose().to_vec()));
        match state.proxy(&self.place, Instant::now() + PATIENCE) {
            Ok(_) => Ok(Opened::Ready),
            Err(Failure::PinRefused) => {
                told(Failure::PinRefused);
                Err(CannotSign)
            }
            // the PIN waits for the token
            Err(failure) => {
                told(failure);
                state.proxy = None;
                Ok(Opened::Later)
            }
        }
    }
}

fn told(failure: Failure) -> CannotSign {
    tracing::error!(error = &failure as &dyn std::error::Error, "the CA's token does not sign");
    CannotSign
}

/// `ECDSA-Sig-Value` (RFC 3279 §2.2.3) from `r ‖ s`.
fn ecdsa_der(raw: &[u8]) -> der::Result<Vec<u8>> {
    let (r, s) = raw.split_at(raw.len() / 2);
    vec![Uint::new(r)?, Uint::new(s)?].to_der()
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenSigner({:?} in {:?})", self.public, self.place.token)
    }
}
