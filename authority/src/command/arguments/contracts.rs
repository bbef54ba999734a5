//! `contract …`

use clap::{Args, Subcommand};

use super::{FormReference, LanguageArgument, OfContract};

/// Which contract, and on which paper.
#[derive(Debug, Args)]
pub struct OnForm {
    /// Which.
    #[command(flatten)]
    pub contract: OfContract,
    /// The request form.
    #[arg(long)]
    pub form_reference: FormReference,
}

/// `contract …`
#[derive(Debug, Subcommand)]
pub enum ContractWork {
    /// Stop a contract in an emergency: nobody of it logs in, its certificates are on hold. `resume` ends it.
    EmergencyStop(OnForm),
    /// List all contracts.
    List,
    /// Set the contract's own address for notices, and their language. The old and the new address are told.
    Notices {
        /// Which.
        #[command(flatten)]
        form: OnForm,
        /// The e-mail address; without it the contract has none of its own.
        #[arg(long)]
        email: Option<String>,
        /// The language of notices to this contract.
        #[arg(long, value_enum, default_value = "ja")]
        language: LanguageArgument,
    },
    /// Open a contract. Asks for `contract_pin` and `contract_confirm_pin`.
    Open {
        /// Which.
        #[command(flatten)]
        contract: OfContract,
        /// Users it may have.
        #[arg(long)]
        user_max: Option<u32>,
    },
    /// Set both PINs of a contract anew. Asks for `contract_pin` and `contract_confirm_pin`.
    ResetPins(OnForm),
    /// Lift the emergency stop of a contract.
    Resume(OnForm),
    /// Change what a contract declares; what is not given stays.
    Set {
        /// Which.
        #[command(flatten)]
        form: OnForm,
        /// Users it may have.
        #[arg(long)]
        user_max: Option<u32>,
        /// Whether two administrators are needed for what changes who can act.
        #[arg(long, value_name = "BOOL")]
        dual_control: Option<bool>,
    },
    /// Show a contract and its users.
    Show {
        /// Which.
        #[command(flatten)]
        contract: OfContract,
    },
    /// End a contract for ever: all its certificates and tokens end, and its ID is never used again.
    Terminate(OnForm),
    /// Lift the lock of a contract.
    Unlock(OnForm),
}
