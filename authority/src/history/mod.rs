//! 操作履歴: the record of events as a contract's administrator reads it and takes it away (D-409, D-706).

mod export;
mod words;

pub(crate) use export::record;
pub use export::{Format, export, header};

use serde::Serialize;
use token::{Language, Refusal};

use crate::jst;
use crate::store::history::Recorded;

/// An event, with what people read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What was recorded. Of the bank's and the authority's own the actor is no matter of the customer's, and empty.
    #[serde(flatten)]
    pub event: Recorded,
    /// The time in UTC (RFC 3339).
    pub at_utc: String,
    /// The time in Japan (RFC 3339).
    pub at_jst: String,
    /// The action in words.
    pub action_text: String,
    /// The role in words.
    pub role_text: &'static str,
    /// 完了, or why it was refused.
    pub outcome_text: String,
}

impl Entry {
    /// An event, in the reader's language.
    #[must_use]
    pub fn new(mut event: Recorded, language: Language) -> Self {
        if matches!(event.role.as_str(), "authority" | "bank_operator") {
            event.actor.clear();
        }
        let outcome_text = match (Refusal::from_code(&event.outcome), language) {
            (Some(refusal), language) => refusal.text(language, "-"),
            (None, Language::Ja) => "完了".to_owned(),
            (None, Language::En) => "done".to_owned(),
        };
        Self {
            at_utc: jst::rfc3339(event.at, 0),
            at_jst: jst::rfc3339(event.at, 9),
            action_text: words::action(&event.action, language).to_owned(),
            role_text: words::role(&event.role, language),
            outcome_text,
            event,
        }
    }
}
