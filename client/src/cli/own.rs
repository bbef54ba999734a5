//! What people do in their own matter.

use clap::Args;

/// `stop`
#[derive(Args, Debug)]
pub struct Stop {
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
