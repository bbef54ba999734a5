//! What can be asked of a token, and what it yields.

use zeroize::Zeroizing;

use crate::login::{Challenge, Origin, signed_bytes};
use crate::{
    Ability, AccountName, KeyAlgorithm, KeyPolicy, NewOtpAccount, OtpAccount, OtpCode, Pin, PublicKey, Secret,
    SignatureAlgorithm, SlotId, TokenInfo,
};

/// A verb with its arguments: the message to a token's actor, the subject of policy, the line of
/// the audit log (by [`Op::verb`], never by its arguments).
///
/// Operations that need the PIN stand between [`Op::Unlock`] and [`Op::Lock`]: a *turn*. The actor
/// is the only one that sends those two, and always sends the second.
#[derive(Debug)]
pub enum Op {
    /// Prove that the key in `slot` was made on the device. Yields [`Outcome::Attestation`].
    Attest {
        /// The slot.
        slot: SlotId,
    },
    /// The code of an account. That of a HOTP account moves its counter; one that takes a touch waits
    /// for it. Yields [`Outcome::OtpCode`].
    CalculateOtp {
        /// Which account.
        account: AccountName,
        /// The time for which a TOTP code shall be, in Unix seconds.
        time: u64,
    },
    /// Change the PIN: one VERIFY of `old`. Needs no turn. Yields [`Outcome::Done`].
    ChangePin {
        /// The PIN so far.
        old: Pin,
        /// The new one.
        new: Pin,
    },
    /// Change the PIN, old and new entered on the keypad ([`Ability::PinPad`]): one VERIFY of the old. Needs no turn.
    /// Yields [`Outcome::Done`].
    ChangePinOnKeypad,
    /// Delete key pair and certificate from `slot`, if the key there is `expected`; an already
    /// empty slot is success. Yields [`Outcome::Done`].
    DeleteKey {
        /// The slot.
        slot: SlotId,
        /// The key that may be deleted.
        expected: PublicKey,
    },
    /// Make a key pair in an empty slot; it is checked to be local, sensitive and not extractable
    /// before it is reported. Yields [`Outcome::Generated`].
    Generate {
        /// An empty slot, chosen and recorded before.
        slot: SlotId,
        /// What kind of key.
        algorithm: KeyAlgorithm,
        /// How it is guarded. A token without such policies makes nothing but what is the default.
        policy: KeyPolicy,
        /// The label by which the writer will know the key again (`CKA_LABEL`), at most 64 ASCII
        /// characters.
        mark: String,
    },
    /// Write a certificate beside the key `expected`, replacing a certificate that is there, and
    /// read it back. Yields [`Outcome::Done`] when what was read back is equal.
    InstallCertificate {
        /// The slot.
        slot: SlotId,
        /// The key that must be in it.
        expected: PublicKey,
        /// DER.
        certificate: Vec<u8>,
    },
    /// Which accounts the token has. No counter moves. Yields [`Outcome::OtpAccounts`].
    ListOtp,
    /// End the turn: log out. Yields [`Outcome::Done`]; a token that is gone counts as locked.
    Lock,
    /// Put an account on the token; one of its name is not overwritten. Yields [`Outcome::Done`].
    ProvisionOtp {
        /// Which account.
        account: NewOtpAccount,
        /// Its secret, raw bytes.
        secret: Secret,
    },
    /// Read the token anew. Yields [`Outcome::Info`].
    ReadInfo,
    /// Ask how many tries the PUK has left, without spending one. Yields [`Outcome::Tries`].
    ReadPuk,
    /// Sign with the key `expected`. Yields [`Outcome::Signature`].
    Sign {
        /// The slot.
        slot: SlotId,
        /// The key that must be in it.
        expected: PublicKey,
        /// How.
        algorithm: SignatureAlgorithm,
        /// What.
        statement: Statement,
    },
    /// Set a new PIN with the PUK, whether or not the PIN is blocked: one try of the PUK. Needs no turn.
    /// Yields [`Outcome::Done`].
    UnblockPin {
        /// The PUK.
        puk: Pin,
        /// The new PIN.
        new: Pin,
    },
    /// Set a new PIN with the PUK, both entered on the keypad: one try of the PUK. Needs no turn. Yields
    /// [`Outcome::Done`].
    UnblockPinOnKeypad,
    /// Begin a turn: exactly one VERIFY. Yields [`Outcome::Done`]. The token looks how many tries are
    /// left and verifies without anybody coming between the two, where it can.
    Unlock {
        /// The PIN; `None` where the token has its own keypad.
        pin: Option<Pin>,
        /// Whether the holder risks the last try. Otherwise it is held: [`Fault::FinalTryHeld`].
        ///
        /// [`Fault::FinalTryHeld`]: crate::Fault::FinalTryHeld
        last: bool,
    },
}

