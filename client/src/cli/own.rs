//! What people do in their own matter.

use clap::Args;
use token::KeyRef;

/// `stop`
#[derive(Args, Debug)]
pub struct Stop {
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `history`, `user-pin`: what takes a login.
#[derive(Args, Debug)]
pub struct OfOwn {
    /// With this key.
    #[arg(long, value_name = "KEY")]
    pub certificate: Option<KeyRef>,
    /// The authority.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
