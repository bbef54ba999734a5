//! `administrator …`

use clap::{Args, Subcommand};
use token::UserId;

use super::{FormReference, OfContract, ReasonArgument};

/// Which administrator, and on which paper.
#[derive(Debug, Args)]
pub struct OfAdministrator {
    /// Whose.
    #[command(flatten)]
    pub contract: OfContract,
    /// Which of the contract's administrators, by number.
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=999))]
    pub number: u16,
    /// The request form.
    #[arg(long)]
    pub form_reference: FormReference,
}

/// `administrator …`
#[derive(Debug, Subcommand)]
pub enum AdministratorWork {
    /// Register an administrator and open the first issue. Prints the number and the acquisition code, once.
    Add {
        /// Whose.
        #[command(flatten)]
        contract: OfContract,
        /// The request form.
        #[arg(long)]
        form_reference: FormReference,
        /// The name.
        #[arg(long, default_value = "")]
        name: String,
        /// Where notices go.
        #[arg(long, default_value = "")]
        email: String,
        /// The user of the contract that is the same person: in that user's matters another administrator acts.
        #[arg(long, value_name = "USER")]
        is_user: Option<UserId>,
    },
    /// Issue an administrator's certificate again. Prints the acquisition code, once.
    Issue {
        /// Which.
        #[command(flatten)]
        administrator: OfAdministrator,
        /// Why.
        #[arg(long, value_enum, default_value = "other")]
        reason: ReasonArgument,
    },
    /// List a contract's administrators and their certificates.
    List {
        /// Whose.
        #[command(flatten)]
        contract: OfContract,
    },
    /// Strike an administrator off. The certificate ends; the number is never given again.
    Remove {
        /// Which.
        #[command(flatten)]
        administrator: OfAdministrator,
    },
    /// End an administrator's certificate. Only `issue` gives another one.
    Revoke {
        /// Which.
        #[command(flatten)]
        administrator: OfAdministrator,
        /// Why.
        #[arg(long, value_enum, default_value = "other")]
        reason: ReasonArgument,
    },
    /// Change what is known of an administrator; what is not given stays.
    Set {
        /// Which.
        #[command(flatten)]
        administrator: OfAdministrator,
        /// The name.
        #[arg(long)]
        name: Option<String>,
        /// Where notices go.
        #[arg(long)]
        email: Option<String>,
        /// The user of the contract that is the same person.
        #[arg(long, value_name = "USER")]
        is_user: Option<UserId>,
    },
}
