//! What happened, as far as the journal must know.

use token::{PublicKey, Refusal, SlotId};

use super::certificate::Issued;
use super::order::Terms;
use super::state::{Confirmation, Held, Reason};

/// One step of the state. Each leads to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The holder gives it up (asked twice).
    Abandon,
    /// The authority has bound the transaction to our key.
    Accepted,
    /// A key that bears our mark was found where the journal does not expect one: use it, but it is
    /// not ours to delete.
    Adopted {
        /// Where.
        slot: SlotId,
        /// Which.
        public_key: PublicKey,
    },
    /// The certificate came, and passed its checks.
    Arrived(Issued),
    /// The confirmation was signed.
    ConfirmationSigned(Confirmation),
    /// The authority says it is confirmed.
    Confirmed {
        /// Unix time in seconds.
        at: i64,
    },
    /// It cannot go on.
    Fail(Reason),
    /// All is done.
    Finish,
    /// Given up too late: the authority had it confirmed already, with this key.
    Forward {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// Unix time in seconds.
        at: i64,
    },
    /// Nothing of ours is left on the token.
    Gone,
    /// Write the certificate.
    Install,
    /// It was read back, equal.
    Installed,
    /// The key was made in the recorded slot.
    KeyMade {
        /// It.
        public_key: PublicKey,
    },
    /// The authority knows the transaction, bound to this key.
    Known(Held),
    /// The holder pauses it.
    Pause,
    /// The proof does not verify, or the certificate is not there.
    ProofFailed,
    /// Prove it.
    Prove,
    /// The proof verified.
    Proved,
    /// The authority refuses the request or the confirmation.
    Refused {
        /// The catalogue's entry, where there is one.
        refusal: Option<Refusal>,
        /// The authority's text.
        text: String,
    },
    /// The holder goes on.
    Resume,
    /// The request is lost and the authority never had it: make it again.
    Rework,
    /// The grace is over.
    Retire,
    /// The request was signed.
    Signed,
    /// Make a key in this slot, which was read and is empty.
    Slot(SlotId),
    /// Send the request.
    Submit,
    /// What the authority said on page 1.
    Terms(Terms),
}
