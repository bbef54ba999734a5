//! `[token]`: OTP tokens' life (D-305, D-309).

use serde::{Deserialize, Serialize};

/// `[token]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TokenSettings {
    /// Years that a token lasts from when it was taken into stock, where its maker says nothing else: 1 to 10.
    pub life_years: u32,
    /// Days before its end from which another one is due, and notice is given: 0 to 365.
    pub notice_days: u32,
    /// Where a contract has a token of its own, revoking a user's wants a password from it.
    pub administrator_otp: bool,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self { life_years: 5, notice_days: 90, administrator_otp: true }
    }
}

impl TokenSettings {
    /// The rules of this section: whether each is kept, of which key it speaks, and what it says.
    #[must_use]
    pub fn rules(&self) -> [(bool, &'static str, &'static str); 2] {
        [
            ((1..=10).contains(&self.life_years), "token.life-years", "1 to 10"),
            (self.notice_days <= 365, "token.notice-days", "0 to 365"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::OtpSettings;
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let token = |text: &str| {
            let settings: TokenSettings = toml::from_str(text).unwrap();
            settings.rules().into_iter().find(|(kept, ..)| !kept).map(|(_, key, _)| key)
        };
        for good in ["", "life-years = 1", "life-years = 10\nnotice-days = 365", "administrator-otp = false"] {
            assert_eq!(token(good), None, "{good}");
        }
        for (bad, key) in
            [("life-years = 0", "life-years"), ("life-years = 11", "life-years"), ("notice-days = 366", "notice-days")]
        {
            assert_eq!(token(bad), Some(format!("token.{key}").as_str()), "{bad}");
        }
        let otp = |text: &str| {
            let settings: OtpSettings = toml::from_str(text).unwrap();
            settings.rules().into_iter().find(|(kept, ..)| !kept).map(|(_, key, _)| key)
        };
        assert_eq!(otp("reregister-delay-minutes = 0"), None);
        assert_eq!(otp("reregister-delay-minutes = 1440\narrangement = \"one-per-user\""), None);
        assert_eq!(otp("reregister-delay-minutes = 1441"), Some("otp.reregister-delay-minutes"));
        assert_eq!(otp("look-ahead = 51"), Some("otp.look-ahead"));
        assert_eq!(otp("resync = 0"), Some("otp.resync"));
        for bad in ["arrangement = \"shared\"", "colour = 1"] {
            assert!(toml::from_str::<OtpSettings>(bad).is_err(), "{bad}");
        }
        assert!(toml::from_str::<TokenSettings>("life = 5").is_err());
    }
}