impl Op {
    /// Its name in the audit log.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Attest { .. } => "attest",
            Self::CalculateOtp { .. } => "calculate-otp",
            Self::ChangePin { .. } | Self::ChangePinOnKeypad => "change-pin",
            Self::DeleteKey { .. } => "delete-key",
            Self::Generate { .. } => "generate",
            Self::InstallCertificate { .. } => "install-certificate",
            Self::ListOtp => "list-otp",
            Self::Lock => "lock",
            Self::ProvisionOtp { .. } => "provision-otp",
            Self::ReadInfo => "read-info",
            Self::ReadPuk => "read-puk",
            Self::Sign { .. } => "sign",
            Self::UnblockPin { .. } | Self::UnblockPinOnKeypad => "unblock-pin",
            Self::Unlock { .. } => "unlock",
        }
    }

    /// The ability the token must declare; `None` for what every token does.
    #[must_use]
    pub fn needs(&self) -> Option<Ability> {
        match self {
            Self::Attest { .. } => Some(Ability::Attest),
            Self::CalculateOtp { .. } | Self::ListOtp => Some(Ability::CalculateOtp),
            Self::ChangePin { .. } | Self::ChangePinOnKeypad => Some(Ability::ChangePin),
            Self::DeleteKey { .. } => Some(Ability::DeleteKey),
            Self::Generate { algorithm, .. } => Ability::generate(*algorithm),
            Self::InstallCertificate { .. } => Some(Ability::InstallCertificate),
            Self::ProvisionOtp { .. } => Some(Ability::ProvisionOtp),
            Self::ReadPuk | Self::UnblockPin { .. } | Self::UnblockPinOnKeypad => Some(Ability::UnblockPin),
            Self::Sign { .. } => Some(Ability::Sign),
            Self::Lock | Self::ReadInfo | Self::Unlock { .. } => None,
        }
    }

    /// How long the token may take, in seconds. Past it the answer is unknown and the device is
    /// opened anew.
    #[must_use]
    pub fn deadline_seconds(&self) -> u64 {
        match self {
            Self::Generate { .. } => 180,
            // A person types meanwhile.
            Self::ChangePinOnKeypad | Self::UnblockPinOnKeypad => 180,
            Self::Unlock { pin: None, .. } => 120,
            Self::CalculateOtp { .. }
            | Self::ChangePin { .. }
            | Self::Sign { .. }
            | Self::UnblockPin { .. }
            | Self::Unlock { .. } => 30,
            Self::Attest { .. }
            | Self::DeleteKey { .. }
            | Self::InstallCertificate { .. }
            | Self::ListOtp
            | Self::Lock
            | Self::ProvisionOtp { .. }
            | Self::ReadInfo
            | Self::ReadPuk => 15,
        }
    }
}

/// What an [`Op`] yields.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The attestation certificate of the key and the device's own, DER, leaf first.
    Attestation(Vec<Vec<u8>>),
    /// It is done.
    Done,
    /// The key pair that was made.
    Generated(PublicKey),
    /// The accounts on the token.
    OtpAccounts(Vec<OtpAccount>),
    /// A one-time password.
    OtpCode(OtpCode),
    /// The token as it is now.
    Info(TokenInfo),
    /// A signature; ECDSA as raw `r ‖ s`.
    Signature(Vec<u8>),
    /// Tries left; `None` where the token does not say.
    Tries(Option<u8>),
}

/// The only things a key signs: messages whose bytes the daemon builds itself. There is no
/// constructor from a digest or from a caller's bytes alone.
///
/// The families cannot be taken for one another: a login is 64 or 96 bytes; a certificate request
/// and a CMP protected part are longer than 96, begin with a DER SEQUENCE and differ in the tag
/// inside it; an installation proof begins with a letter.
///
/// The bytes are wiped when dropped: a certificate request carries the user PIN and the OTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    family: &'static str,
    bytes: Zeroizing<Vec<u8>>,
}

/// Bytes that do not belong to the family they were given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not {family}")]
pub struct BadStatement {
    family: &'static str,
}

impl Statement {
    /// A login (see [`signed_bytes`]).
    #[must_use]
    pub fn login(origin: &Origin, challenge: &Challenge, algorithm: SignatureAlgorithm) -> Self {
        Self { family: "login", bytes: Zeroizing::new(signed_bytes(origin, challenge, algorithm)) }
    }

