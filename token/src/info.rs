//! What a token says of itself: an immutable snapshot.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{KeyAlgorithm, PublicKey, SlotId, TokenId};

/// One thing a token can do. What is not declared is refused before it is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Prove that a key was made on the device.
    Attest,
    /// List its accounts and yield one-time passwords.
    CalculateOtp,
    /// Change its PIN.
    ChangePin,
    /// Delete a key and its certificate.
    DeleteKey,
    /// Make an Ed25519 key.
    GenerateEd25519,
    /// Make a P-256 key.
    GenerateP256,
    /// Make a P-384 key.
    GenerateP384,
    /// Make an RSA key of 2048 bits.
    GenerateRsa2048,
    /// Make an RSA key of 3072 bits.
    GenerateRsa3072,
    /// Write a certificate.
    InstallCertificate,
    /// Make keys with other PIN and touch policies than the default.
    KeyPolicy,
    /// Take the PIN on its own keypad (`CKF_PROTECTED_AUTHENTICATION_PATH`), or on its reader's (PC/SC part 10).
    PinPad,
    /// Take a new account for one-time passwords.
    ProvisionOtp,
    /// Sign.
    Sign,
    /// Unblock its PIN with the PUK.
    UnblockPin,
}

impl Ability {
    /// The ability that generating such a key needs; `None` where Jitsuin never asks for it.
    #[must_use]
    pub fn generate(algorithm: KeyAlgorithm) -> Option<Self> {
        match algorithm {
            KeyAlgorithm::P256 => Some(Self::GenerateP256),
            KeyAlgorithm::P384 => Some(Self::GenerateP384),
            KeyAlgorithm::Rsa2048 => Some(Self::GenerateRsa2048),
            KeyAlgorithm::Rsa3072 => Some(Self::GenerateRsa3072),
            KeyAlgorithm::Rsa4096 => None,
            KeyAlgorithm::Ed25519 => Some(Self::GenerateEd25519),
        }
    }

    /// The name used in both interfaces (`Token.Features`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attest => "attest",
            Self::CalculateOtp => "calculate-otp",
            Self::ChangePin => "change-pin",
            Self::DeleteKey => "delete-key",
            Self::GenerateEd25519 => "generate-ed25519",
            Self::GenerateP256 => "generate-p256",
            Self::GenerateP384 => "generate-p384",
            Self::GenerateRsa2048 => "generate-rsa2048",
            Self::GenerateRsa3072 => "generate-rsa3072",
            Self::InstallCertificate => "install-certificate",
            Self::KeyPolicy => "key-policy",
            Self::PinPad => "pin-pad",
            Self::ProvisionOtp => "provision-otp",
            Self::Sign => "sign",
            Self::UnblockPin => "unblock-pin",
        }
    }
}

/// How the PIN of a token stands. Reading it spends no try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinState {
    /// Whether a PIN is set at all.
    pub initialized: bool,
    /// Tries left, where the token says exactly. PKCS#11 flags say only "last" (1), "blocked" (0).
    pub tries: Option<u8>,
    /// At least one wrong entry since the last right one (`CKF_USER_PIN_COUNT_LOW`).
    pub count_low: bool,
    /// The next wrong entry blocks it (`CKF_USER_PIN_FINAL_TRY`).
    pub final_try: bool,
    /// Blocked (`CKF_USER_PIN_LOCKED`).
    pub blocked: bool,
    /// Fewest bytes of a PIN.
    pub min: u8,
    /// Most bytes of a PIN.
    pub max: u8,
}

impl PinState {
    /// Whether the next wrong entry blocks it, as far as the token says.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.final_try || self.tries == Some(1)
    }

    /// The name used in both interfaces (`Token.PinState`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self { initialized: false, .. } => "unset",
            Self { blocked: true, .. } => "blocked",
            Self { final_try: true, .. } => "final-try",
            Self { count_low: true, .. } => "count-low",
            _ => "ok",
        }
    }
}

/// One occupied place on a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotInfo {
    /// Its name.
    pub slot: SlotId,
    /// The label on the key (`CKA_LABEL`): where [`crate::Op::Generate`] left its mark.
    pub label: String,
    /// The public key, where there is a key pair.
    pub public_key: Option<PublicKey>,
    /// The certificate object, DER, whether or not it fits the key.
    pub certificate: Option<Vec<u8>>,
    /// Made on the token, sensitive and not extractable (`CKA_LOCAL`, `CKA_SENSITIVE`,
    /// `CKA_EXTRACTABLE`), as the token says it.
    pub born_on_token: bool,
    /// Using the key needs the PIN.
    pub needs_pin: bool,
    /// Every use needs a PIN entry of its own (`CKA_ALWAYS_AUTHENTICATE`).
    pub pin_always: bool,
    /// Using the key needs a touch.
    pub needs_touch: bool,
}

/// Which slot names a token has to give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotSpace {
    /// A fixed set, as PIV: these are free for a new key, best first.
    Fixed(Vec<SlotId>),
    /// Any name that is not taken, as PKCS#11, where the `CKA_ID` is the writer's to choose.
    Free,
}

/// A token as it was when it was last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Which token.
    pub id: TokenId,
    /// Its label, as its owner wrote it.
    pub label: String,
    /// Manufacturer and model.
    pub model: String,
    /// The reader or module slot it is in, for people only.
    pub reader: String,
    /// Its PIN.
    pub pin: PinState,
    /// What it can do.
    pub abilities: BTreeSet<Ability>,
    /// Places that hold a key or a certificate, by name.
    pub slots: Vec<SlotInfo>,
    /// Where a new key may go.
    pub space: SlotSpace,
}

impl TokenInfo {
    /// The occupied slot of that name.
    #[must_use]
    pub fn slot(&self, slot: &SlotId) -> Option<&SlotInfo> {
        self.slots.iter().find(|s| s.slot == *slot)
    }
}
