//! `[administrator]`: how many a contract has, and what one of them may not do alone (D-401, D-405, D-407).

use serde::{Deserialize, Serialize};

/// Most administrators of any contract (D-401).
pub const MAX_ADMINISTRATORS: usize = 3;

/// `[administrator]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AdministratorSettings {
    /// Fewest administrators of a contract: 1 to 3. From 2 on the last but one cannot be removed, and a contract with
    /// fewer who can act is warned on every page.
    pub min: u16,
    /// Most administrators of a contract: 1 to 3, not fewer than `min`.
    pub max: u16,
    /// What changes who can act needs a second administrator, unless a contract says otherwise itself.
    pub dual_control: bool,
    /// Hours in which a second administrator must approve: 1 to 720.
    pub approval_hours: u32,
    /// Also users can stop the contract in an emergency (D-212).
    pub users_may_stop: bool,
    /// Days for which a user's login counts against an administrator who works from the same address: 0 to 90; 0 warns
    /// of none (D-410). For networks in which workstations have addresses of their own.
    pub same_address_days: u16,
}

impl Default for AdministratorSettings {
    fn default() -> Self {
        Self { min: 1, max: 2, dual_control: false, approval_hours: 72, users_may_stop: false, same_address_days: 0 }
    }
}

impl AdministratorSettings {
    /// The rules of this section: whether each is kept, of which key it speaks, and what it says.
    #[must_use]
    pub fn rules(&self) -> [(bool, &'static str, &'static str); 4] {
        [
            ((1..=3).contains(&self.max), "administrator.max", "1 to 3"),
            ((1..=self.max).contains(&self.min), "administrator.min", "1 to administrator.max"),
            ((1..=720).contains(&self.approval_hours), "administrator.approval-hours", "1 to 720"),
            (self.same_address_days <= 90, "administrator.same-address-days", "0 to 90"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let broken = |text: &str| {
            let settings: AdministratorSettings = toml::from_str(text).unwrap();
            settings.rules().into_iter().find(|(kept, ..)| !kept).map(|(_, key, _)| key)
        };
        assert_eq!(broken(""), None);
        assert_eq!(broken("min = 2\nmax = 3"), None);
        assert_eq!(broken("min = 2\nmax = 1"), Some("administrator.min"));
        assert_eq!(broken("min = 0"), Some("administrator.min"));
        assert_eq!(broken("max = 4"), Some("administrator.max"));
        assert_eq!(broken("approval-hours = 0"), Some("administrator.approval-hours"));
        assert_eq!(broken("approval-hours = 721"), Some("administrator.approval-hours"));
        assert_eq!(broken("same-address-days = 90"), None);
        assert_eq!(broken("same-address-days = 91"), Some("administrator.same-address-days"));
        assert!(toml::from_str::<AdministratorSettings>("colour = 1").is_err());
    }
}
