//! `[risk]`: what a new certificate may not do yet (D-507, D-508).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// `[risk]`. The bank's own systems act on it: the login answer tells them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RiskSettings {
    /// After how many bank business days a newly acquired certificate is good for risky business: 0 to 5. 1 is the
    /// next business day (D-507).
    pub cooling_off_days: u8,
    /// Days on which the bank is closed beside Saturdays, Sundays and 31 December to 3 January: `YYYY-MM-DD`.
    pub holidays: Vec<Date>,
    /// A reissue takes the user's transfer and approval rights until an administrator gives them again (D-508).
    pub suspend_rights_on_reissue: bool,
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self { cooling_off_days: 1, holidays: Vec::new(), suspend_rights_on_reissue: false }
    }
}

impl RiskSettings {
    /// Each rule: whether it is kept, the key it is about, and its text.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 2] {
        [
            (self.cooling_off_days <= 5, "risk.cooling-off-days", "0 to 5"),
            (self.holidays.len() <= 1000, "risk.holidays", "1000 days or fewer"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_in_range_are_kept() {
        let with = |cooling_off_days| RiskSettings { cooling_off_days, ..RiskSettings::default() };
        assert!(with(0).rules().iter().all(|rule| rule.0) && with(5).rules().iter().all(|rule| rule.0));
        assert!(!with(6).rules().iter().all(|rule| rule.0));
        assert!(toml::from_str::<RiskSettings>("holidays = [\"2027-01-11\"]").is_ok());
        assert!(toml::from_str::<RiskSettings>("holidays = [\"2027-02-30\"]").is_err());
    }
}
