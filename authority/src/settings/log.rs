//! `[log]`: what the server says to its operator. Neither form has secrets or personal data in it.

use serde::{Deserialize, Serialize};

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LogSettings {
    /// Directives of tracing-subscriber's `EnvFilter`.
    pub filter: String,
    /// How a line looks: `text` or `json`.
    pub format: LogFormat,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

impl LogSettings {
    /// The rules of this section: whether each is kept, of which key it speaks, and what it says.
    #[must_use]
    pub fn rules(&self) -> [(bool, &'static str, &'static str); 1] {
        let good = tracing_subscriber::EnvFilter::try_new(&self.filter).is_ok();
        [(good, "log.filter", "directives such as `info` or `warn,authority=debug`")]
    }
}