    /// The proof of possession over a `CertRequest` in DER (RFC 4211 §4.1).
    ///
    /// # Errors
    /// [`BadStatement`] when the bytes cannot be one.
    pub fn certificate_request(der: Vec<u8>) -> Result<Self, BadStatement> {
        Self::der("certificate-request", der, 0x02)
    }

    /// The protection of a CMP message: its `ProtectedPart` in DER (RFC 9810 §5.1.3).
    ///
    /// # Errors
    /// [`BadStatement`] when the bytes cannot be one.
    pub fn cmp_protection(der: Vec<u8>) -> Result<Self, BadStatement> {
        Self::der("cmp-protection", der, 0x30)
    }

    /// What a CA signs: the `TBSCertificate`, `TBSCertList` or `CertificationRequestInfo` in DER (RFC 5280, RFC 2986).
    /// For the authority's own process; the daemon's workers take no such statement ([`Self::from_daemon`]), so no
    /// holder's key signs one.
    ///
    /// # Errors
    /// [`BadStatement`] when the bytes cannot be one.
    pub fn of_authority(der: Vec<u8>) -> Result<Self, BadStatement> {
        use ::der::asn1::AnyRef;
        use ::der::{Decode, Tagged};
        let family = "authority";
        let is_sequence = AnyRef::from_der(&der).is_ok_and(|any| any.tag() == ::der::Tag::Sequence);
        if der.len() > 96 && is_sequence {
            Ok(Self { family, bytes: Zeroizing::new(der) })
        } else {
            Err(BadStatement { family: "what a CA signs" })
        }
    }

    /// The test that a key and the certificate written beside it work, signed and verified on the
    /// workstation before the authority is told.
    #[must_use]
    pub fn installation_proof(transaction: &[u8; 16], certificate_sha256: &[u8; 32]) -> Self {
        let bytes = [b"Jitsuin installation proof, version 1\0".as_slice(), transaction, certificate_sha256].concat();
        Self { family: "installation-proof", bytes: Zeroizing::new(bytes) }
    }

    /// Its family, for the audit log.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.family
    }

    /// The message (not its hash).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes a statement over from the daemon, in the worker process that holds the module. Its
    /// bytes are checked again.
    ///
    /// # Errors
    /// [`BadStatement`] when they are of no family.
    pub fn from_daemon(family: &str, bytes: Vec<u8>) -> Result<Self, BadStatement> {
        match family {
            "login" if matches!(bytes.len(), 64 | 96) => Ok(Self { family: "login", bytes: Zeroizing::new(bytes) }),
            "certificate-request" => Self::certificate_request(bytes),
            "cmp-protection" => Self::cmp_protection(bytes),
            "installation-proof" if bytes.starts_with(b"Jitsuin installation proof") => {
                Ok(Self { family: "installation-proof", bytes: Zeroizing::new(bytes) })
            }
            _ => {
                drop(Zeroizing::new(bytes));
                Err(BadStatement { family: "a statement" })
            }
        }
    }

    fn der(family: &'static str, bytes: Vec<u8>, inner: u8) -> Result<Self, BadStatement> {
        let bytes = Zeroizing::new(bytes);
        let content = match bytes.as_slice() {
            [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest.first(),
            [0x30, length, rest @ ..] if *length < 0x80 => rest.first(),
            _ => None,
        };
        if bytes.len() > 96 && content == Some(&inner) {
            Ok(Self { family, bytes })
        } else {
            Err(BadStatement { family })
        }
    }
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Statement({}, {} bytes)", self.family, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_do_not_overlap() {
        let origin = Origin::new("https://bank.example").unwrap();
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        let login = Statement::login(&origin, &challenge, SignatureAlgorithm::Es256);
        let proof = Statement::installation_proof(&[0; 16], &[0; 32]);
        let mut request = vec![0x30, 0x70, 0x02];
        request.resize(0x72, 0);
        let mut protected = vec![0x30, 0x70, 0x30];
        protected.resize(0x72, 0);
        let families = ["login", "certificate-request", "cmp-protection", "installation-proof"];
        for (own, bytes) in [
            ("login", login.bytes().to_vec()),
            ("certificate-request", request),
            ("cmp-protection", protected),
            ("installation-proof", proof.bytes().to_vec()),
        ] {
            for family in families {
                assert_eq!(Statement::from_daemon(family, bytes.clone()).is_ok(), family == own, "{own} as {family}");
            }
        }
        assert!(Statement::certificate_request(vec![]).is_err());
    }
}
