//! `certificate …`: on hold, back, and the end, on request forms.

use clap::{Args, Subcommand, ValueEnum};
use token::UserId;

use super::arguments::{FormReference, OfContract, ReasonArgument};
use super::bulk::{self, BulkArguments};
use super::{denied, say};
use crate::acquisition::Applicant;
use crate::bank::{Bank, Whose};
use crate::login::name;
use crate::rules::suspend::Cause;

/// Whose certificate.
#[derive(Debug, Args)]
pub struct OfHolder {
    /// Which contract.
    #[command(flatten)]
    pub contract: OfContract,
    /// Which user; otherwise an administrator.
    #[arg(long, visible_alias = "user")]
    pub user_id: Option<UserId>,
    /// Which of the contract's administrators, by number.
    #[arg(long, default_value_t = 1, value_name = "NUMBER", conflicts_with = "user_id",
          value_parser = clap::value_parser!(u16).range(1..=999))]
    pub number: u16,
    /// The request form.
    #[arg(long)]
    pub form_reference: FormReference,
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
    /// Issue the certificates of many users again, from a CSV file.
    ///
    /// The whole file is checked first; then each row is done by itself. After an interruption run it again with the
    /// same form: a user for whom the form was carried out is done_before, and a code that still counts is given again.
    Reissue(BulkArguments),
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
    let work = match work {
        CertificateWork::Reissue(arguments) => return bulk::work(bank, arguments).await,
        other => other,
    };
    let (holder, done) = match &work {
        CertificateWork::Reissue(_) => return Ok(()),
        CertificateWork::Suspend { holder, .. } => (holder, "suspended"),
        CertificateWork::Reinstate { holder } => (holder, "reinstated"),
        CertificateWork::Revoke { holder, .. } => (holder, "revoked"),
    };
    let applicant = Applicant { contract: holder.contract.contract_id.clone(), user: holder.user_id.clone() };
    let administrator = applicant.user.is_none().then_some(holder.number);
    let (whose, form) = (Whose { holder: &applicant, administrator }, &holder.form_reference);
    match &work {
        CertificateWork::Reissue(_) => Ok(()),
        CertificateWork::Suspend { reason, .. } => bank.suspend_certificate(whose, (*reason).into(), form).await,
        CertificateWork::Reinstate { .. } => bank.reinstate_certificate(whose, form).await,
        CertificateWork::Revoke { reason, .. } => bank.revoke_certificate(whose, (*reason).into(), form).await,
    }
    .map_err(denied)?;
    say(&format!("certificate of {} {done}", name(&applicant, administrator)))
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
