//! `[suspend]`: certificates on hold (D-807).

use serde::{Deserialize, Serialize};

/// `[suspend]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SuspendSettings {
    /// Days that a certificate stays suspended before it is revoked: 1 to 90.
    pub max_days: u16,
    /// Times that one certificate is reinstated: 1 to 99. Suspended once more, it can only be revoked.
    pub max_count: u32,
}

impl Default for SuspendSettings {
    fn default() -> Self {
        Self { max_days: 30, max_count: 5 }
    }
}

impl SuspendSettings {
    /// Each rule: whether it is kept, the key it is about, and its text.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 2] {
        [
            ((1..=90).contains(&self.max_days), "suspend.max-days", "1 to 90"),
            ((1..=99).contains(&self.max_count), "suspend.max-count", "1 to 99"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_in_range_are_kept() {
        let kept = |max_days, max_count| SuspendSettings { max_days, max_count }.rules().iter().all(|rule| rule.0);
        assert!(kept(1, 1) && kept(90, 99) && kept(30, 5));
        assert!(!kept(0, 5) && !kept(91, 5) && !kept(30, 0) && !kept(30, 100));
    }
}
