//! How daemon code asks the holder of a token: for a secret, for consent, for a choice.
//!
//! Who asks does not know how the question reaches a person; the session agent on the bus is one
//! way. A secret comes from here and from nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use token::{CertificateFacts, Origin, Secret, TokenInfo};
use tokio::sync::watch;

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// What an OTP token is unlocked with.
    AccessCode,
    /// 取得用コード: what the administrator handed over for this acquisition.
    AcquisitionCode,
    /// The PIN of the card or token.
    CardPin,
    /// Its next PIN.
    NewCardPin,
    /// ワンタイムパスワード.
    Otp,
    /// The secret of an account that is put on an OTP token.
    OtpSecret,
    /// The code that unblocks the PIN of the card.
    Puk,
    /// 利用者暗証番号.
    UserPin,
}

impl SecretKind {
    /// Its name in `Agent.RequestSecret`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessCode => "access-code",
            Self::AcquisitionCode => "acquisition-code",
            Self::CardPin => "card-pin",
            Self::NewCardPin => "new-card-pin",
            Self::Otp => "otp",
            Self::OtpSecret => "otp-secret",
            Self::Puk => "puk",
            Self::UserPin => "user-pin",
        }
    }
}

/// What the holder is asked for the sake of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// 電子証明書取得.
    Acquire,
    /// A new PIN for the token.
    ChangePin,
    /// A login at an origin.
    Login,
    /// A one-time password for whoever asks, or a look at a token's accounts.
    Otp,
    /// The one-time password of an acquisition from a token, instead of typing it: a no is not the end.
    OtpFromToken,
    /// A new account on an OTP token.
    ProvisionOtp,
    /// 更新: a new certificate by the word of the old key.
    Renew,
    /// Deleting a key that was replaced.
    Retire,
    /// 失効 of one's own certificate.
    Revoke,
    /// 一時停止 of one's own certificate.
    Suspend,
    /// A new PIN for the token, by its PUK.
    UnblockPin,
}

impl Purpose {
    /// Its name in the agent's `info`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::ChangePin => "change-pin",
            Self::Login => "login",
            Self::Otp => "otp",
            Self::OtpFromToken => "otp-from-token",
            Self::ProvisionOtp => "provision-otp",
            Self::Renew => "renew",
            Self::Retire => "retire",
            Self::Revoke => "revoke",
            Self::Suspend => "suspend",
            Self::UnblockPin => "unblock-pin",
        }
    }
}

/// Everything the holder should see before answering. Nothing in it is secret.
#[derive(Debug, Clone)]
pub struct Question {
    /// What for.
    pub purpose: Purpose,
    /// Who will get the signature.
    pub origin: Option<Origin>,
    /// The program that asks, as far as it could be found out.
    pub application: Option<String>,
    /// The certificate concerned.
    pub certificate: Option<CertificateFacts>,
    /// The token concerned.
    pub token: Option<Arc<TokenInfo>>,
    /// Tries left before the PIN is blocked, where the token says.
    pub tries_left: Option<u8>,
    /// The next wrong entry blocks the PIN.
    pub final_try: bool,
    /// Further lines by the agent interface's keys, for example `contract-id` or `reason`.
    pub detail: BTreeMap<&'static str, String>,
}

impl Question {
    /// A question with nothing but its purpose.
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            origin: None,
            application: None,
            certificate: None,
            token: None,
            tries_left: None,
            final_try: false,
            detail: BTreeMap::new(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The holder closed the question: a pause, not a refusal.
    #[error("The holder cancelled. Start again when you want to go on.")]
    Cancelled,
    /// The holder said no.
    #[error("The holder refused. Nothing was signed.")]
    Denied,
    /// Nobody can be asked.
    #[error("No agent is there to ask the holder. Start jitsuin agent in the session.")]
    NoAgent,
    /// Nobody answered in time.
    #[error("The holder did not answer in time. Try again.")]
    TimedOut,
    /// The agent ended while it was asking.
    #[error("The agent ended while it asked the holder. Start jitsuin agent again.")]
    Vanished,
}

/// A notice that stands. Dropping it takes it back.
#[derive(Default)]
pub struct Standing(Option<Box<dyn FnOnce() + Send>>);

impl Standing {
    /// `back` takes it back.
    #[must_use]
    pub fn until(back: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(back)))
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Some(back) = self.0.take() {
            back();
        }
    }
}

/// A person who can be asked. Dropping a future takes the question back.
pub trait Holder: Send + Sync {
    /// Asks for a secret.
    fn secret<'a>(&'a self, kind: SecretKind, question: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>>;

    /// Asks for consent.
    fn consent<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>>;

    /// Lets the holder choose one of several certificates, by index.
    fn choose<'a>(
        &'a self,
        candidates: &'a [CertificateFacts],
        question: &'a Question,
    ) -> BoxFuture<'a, Result<usize, Unanswered>>;

    /// Tells something that needs no answer: `touch`, `installed`, `paused`, `otp-rejected`, ….
    fn notice<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, ()>;

    /// Tells something that is so until what this yields is dropped: `pin-pad`.
    fn standing<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, Standing> {
        Box::pin(async move {
            self.notice(kind, question).await;
            Standing::default()
        })
    }
}

/// Finds the person for work that outlives its caller.
pub trait HolderFor: Send + Sync {
    /// The session agent of this user; it answers [`Unanswered::NoAgent`] while there is none.
    fn holder_for(&self, owner: u32) -> Arc<dyn Holder>;

    /// Changes each time an agent registers, so that waiting needs no polling.
    fn arrivals(&self) -> watch::Receiver<u64>;
}
