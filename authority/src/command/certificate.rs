//! `certificate …`: on hold, back, and the end, on request forms.

use clap::{Args, Subcommand, ValueEnum};
use token::UserId;

use super::arguments::{OfContract, ReasonArgument};
use super::{denied, say};
use crate::acquisition::Applicant;
use crate::bank::Bank;
use crate::rules::suspend::Cause;

/// Whose certificate.
#[derive(Debug, Args)]
pub struct OfHolder {
    /// Which contract.
    #[command(flatten)]
    pub contract: OfContract,
    /// Which user; otherwise the administrator.
    #[arg(long, visible_alias = "user")]
    pub user_id: Option<UserId>,
    /// The request form.
    #[arg(long)]
    pub form_reference: String,
}

/// Why a certificate is suspended.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum CauseArgument {
    /// The holder is away.
    Absence,
    /// The token is lost.
    Lost,
    /// Anything else.
    Other,
    /// The token was stolen.
    Stolen,
    /// Somebody else may be using it.
    Suspicion,
}

/// `certificate …`
#[derive(Debug, Subcommand)]
pub enum CertificateWork {
    /// Put a certificate on hold: no login from now on. After suspend.max-days it is revoked.
    Suspend {
        /// Whose.
        #[command(flatten)]
        holder: OfHolder,
        /// Why.
        #[arg(long, value_enum, default_value = "other")]
        reason: CauseArgument,
    },
    /// Make a suspended certificate valid again.
    Reinstate {
        /// Whose.
        #[command(flatten)]
        holder: OfHolder,
    },
    /// End a certificate for good, and whatever is open for acquisition. Nothing is issued instead.
    Revoke {
        /// Whose.
        #[command(flatten)]
        holder: OfHolder,
        /// Why.
        #[arg(long, value_enum, default_value = "other")]
        reason: ReasonArgument,
    },
}

pub(super) async fn work(bank: &Bank, work: CertificateWork) -> anyhow::Result<()> {
    let (holder, done) = match work {
        CertificateWork::Suspend { holder, reason } => {
            let (applicant, form) = parts(holder);
            bank.suspend_certificate(&applicant, reason.into(), &form).await.map_err(denied)?;
            (applicant, "suspended")
        }
        CertificateWork::Reinstate { holder } => {
            let (applicant, form) = parts(holder);
            bank.reinstate_certificate(&applicant, &form).await.map_err(denied)?;
            (applicant, "reinstated")
        }
        CertificateWork::Revoke { holder, reason } => {
            let (applicant, form) = parts(holder);
            bank.revoke_certificate(&applicant, reason.into(), &form).await.map_err(denied)?;
            (applicant, "revoked")
        }
    };
    say(&format!("certificate of {holder} {done}"))
}

fn parts(OfHolder { contract: OfContract { contract_id }, user_id, form_reference }: OfHolder) -> (Applicant, String) {
    (Applicant { contract: contract_id, user: user_id }, form_reference)
}

impl From<CauseArgument> for Cause {
    fn from(cause: CauseArgument) -> Self {
        match cause {
            CauseArgument::Absence => Self::Absence,
            CauseArgument::Lost => Self::Lost,
            CauseArgument::Other => Self::Other,
            CauseArgument::Stolen => Self::Stolen,
            CauseArgument::Suspicion => Self::Suspicion,
        }
    }
}
