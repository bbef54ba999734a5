//! `admin history`

use clap::{Args, ValueEnum};

/// Which of the contract's history, and how.
#[derive(Args, Debug)]
pub struct AdminHistory {
    /// Actions that begin so.
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// All of it as CSV.
    #[arg(long, conflicts_with_all = ["jsonl", "limit"])]
    pub csv: bool,
    /// All of it as JSON lines.
    #[arg(long, conflicts_with = "limit")]
    pub jsonl: bool,
    /// So many of the newest.
    #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Only these.
    #[arg(long, value_enum, value_name = "OUTCOME")]
    pub outcome: Option<Outcome>,
    /// From then on.
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Until then.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Of this user.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The authority's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}
