//! `[otp]`: one-time passwords (D-302, D-304, D-306 to D-308).

use serde::{Deserialize, Serialize};

use crate::otp::Windows;

/// `[otp]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OtpSettings {
    /// Past time steps that are accepted: 0 or 1 (D-307).
    pub past_steps: u64,
    /// Counters ahead that are accepted: 0 to 50 (RFC 4226 §7.4).
    pub look_ahead: u64,
    /// Steps or counters searched at resynchronisation: 1 to 100 (D-308).
    pub resync: u64,
    /// Minutes after a token was revoked in which its user gets no other: 0 to 1440 (D-304).
    pub reregister_delay_minutes: u32,
    /// 利用形態設定: who shares a token.
    pub arrangement: Arrangement,
}

/// `otp.arrangement` (D-302). One token shared by several is not offered (`docs/decisions`, "a token is one user's").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrangement {
    /// Each user has one of its own.
    OnePerUser,
}

impl Default for OtpSettings {
    fn default() -> Self {
        Self {
            past_steps: 1,
            look_ahead: 10,
            resync: 20,
            reregister_delay_minutes: 30,
            arrangement: Arrangement::OnePerUser,
        }
    }
}

impl OtpSettings {
    /// As the verifier takes them.
    #[must_use]
    pub fn windows(&self) -> Windows {
        Windows { past: self.past_steps, look_ahead: self.look_ahead, resync: self.resync }
    }

    /// The rules of this section: whether each is kept, of which key it speaks, and what it says.
    #[must_use]
    pub fn rules(&self) -> [(bool, &'static str, &'static str); 4] {
        [
            (self.past_steps <= 1, "otp.past-steps", "0 or 1"),
            (self.look_ahead <= 50, "otp.look-ahead", "0 to 50"),
            ((1..=100).contains(&self.resync), "otp.resync", "1 to 100"),
            (self.reregister_delay_minutes <= 1440, "otp.reregister-delay-minutes", "0 to 1440"),
        ]
    }
}
