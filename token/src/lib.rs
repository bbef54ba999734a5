//! The vocabulary of Jitsuin: the nouns that every part speaks in, and the two traits
//! ([`Driver`], [`Device`]) behind which all hardware stands.
//!
//! Nothing here does I/O. What is parsed here is parsed once: past a constructor of this crate a
//! value is known to be well-formed.

pub mod algorithm;
pub mod catalogue;
pub mod certificate;
pub mod driver;
pub mod event;
pub mod fault;
pub mod id;
pub mod info;
pub mod key_policy;
pub mod login;
pub mod ocsp;
pub mod op;
pub mod otp;
pub mod otp_secret;
pub mod public_key;
pub mod secret;
pub mod subject;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use catalogue::{Audience, Language, Refusal};
pub use certificate::{CertificateFacts, Standing};
pub use driver::{Device, Driver, Sighting, TokenKind};
pub use event::Event;
pub use fault::Fault;
pub use id::{KeyRef, SlotId, TokenId};
pub use info::{Ability, PinState, SlotInfo, SlotSpace, TokenInfo};
pub use key_policy::{KeyPolicy, PinPolicy, TouchPolicy};
pub use login::{AuthToken, Challenge, Origin};
pub use op::{Op, Outcome, Statement};
pub use otp::{AccountName, NewOtpAccount, OtpAccount, OtpCode, OtpHash, OtpKind};
pub use public_key::PublicKey;
pub use secret::{Pin, Secret};
pub use subject::{ContractId, InstitutionCode, SubjectName, UserId};
