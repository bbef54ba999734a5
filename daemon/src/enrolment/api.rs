//! What the fronts see of enrolments.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enrol::machine::EnrolmentId;
use token::{ContractId, KeyAlgorithm, SlotId, TokenId, UserId};

use super::issuer::Issuer;
use crate::holder::Holder;

/// A registered authority: one `[[authority]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityProfile {
    /// The profile's name.
    pub name: String,
    /// `https://host[:port]`, the origin; CMP is spoken at `/.well-known/cmp` below it.
    pub url: String,
    /// SHA-256 of the DER of each root that is trusted for this authority.
    pub roots: Vec<[u8; 32]>,
}

/// The `[enrolment]` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentSettings {
    /// How long the old key stays usable after the new one is confirmed.
    pub grace: Duration,
    /// Cancelling gives the acquisition up for good, as the manual has it, instead of pausing it.
    pub strict_cancel: bool,
}

impl Default for EnrolmentSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(24 * 3600), strict_cancel: false }
    }
}

/// What a caller wants to acquire.
pub struct Order {
    /// The user of the workstation whose enrolment it is.
    pub owner: u32,
    /// The authority's profile name.
    pub profile: String,
    /// The token; `None` when exactly one is present.
    pub token: Option<TokenId>,
    /// 契約者ID.
    pub contract: ContractId,
    /// 利用者ID; `None` for an administrator.
    pub user: Option<UserId>,
    /// The kind of key; `None` takes the first one that authority and token both have.
    pub algorithm: Option<KeyAlgorithm>,
    /// What is renewed: its key signs for the new one, and nothing is typed.
    pub renews: Option<Renewed>,
    /// Who is asked.
    pub holder: Arc<dyn Holder>,
}

/// What an order renews.
pub struct Renewed {
    /// The old key's slot.
    pub slot: SlotId,
    /// The authority of the order: it must have issued the old certificate.
    pub issuer: Issuer,
}

/// One enrolment as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolmentStatus {
    /// Its name: 32 hexadecimal digits.
    pub id: EnrolmentId,
    /// `Intent` … `Done`, `Failed`, `Abandoning`, `Abandoned`.
    pub state: &'static str,
    /// What it waits for: `insert-token`, `card-pin`, `user-pin`, `otp`, `acquisition-code`,
    /// `consent`, `authority`, `resume`.
    pub needs_action: Option<&'static str>,
    /// Stopped by the holder or by a missing answer; `resume` goes on.
    pub paused: bool,
    /// `abandon` would be accepted.
    pub abandonable: bool,
    /// From 0 to 1.
    pub progress: f64,
    /// Whose it is.
    pub owner: u32,
    /// The authority's profile name.
    pub profile: String,
    /// The token.
    pub token: Option<TokenId>,
    /// Unix time in seconds.
    pub created_at: i64,
    /// Nanoseconds within that second.
    pub created_nanos: u32,
    /// The authority's acquisition deadline, where it told one; Unix time in seconds.
    pub deadline: Option<i64>,
    /// The last thing that went wrong: error name (as `OtpRejected`) and text.
    pub last_error: Option<(String, String)>,
    /// The common name the authority promised.
    pub subject: Option<String>,
}

impl EnrolmentStatus {
    /// What they are sorted by, oldest first.
    pub(super) fn age(&self) -> (i64, u32) {
        (self.created_at, self.created_nanos)
    }
}

/// Why a call on enrolments was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another enrolment for the same token, contract and user is under way.
    #[error("Another acquisition for the same token and user is under way. Resume or abandon it first.")]
    Conflict(EnrolmentId),
    /// The certificate that is to be stopped or renewed is not one of this authority's. Its key has signed nothing.
    #[error("The authority {0:?} has not issued this certificate. Name the authority that has, or choose another.")]
    OtherIssuer(String),
    /// The journal could not be written.
    #[error("The journal of enrolments cannot be written. Free disk space, then try again.")]
    Storage,
    /// No enrolment of that name.
    #[error("There is no such enrolment. List the enrolments again.")]
    Unknown,
    /// No such profile in the configuration.
    #[error("No authority {0:?} is configured. Use the name of an [[authority]] in jitsuind.toml.")]
    UnknownProfile(String),
    /// The token is not there, or none was named and not exactly one is present.
    #[error("The token is not present. Insert it, or name the token where there are several.")]
    TokenAbsent,
    /// As many enrolments of this owner are under way as anybody may have.
    #[error("Too many acquisitions are unfinished. Finish or abandon some of them first.")]
    TooMany,
    /// The token cannot make or hold the key.
    #[error("The token cannot {0}. Use another token.")]
    TokenUnfit(String),
    /// The state does not allow it, for example abandoning after confirmation.
    #[error("The acquisition is in state {0}, which does not allow this. Look at its status.")]
    WrongState(&'static str),
}

/// Why the enrolments cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made, read or trusted.
    #[error("The directory of enrolments {path} cannot be used. Make it a directory of mode 0700 owned by this user.")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another daemon has it.
    #[error("The directory of enrolments {path} is in use. End the other jitsuind first.")]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

/// Where the runner leaves its lines for the audit log.
pub trait EnrolmentAudit: Send + Sync {
    /// One act: whose enrolment, which verb (as `generate`, `confirm`), which key or token, and the
    /// outcome (`ok` or an error's name). Never arguments.
    fn record(&self, owner: u32, verb: &str, subject: &str, outcome: &str);
}
